package client

import (
	"bytes"
	"fmt"
	"strings"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// Split cuts the region that holds key in two at key and returns both halves, the left one first. It ends with
// ErrNotExecuted where a region begins already.
//
// Like all changes of regions it ends with ErrOutcomeUnknown if an answer was lost: the caller must look at the regions
// to learn what became of it.
func (c *Client) Split(key []byte) ([]*metapb.Region, error) {
	return c.BatchSplit([][]byte{key}, false)
}

// BatchSplit cuts one region at several keys, all at once or not at all, and returns the parts in order of keys. The region
// goes on under its id as the first part, or as the last one with rightDerive. The keys, 1 to region.SplitKeysMax, must
// ascend. It ends with ErrNotExecuted where a region begins at one of the keys already, or where they lie in several
// regions.
func (c *Client) BatchSplit(keys [][]byte, rightDerive bool) ([]*metapb.Region, error) {
	if err := checkSplitKeys(keys); err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	o := c.begin(split, "split at", keys[0])
	var resp *ordealpb.Response
	err := o.run(func() *failure {
		e, f := o.locate(keys[0])
		if f != nil {
			return f
		}
		resp, f = o.change(e, &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_Split{
			Split: &ordealpb.SplitRequest{SplitKeys: keys, RightDerive: rightDerive},
		}})
		if f != nil && f.cause == keyNotInRegion && !cuts(e.region, keys) {
			// The store knows the region at this epoch as well: no other one is to be found, however often one looks.
			f.cause = rejected
		}
		return f
	})
	return resp.GetAdmin().GetRegions(), err
}

func checkSplitKeys(keys [][]byte) error {
	if len(keys) == 0 || len(keys) > region.SplitKeysMax {
		return fmt.Errorf("%w: %d keys, want 1 to %d", ErrInvalid, len(keys), region.SplitKeysMax)
	}
	for i, k := range keys {
		if err := invalid(region.CheckKey(k)); err != nil {
			return err
		}
		if i > 0 && bytes.Compare(keys[i-1], k) >= 0 {
			return fmt.Errorf("%w: the keys must ascend, but %s comes before %s", ErrInvalid,
				region.FormatKey(keys[i-1]), region.FormatKey(k))
		}
	}
	return nil
}

// cuts says whether each key lies inside of r and not at its start.
func cuts(r *metapb.Region, keys [][]byte) bool {
	for _, k := range keys {
		if !region.Contains(r, k) || bytes.Equal(k, r.GetStartKey()) {
			return false
		}
	}
	return true
}

// ChangePeer adds or removes one peer of r, which must still be at the epoch it has here, and returns the region as it
// is then, or nil if the leader did not say.
func (c *Client) ChangePeer(r *metapb.Region, change pdpb.ConfChangeType, peer *metapb.Peer) (*metapb.Region, error) {
	resp, err := c.changeRegion(r, func() *ordealpb.AdminRequest {
		body := &ordealpb.ChangePeerRequest{ChangeType: change, Peer: peer}
		return &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ChangePeer{ChangePeer: body}}
	})
	if err != nil {
		return nil, fmt.Errorf("%s of %s to or from %s: %w", change, region.FormatPeer(peer), region.Format(r), err)
	}
	if regions := resp.GetAdmin().GetRegions(); len(regions) > 0 {
		return regions[0], nil
	}
	return nil, nil
}

// Merge makes source part of target, a neighbour with its peers on the same stores; both must still be at the epochs that
// they have here. No error means that source is frozen: it is about to be merged, or, if target changes first, goes on as
// it was. Which of them came about shows in the regions that the placement driver knows.
func (c *Client) Merge(source, target *metapb.Region) error {
	_, err := c.changeRegion(source, func() *ordealpb.AdminRequest {
		body := &ordealpb.MergeRequest{Target: target}
		return &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_Merge{Merge: body}}
	})
	if err != nil {
		return fmt.Errorf("merge of %s into %s: %w", region.Format(source), region.Format(target), err)
	}
	return nil
}

// ChangePeers makes several changes of r's peers at once, through a joint configuration: whatever is decided meanwhile
// needs a majority of the voters before and one of those after. With explicitLeave the region stays in it until LeaveJoint;
// otherwise the leader leaves it as soon as it can, after the answer. A voter can't be removed so, only demoted, by adding it
// as a learner, and be removed afterwards. See ChangePeer for the rest.
func (c *Client) ChangePeers(r *metapb.Region, changes []*pdpb.ChangePeer, explicitLeave bool) (*metapb.Region, error) {
	body := &ordealpb.ChangePeerV2Request{ExplicitLeave: explicitLeave}
	var what []string
	for _, one := range changes {
		body.Changes = append(body.Changes, &ordealpb.ChangePeerRequest{ChangeType: one.GetChangeType(), Peer: one.GetPeer()})
		what = append(what, one.GetChangeType().String()+" "+region.FormatPeer(one.GetPeer()))
	}
	if len(what) == 0 {
		return nil, fmt.Errorf("%w: no changes", ErrInvalid)
	}
	return c.changePeers(r, body, strings.Join(what, ", "))
}

