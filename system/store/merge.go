package store

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/region"
)

// A merge makes a region, the source, part of its neighbour, the target, in the manner of TiKV. A PrepareMerge in the
// source's log freezes it. A CommitMerge in the target's log, for exactly the epoch that the target had then, takes it
// over: each peer of the target first applies the source's log up to the PrepareMerge on its own store. If the target has
// changed before that, no CommitMerge can ever be applied, and a RollbackMerge thaws the source. What makes that safe is
// in docs/decisions/0013-merge.md.

// merging says whether the region is frozen until it is merged or its merge is taken back: it serves nothing, changes
// nothing, gives no lease and does not sleep.
func (p *peer) merging() bool { return p.merge != nil }

// takesWrites, takesReads and takesChanges say whether a region that may be frozen takes commands other than the one that
// thaws it, reads, and changes of its members.
func (p *peer) takesWrites() bool {
	// gofail: var bugMergeWrites struct{}
	// return true
	return !p.merging()
}

func (p *peer) takesReads() bool {
	// gofail: var bugMergeReads struct{}
	// return true
	return !p.merging()
}

func (p *peer) takesChanges() bool {
	// gofail: var bugMergeConfChange struct{}
	// return true
	return !p.merging()
}

// refuseWhileMerging is the error for whatever must not begin in a frozen region, or nil.
func (s *Store) refuseWhileMerging(p *peer) error {
	if p.merging() {
		return regionError{region.ProposalInMergingMode(p.region.GetId())}
	}
	return nil
}

// startMerge begins to merge p's region into target, on the leader's own account, in this turn or the next.
func (s *Store) startMerge(p *peer, target *metapb.Region) error {
	if s.alone || s.cfg.shardOf(target.GetId()) == s.shard {
		return s.prepareMerge(p, target, nil)
	}
	s.wishes = append(s.wishes, mergeWish{p: p, target: target})
	s.askAlone()
	return nil
}

// prepareMerge checks a merge against both regions as they are here and appends the PrepareMerge. Whoever asked gets an
// answer when the region is frozen; on an error nothing was started.
func (s *Store) prepareMerge(p *peer, target *metapb.Region, req *request) error {
	if err := s.refuseWhileMerging(p); err != nil {
		return err
	}
	t := s.owner(target.GetId()).peers[target.GetId()]
	if t != nil && t.initialised() && !region.SameEpoch(target.GetRegionEpoch(), t.region.GetRegionEpoch()) {
		return regionError{region.EpochNotMatch(t.region)}
	}
	if why := refuseMerge(p, t); why != "" {
		return fmt.Errorf("merge of %s: %s", region.Format(p.region), why)
	}
	if t.merging() {
		return regionError{region.ServerIsBusy("the target is being merged itself")}
	}
	if t.group.IsLeader() && !t.membersKnow() {
		return regionError{region.ServerIsBusy("a peer of the target has not got its first snapshot")}
	}
	from, why := s.mergeFrom(p)
	if why != "" {
		return regionError{region.ServerIsBusy(why)}
	}
	cmd := &ordealpb.Command{
		Epoch: p.region.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_PrepareMerge{
			PrepareMerge: &ordealpb.PrepareMergeCommand{MinIndex: from, Target: t.region},
		}},
	}
	if err := s.propose(p, mustMarshal(cmd), proposal{admin: req}); err != nil {
		return regionError{err}
	}
	return nil
}

// refuseMerge says why p's region can't be merged into t's, or nothing.
func refuseMerge(p, t *peer) string {
	switch {
	case t == nil || !t.initialised() || !t.member():
		return "the leader's store has no peer of the target"
	case t == p:
		return "it can't swallow itself"
	case !neighbours(p.region, t.region):
		return "no neighbour of " + region.Format(t.region)
	}
	if len(p.region.GetPeers()) != len(t.region.GetPeers()) {
		return "not on the same stores as " + region.Format(t.region)
	}
	for _, m := range p.region.GetPeers() {
		o := region.FindPeer(t.region, m.GetStoreId())
		plain := m.GetRole() == metapb.PeerRole_Voter || m.GetRole() == metapb.PeerRole_Learner
		if o == nil || o.GetRole() != m.GetRole() || !plain {
			return "its peers are not on the same stores and of the same roles, or are about to change, in " + region.Format(t.region)
		}
	}
	return ""
}

