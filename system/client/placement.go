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

// Policy changes by what the placement driver goes, if req wants a change, and returns what holds then. It ends with
// ErrNotExecuted where the driver refuses.
func (c *Client) Policy(req *ordealpb.PolicyRequest) (*ordealpb.PlacementPolicy, error) {
	resp, err := askPD(c, "change the policy", &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Policy{Policy: req}}, (*ordealpb.PDResponse).GetPolicy)
	return resp.GetPolicy(), err
}

// Order asks the placement driver to do something with a region, and returns what it began. It ends with ErrNotExecuted where
// the driver refuses. It asks each member once at most, up to the one that leads: what is refused now may be taken later, which
// is for the caller to know.
func (c *Client) Order(req *ordealpb.OperatorRequest) (string, error) {
	o := c.begin(read, "order an operator", nil)
	for {
		o.attempts++
		resp, f := pdCall(o, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Operator{Operator: req}}, (*ordealpb.PDResponse).GetOperator)
		if f == nil {
			return resp.GetOperator(), nil
		}
		if (f.cause != pdNotLeader && f.cause != pdElsewhere) || o.attempts > len(c.pd) {
			return "", o.failed(ErrNotExecuted, f)
		}
	}
}