// LeaveJoint ends the joint configuration that r is in.
func (c *Client) LeaveJoint(r *metapb.Region) (*metapb.Region, error) {
	return c.changePeers(r, &ordealpb.ChangePeerV2Request{}, "end of the joint configuration")
}

func (c *Client) changePeers(r *metapb.Region, body *ordealpb.ChangePeerV2Request, what string) (*metapb.Region, error) {
	resp, err := c.changeRegion(r, func() *ordealpb.AdminRequest {
		return &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ChangePeerV2{ChangePeerV2: body}}
	})
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", what, region.Format(r), err)
	}
	if regions := resp.GetAdmin().GetRegions(); len(regions) > 0 {
		return regions[0], nil
	}
	return nil, nil
}

// TransferLeader asks the leader of r to hand over to another of its peers. No error means that the leader agreed to
// try; whether it came about shows in Status.
func (c *Client) TransferLeader(r *metapb.Region, to *metapb.Peer) error {
	_, err := c.changeRegion(r, func() *ordealpb.AdminRequest {
		body := &ordealpb.TransferLeaderRequest{Peer: to}
		return &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_TransferLeader{TransferLeader: body}}
	})
	if err != nil {
		return fmt.Errorf("leadership of %s to %s: %w", region.Format(r), region.FormatPeer(to), err)
	}
	return nil
}

// CheckConsistency has r's replicas compare their data. No error means that they have begun to; a replica that is found to be
// wrong is replaced.
func (c *Client) CheckConsistency(r *metapb.Region) error {
	_, err := c.changeRegion(r, func() *ordealpb.AdminRequest {
		body := &ordealpb.ConsistencyCheckRequest{}
		return &ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ConsistencyCheck{ConsistencyCheck: body}}
	})
	if err != nil {
		return fmt.Errorf("comparison of the replicas of %s: %w", region.Format(r), err)
	}
	return nil
}

// Status asks one peer of r, leader or not, what it believes of its region; the returned region is nil if it did not
// say. It asks once and does not retry: ErrNotExecuted means that there is no answer.
func (c *Client) Status(r *metapb.Region, peer *metapb.Peer) (*ordealpb.RegionStatus, *metapb.Region, error) {
	o := c.begin(read, "status", nil)
	o.attempts = 1
	resp, f := o.askAdmin(newEntry(r, peer), &ordealpb.AdminRequest{
		Body: &ordealpb.AdminRequest_Status{Status: &ordealpb.StatusRequest{}},
	})
	if f != nil {
		return nil, nil, fmt.Errorf("peer %s of %s: %w", region.FormatPeer(peer), region.Format(r),
			o.failed(ErrNotExecuted, f))
	}
	admin := resp.GetAdmin()
	if len(admin.GetRegions()) == 0 {
		return admin.GetStatus(), nil, nil
	}
	return admin.GetStatus(), admin.GetRegions()[0], nil
}

// changeRegion sends a change meant for r and no other: its peers are tried until one of them leads.
func (c *Client) changeRegion(r *metapb.Region, body func() *ordealpb.AdminRequest) (*ordealpb.Response, error) {
	if len(r.GetPeers()) == 0 {
		return nil, fmt.Errorf("%w: the region has no peers", ErrInvalid)
	}
	var leader *metapb.Peer
	if known := c.cache.find(r.GetStartKey()); known != nil && known.region.GetId() == r.GetId() {
		leader = known.leader
	}
	e := newEntry(r, leader)
	o := c.begin(admin, "change of the region", nil)
	var resp *ordealpb.Response
	err := o.run(func() (f *failure) {
		resp, f = o.change(e, body())
		return f
	})
	return resp, err
}

// change asks e's leader for a change of its region and remembers what it has become.
func (o *op) change(e *entry, req *ordealpb.AdminRequest) (*ordealpb.Response, *failure) {
	resp, f := o.askAdmin(e, req)
	if f == nil {
		o.c.remember(resp.GetAdmin().GetRegions(), e.leader.GetStoreId())
	}
	return resp, f
}

func (o *op) askAdmin(e *entry, req *ordealpb.AdminRequest) (*ordealpb.Response, *failure) {
	req.Context = e.context()
	return o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_Admin{Admin: req}})
}