func neighbours(a, b *metapb.Region) bool {
	touch := func(a, b *metapb.Region) bool {
		return len(a.GetEndKey()) > 0 && bytes.Equal(a.GetEndKey(), b.GetStartKey())
	}
	return touch(a, b) || touch(b, a)
}

// mergeFrom returns an index up to which every peer has the log, such that what is behind it can be carried by one
// command, or why there is none just now. It also proves that every peer knows its region.
func (s *Store) mergeFrom(p *peer) (index uint64, why string) {
	last := p.group.LastIndex()
	index = last
	for _, f := range p.group.Followers() {
		if f.Snapshotting {
			return 0, "a peer waits for a snapshot"
		}
		index = min(index, f.Match)
	}
	if !p.membersKnow() {
		return 0, "a peer has not got its first snapshot"
	}
	if len(p.lost) > 0 {
		return 0, "a peer is quarantined and has to be replaced, which a frozen region can't do"
	}
	if p.applied.Term != p.group.Term() || len(p.unplaced) > 0 {
		return 0, "its log is in motion"
	}
	gap, ok := p.group.Entries(index, last)
	if !ok || index < p.group.Truncated().Index {
		return 0, "a peer is too far behind"
	}
	size := 0
	for _, e := range gap {
		if size += proto.Size(e); size > MaxMergeBytes {
			return 0, "a peer is too far behind"
		}
		if !plainEntry(e) {
			return 0, "a change of the region is under way"
		}
	}
	return index, ""
}

// plainEntry says whether applying an entry only reads and writes single keys. A CommitMerge carries no others: what it
// carries is applied in the very batch in which the region ends.
func plainEntry(e *raft.Entry) bool {
	if raft.IsConfChange(e) {
		return false
	}
	cmd := &ordealpb.Command{}
	if err := proto.Unmarshal(e.GetData(), cmd); err != nil || cmd.GetAdmin() != nil {
		return false
	}
	for _, op := range cmd.GetOps() {
		if op.GetKind() == ordealpb.Op_DELETE_RANGE {
			return false
		}
	}
	return true
}

// applyPrepareMerge freezes the region. Both parts of the epoch rise, so that whatever was proposed before and comes
// behind it in the log, an operation, a split or a change of members, has no effect.
func (s *Store) applyPrepareMerge(p *peer, epoch *metapb.RegionEpoch, c *ordealpb.PrepareMergeCommand, pr *proposal) {
	if !region.CheckEpoch(epoch, p.region.GetRegionEpoch(), true, true) {
		s.refuseAdmin(p, pr, region.EpochNotMatch(p.region))
		return
	}
	p.merge = &ordealpb.MergeState{
		MinIndex: c.GetMinIndex(), Target: c.GetTarget(), CommitIndex: p.applied.Index, CommitTerm: p.applied.Term,
	}
	r := region.Clone(p.region)
	r.RegionEpoch.ConfVer++
	r.RegionEpoch.Version++
	s.setRegion(p, r)
	keep := false
	// gofail: var bugMergeKeepsLease struct{}
	// keep = true

	if !keep {
		p.group.DropLease()
	}
	// gofail: var crashAfterPrepareMerge struct{}
	// s.at("crashAfterPrepareMerge", p.region.GetId())

	if f := s.cfg.Listener.PrepareMerge; f != nil {
		f(s.cfg.StoreID, r, p.applied.Index)
	}
	s.reached(stateMerging, r.GetId(), c.GetTarget().GetId())
	s.answerAdmin(p, pr, &ordealpb.AdminResponse{Regions: []*metapb.Region{r}})
	if p.group.IsLeader() {
		s.heartbeatRegion(p)
		s.drive(p)
	}
}

// applyRollbackMerge thaws the region, if it still is in the merge that the command is about.
func (s *Store) applyRollbackMerge(p *peer, c *ordealpb.RollbackMergeCommand) {
	if !p.merging() || p.merge.GetCommitIndex() != c.GetCommitIndex() {
		return
	}
	p.merge = nil
	r := region.Clone(p.region)
	r.RegionEpoch.Version++
	s.setRegion(p, r)
	// gofail: var crashAfterRollbackMerge struct{}
	// s.at("crashAfterRollbackMerge", p.region.GetId())

	if f := s.cfg.Listener.RollbackMerge; f != nil {
		f(s.cfg.StoreID, r, c.GetCommitIndex())
	}
	s.came(p, stateMergeRolledBack)
	if p.group.IsLeader() {
		s.heartbeatRegion(p)
	}
}
