package store

import (
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// merging says whether the region is frozen until it is merged or its merge is taken back: it serves nothing, changes
// nothing, gives no lease and does not sleep.
func (p *peer) merging() bool { return p.merge != nil }

// refuseWhileMerging is the error for whatever must not begin in a frozen region, or nil.
func (s *Store) refuseWhileMerging(p *peer) error {
	if p.merging() {
		return regionError{region.ProposalInMergingMode(p.region.GetId())}
	}
	return nil
}

// startMerge begins to merge p's region into target, on the leader's own account.
func (s *Store) startMerge(p *peer, target *metapb.Region) error {
	return s.prepareMerge(p, target, nil)
}

// prepareMerge begins to merge p's region into target.
func (s *Store) prepareMerge(p *peer, _ *metapb.Region, _ *request) error {
	if err := s.refuseWhileMerging(p); err != nil {
		return err
	}
	return regionError{region.ServerIsBusy("it does not merge regions yet")}
}
