package cluster

import (
	"bytes"
	"fmt"
	"time"

	"ordeal/nemesis"
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
	// drivers is where the members of the placement driver are, in the order in which they are asked.
	drivers func() []world.Addr
	// timeout bounds one command.
	timeout time.Duration
	// splitEmpty says that a region may be split where it has too little data: where there are thousands, most are empty.
	splitEmpty bool
}

func (a admin) client(p world.Proc) *client.Client {
	return newClient(p, a.drivers(), client.Options{CallTimeout: a.timeout, OpTimeout: a.timeout})
}

func newClient(p world.Proc, drivers []world.Addr, o client.Options) *client.Client {
	return client.New(p, drivers, o)
}

// TransferPD implements nemesis.Target.
func (a admin) TransferPD(p world.Proc, to world.NodeID) error {
	return a.client(p).TransferDriver(uint64(to))
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

// ChangePeers implements nemesis.Target.
func (a admin) ChangePeers(p world.Proc, id uint64, changes []nemesis.PeerChange, explicitLeave bool) error {
	r := a.find(p, id)
	if r == nil {
		return fmt.Errorf("there is no region %d", id)
	}
	cl := a.client(p)
	var asked []*pdpb.ChangePeer
	for _, c := range changes {
		m := region.FindPeer(r, uint64(c.Store))
		if m == nil {
			peerID, err := cl.AllocID()
			if err != nil {
				return err
			}
			m = &metapb.Peer{Id: peerID, StoreId: uint64(c.Store)}
		}
		asked = append(asked, &pdpb.ChangePeer{Peer: m, ChangeType: changeTypes[c.Kind]})
	}
	_, err := cl.ChangePeers(r, asked, explicitLeave)
	return err
}

// changeTypes says what kinds of changes are on the wire.
var changeTypes = map[nemesis.PeerChangeKind]pdpb.ConfChangeType{
	nemesis.MakeVoter:   pdpb.ConfChangeType_AddNode,
	nemesis.MakeLearner: pdpb.ConfChangeType_AddLearnerNode,
	nemesis.Drop:        pdpb.ConfChangeType_RemoveNode,
}

// LeaveJoint implements nemesis.Target.
func (a admin) LeaveJoint(p world.Proc, id uint64) error {
	r := a.find(p, id)
	if r == nil {
		return fmt.Errorf("there is no region %d", id)
	}
	_, err := a.client(p).LeaveJoint(r)
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

// Check implements nemesis.Target.
func (a admin) Check(p world.Proc, id uint64) error {
	r := a.find(p, id)
	if r == nil {
		return fmt.Errorf("there is no region %d", id)
	}
	return a.client(p).CheckConsistency(r)
}

// Split implements nemesis.Target.
func (a admin) Split(p world.Proc, key []byte) error {
	_, err := a.client(p).Split(key)
	return err
}

// BatchSplit implements nemesis.Target.
func (a admin) BatchSplit(p world.Proc, keys [][]byte, right bool) error {
	_, err := a.client(p).BatchSplit(keys, right)
	return err
}

// splitScan is how many pairs are looked at to find keys to split at.
const splitScan = 64

// SplitKey implements nemesis.Target.
func (a admin) SplitKey(p world.Proc, id uint64) []byte {
	if keys := a.dataKeys(p, a.find(p, id), 1); len(keys) > 0 {
		return keys[0]
	}
	if a.splitEmpty {
		if keys := a.SplitKeys(p, id, 1); len(keys) > 0 {
			return keys[0]
		}
	}
	return nil
}

// SplitKeys implements nemesis.Target. Where there are too few data, keys without any are added: regions may be empty.
func (a admin) SplitKeys(p world.Proc, id uint64, n int) [][]byte {
	n = min(n, region.SplitKeysMax)
	r := a.find(p, id)
	keys := a.dataKeys(p, r, n)
	if r == nil || len(keys) == n {
		return keys
	}
	last := r.GetStartKey()
	if len(keys) > 0 {
		last = keys[len(keys)-1]
	}
	for i := len(keys); i < n; i++ {
		key := append(bytes.Clone(last), emptySplit...)
		if key = append(key, byte('a'+i)); region.Contains(r, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// emptySplit stands in keys that regions are cut at where there are no data. No workload's keys have it.
const emptySplit = "~cut"

// dataKeys returns up to n keys that cut what is looked at into parts of about as many pairs each.
func (a admin) dataKeys(p world.Proc, r *metapb.Region, n int) [][]byte {
	if r == nil {
		return nil
	}
	pairs, _, err := a.client(p).Scan(r.GetStartKey(), r.GetEndKey(), splitScan)
	if err != nil {
		return nil
	}
	// The first pair stays in front of all cuts.
	n = min(n, len(pairs)-1)
	var keys [][]byte
	for i := range max(n, 0) {
		keys = append(keys, pairs[(i+1)*len(pairs)/(n+1)].GetKey())
	}
	return keys
}
