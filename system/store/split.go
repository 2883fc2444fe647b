package store

import (
	"bytes"
	"errors"
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// startSplit begins a split that a client asked for.
func (s *Store) startSplit(p *peer, req *request, c *ordealpb.SplitRequest) error {
	if err := checkSplitKeys(c.GetSplitKeys()); err != nil {
		return fmt.Errorf("split: %w", err)
	}
	if err := s.askSplit(p, c.GetSplitKeys(), c.GetRightDerive(), req); err != nil {
		return regionError{err}
	}
	return nil
}

// checkSplitKeys refuses keys that can split no region at all.
func checkSplitKeys(keys [][]byte) error {
	if len(keys) == 0 || len(keys) > region.SplitKeysMax {
		return fmt.Errorf("%d keys, want 1 to %d", len(keys), region.SplitKeysMax)
	}
	for i, k := range keys {
		if len(k) == 0 {
			return errors.New("the empty key is the start of the first region already")
		}
		if len(k) > region.MaxKeySize {
			return fmt.Errorf("key %s has %d B, want at most %d B", region.FormatKey(k), len(k), region.MaxKeySize)
		}
		if i > 0 && bytes.Compare(keys[i-1], k) >= 0 {
			return fmt.Errorf("the keys must ascend, but %s comes before %s", region.FormatKey(keys[i-1]), region.FormatKey(k))
		}
	}
	return nil
}

// askSplit asks PD for the ids that a split at keys needs; the answer proposes it. With right the old region keeps its
// last part instead of its first.
func (s *Store) askSplit(p *peer, keys [][]byte, right bool, req *request) *errorpb.Error {
	if p.merging() {
		return region.ProposalInMergingMode(p.region.GetId())
	}
	for _, k := range keys {
		if !splits(p, k) {
			return region.KeyNotInRegion(k, p.region)
		}
	}
	if region.Joint(p.region) {
		// The new regions would be born into joint configurations that nobody has the task to leave.
		return region.ServerIsBusy("the region is in a joint configuration")
	}
	ok := s.askPD(pdCall{
		kind: callSplit, region: p.region.GetId(), epoch: p.region.GetRegionEpoch(), splitKeys: keys, right: right, req: req,
	}, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_AskBatchSplit{AskBatchSplit: &pdpb.AskBatchSplitRequest{
		Region: p.region, SplitCount: uint32(len(keys)),
	}}})
	if !ok {
		return region.ServerIsBusy("too many questions to PD are open")
	}
	p.size.asked = s.ticks
	return nil
}

// splits says whether a key lies inside of p's region and not at its start, where there is a border already.
func splits(p *peer, key []byte) bool {
	return region.Contains(p.region, key) && !bytes.Equal(key, p.region.GetStartKey())
}

// onSplitIDs proposes a split with the ids that PD gave.
func (s *Store) onSplitIDs(c pdCall, resp *pdpb.AskBatchSplitResponse) {
	p := s.peers[c.region]
	refuse := func(err *errorpb.Error) {
		if c.req != nil {
			s.replyError(c.req, p, err)
		}
	}
	switch {
	case p == nil || !p.member():
		refuse(region.RegionNotFound(c.region))
		return
	case !idsFit(resp.GetIds(), len(c.splitKeys), len(p.region.GetPeers())):
		refuse(region.ServerIsBusy("PD gave no ids for the split: " + resp.GetHeader().GetError().GetMessage()))
		return
	case !p.group.IsLeader():
		refuse(region.NotLeader(c.region, p.leader()))
		return
	case !region.CheckEpoch(c.epoch, p.region.GetRegionEpoch(), true, true):
		refuse(region.EpochNotMatch(p.region))
		return
	}
	split := &ordealpb.SplitCommand{RightDerive: c.right}
	for i, id := range resp.GetIds() {
		split.Regions = append(split.Regions, &ordealpb.NewRegion{
			SplitKey: c.splitKeys[i], RegionId: id.GetNewRegionId(), PeerIds: id.GetNewPeerIds(),
		})
	}
	cmd := &ordealpb.Command{
		Epoch: p.region.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_Split{Split: split}},
	}
	if err := s.propose(p, mustMarshal(cmd), proposal{admin: c.req}); err != nil {
		refuse(err)
	}
}

// idsFit says whether PD gave ids for so many regions of so many peers.
func idsFit(ids []*pdpb.SplitID, regions, peers int) bool {
	for _, id := range ids {
		if len(id.GetNewPeerIds()) != peers {
			return false
		}
	}
	return len(ids) == regions
}
