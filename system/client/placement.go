package client

import (
	"ordeal/proto/ordealpb"
)

// EmptyStore tells the placement driver that a store is to leave: its regions move to others, and when it has none left it is
// gone for good. With cancel it stays after all, as long as that has not come about. It ends with ErrNotExecuted where
// regions would have too few stores.
func (c *Client) EmptyStore(id uint64, cancel bool) error {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_EmptyStore{EmptyStore: &ordealpb.EmptyStoreRequest{StoreId: id, Cancel: cancel}}}
	_, err := askPD(c, "empty the store", req, (*ordealpb.PDResponse).GetEmptyStore)
	return err
}
