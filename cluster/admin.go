package cluster

import (
	"fmt"
	"time"

	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/client"
	"ordeal/system/region"
	"ordeal/world"
)

// admin gives a nemesis's commands to a cluster, as an operator would: through a client.
type admin struct {
	// find returns the current description of a region, nil if there is none.
	find func(p world.Proc, id uint64) *metapb.Region
	// timeout bounds one command.
	timeout time.Duration
}

func (a admin) client(p world.Proc) *client.Client {
	return newClient(p, client.Options{CallTimeout: a.timeout, OpTimeout: a.timeout})
}

func newClient(p world.Proc, o client.Options) *client.Client {
	return client.New(p, []world.Addr{{Node: PDNode}}, o)
}

// TransferLeader implements nemesis.Target.
func (a admin) TransferLeader(p world.Proc, id uint64, to world.NodeID) error {
	r := a.find(p, id)
	m := region.FindPeer(r, uint64(to))
	if m == nil {
		return fmt.Errorf("region %d has no peer on store %d", id, to)
	}
	return a.client(p).TransferLeader(r, m)
}

// AddPeer implements nemesis.Target.
func (a admin) AddPeer(p world.Proc, id uint64, on world.NodeID) error {
	r := a.find(p, id)
	if r == nil {
		return fmt.Errorf("there is no region %d", id)
	}
	cl := a.client(p)
	peerID, err := cl.AllocID()
	if err != nil {
		return err
	}
	_, err = cl.ChangePeer(r, pdpb.ConfChangeType_AddNode, &metapb.Peer{Id: peerID, StoreId: uint64(on)})
	return err
}

// RemovePeer implements nemesis.Target.
func (a admin) RemovePeer(p world.Proc, id uint64, from world.NodeID) error {
	r := a.find(p, id)
	m := region.FindPeer(r, uint64(from))
	if m == nil {
		return fmt.Errorf("region %d has no peer on store %d", id, from)
	}
	_, err := a.client(p).ChangePeer(r, pdpb.ConfChangeType_RemoveNode, m)
	return err
}

// Split implements nemesis.Target.
func (a admin) Split(p world.Proc, key []byte) error {
	_, err := a.client(p).Split(key)
	return err
}

// Merge implements nemesis.Target.
func (a admin) Merge(p world.Proc, source, target uint64) error {
	from, to := a.find(p, source), a.find(p, target)
	if from == nil || to == nil {
		return fmt.Errorf("there is no region %d or no region %d", source, target)
	}
	return a.client(p).Merge(from, to)
}

// splitScan is how many pairs are looked at to find a key in the middle.
const splitScan = 64

// SplitKey implements nemesis.Target.
func (a admin) SplitKey(p world.Proc, id uint64) []byte {
	r := a.find(p, id)
	if r == nil {
		return nil
	}
	pairs, _, err := a.client(p).Scan(r.GetStartKey(), r.GetEndKey(), splitScan)
	if err != nil || len(pairs) < 2 {
		return nil
	}
	return pairs[len(pairs)/2].GetKey()
}
