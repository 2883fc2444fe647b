package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"ordeal/proto/errorpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// Replicas compare themselves as follows. The leader appends a ComputeHash. Every replica that applies it hashes its data
// and its region as of that entry, from a view and some bytes a tick, and reports the hash to the leader, who may be
// wrong itself and so decides nothing: it waits until a majority of the voters has one hash, and appends that as a
// VerifyHash. Whoever applies it and has another hash for that index is wrong and quarantines itself, leader or not. Where no
// majority agrees nobody knows who is right, and nothing happens but what listeners make of the hashes.

const (
	// maxHashing bounds the hashes that a store works on at a time; it takes no part in a check that comes on top.
	maxHashing = 16
	// hashBytesPerTick is how many bytes of keys and values a store hashes in a tick.
	hashBytesPerTick = 4 << 20
)

// hashTask is a hash that is being worked out.
type hashTask struct {
	p      *peer
	at     raft.ID
	region *metapb.Region
	view   *engine.View
	hasher *engine.Hasher
	// cursor is the user key from which it goes on.
	cursor []byte
	// want is the majority's hash, if that is known already.
	want *ordealpb.VerifyHashCommand
}

// hashed is the last hash that a peer worked out.
type hashed struct {
	at   raft.ID
	hash uint64
}

// hashReport is what a peer, itself or another, has as of index.
type hashReport struct {
	peer, index, hash uint64
}

// proposeCheck starts a comparison of a leader's replicas.
func (s *Store) proposeCheck(p *peer, req *request) *errorpb.Error {
	cmd := &ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_ComputeHash{
		ComputeHash: &ordealpb.ComputeHashCommand{},
	}}}
	return s.propose(p, mustMarshal(cmd), proposal{admin: req})
}

// applyComputeHash begins to work out the hash as of the entry that is being applied.
func (s *Store) applyComputeHash(p *peer, pr *proposal) {
	s.answerAdmin(p, pr, &ordealpb.AdminResponse{Regions: []*metapb.Region{p.region}})
	// The VerifyHash that follows is no reason for another check.
	p.checked = p.applied.Index + 1
	s.stopHashing(p)
	o := s.owner(p.region.GetId()) // another shard may be applying what p's region still has to before it is taken over
	if s.carrying || len(o.hashing) >= maxHashing {
		return
	}
	s.putApplyState(p)
	s.commit()
	o.hashing = append(o.hashing, &hashTask{
		p: p, at: p.applied, region: p.region, view: s.eng.View(), hasher: engine.NewHasher(), cursor: p.region.GetStartKey(),
	})
}

// stopHashing gives up what is being hashed of a peer.
func (s *Store) stopHashing(p *peer) {
	o := s.owner(p.region.GetId())
	o.hashing = slices.DeleteFunc(o.hashing, func(t *hashTask) bool {
		if t.p == p {
			t.view.Close()
		}
		return t.p == p
	})
}

// tickHashing works on the hashes that are asked for, the oldest first.
func (s *Store) tickHashing() {
	left := hashBytesPerTick
	for left > 0 && len(s.hashing) > 0 {
		t := s.hashing[0]
		if t.p.dead {
			s.stopHashing(t.p)
			continue
		}
		more := false
		lo, hi := engine.DataRange(t.cursor, t.region.GetEndKey())
		err := t.view.Scan(lo, hi, func(k, v []byte) bool {
			if left <= 0 {
				t.cursor, more = append([]byte(nil), engine.UserKey(k)...), true
				return false
			}
			left -= len(k) + len(v)
			t.hasher.Add(k, v)
			return true
		})
		// gofail: var bugCorruptEndsHash struct{}
		// err = nil

		if err == nil && more {
			return
		}
		s.stopHashing(t.p)
		if err != nil {
			s.readFailed(t.p, err)
			continue
		}
		s.finishHash(t)
	}
}

// finishHash reports a hash to the leader.
func (s *Store) finishHash(t *hashTask) {
	p := t.p
	if f := s.cfg.Listener.StateHash; f != nil {
		f(s.cfg.StoreID, t.region.GetId(), t.at, t.hasher.Sum(), t.hasher.Pairs())
	}
	p.hashed = hashed{at: t.at, hash: t.hasher.Sum() ^ regionHash(t.region)}
	if t.want != nil {
		s.applyVerifyHash(p, t.want)
		return
	}
	report := hashReport{peer: p.meta.GetId(), index: t.at.Index, hash: p.hashed.hash}
	if p.group.IsLeader() {
		s.countReport(p, report)
		return
	}
	if to := p.leader(); to != nil {
		s.sendNow.add(s.addr(to.GetStoreId(), p.region.GetId()), &ordealpb.RaftMessage{
			RegionId: p.region.GetId(), FromPeer: p.meta, ToPeer: to, RegionEpoch: p.region.GetRegionEpoch(),
			Extra: &ordealpb.ExtraMessage{Body: &ordealpb.ExtraMessage_HashReport{
				HashReport: &ordealpb.HashReport{Index: report.index, Hash: report.hash},
			}},
		})
	}
}

// regionHash hashes what replicas must agree on beside the data.
func regionHash(r *metapb.Region) uint64 {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %q %q %d %d", r.GetId(), r.GetStartKey(), r.GetEndKey(), r.GetRegionEpoch().GetConfVer(), r.GetRegionEpoch().GetVersion())
	for _, m := range r.GetPeers() {
		fmt.Fprintf(&b, " %d:%d:%d", m.GetId(), m.GetStoreId(), m.GetRole())
	}
	return xxhash.Sum64String(b.String())
}

// onHashReport takes what another peer has.
func (s *Store) onHashReport(m *ordealpb.RaftMessage, r *ordealpb.HashReport) {
	p := s.peers[m.GetRegionId()]
	if p == nil || !p.group.IsLeader() || !p.member() {
		return
	}
	s.countReport(p, hashReport{peer: m.GetFromPeer().GetId(), index: r.GetIndex(), hash: r.GetHash()})
}

// countReport tells all replicas of the hash that a majority of the voters has, once there is one. Only the reports of the
// latest check count, one of each voter.
func (s *Store) countReport(p *peer, r hashReport) {
	if m := region.FindPeerByID(p.region, r.peer); m == nil || !region.Votes(m) {
		return
	}
	p.reports = slices.DeleteFunc(p.reports, func(o hashReport) bool { return o.index < r.index })
	if slices.ContainsFunc(p.reports, func(o hashReport) bool { return o.index > r.index || o.peer == r.peer }) {
		return
	}
	p.reports = append(p.reports, r)
	alike := 0
	for _, o := range p.reports {
		if o.hash == r.hash {
			alike++
		}
	}
	if alike != region.Voters(p.region)/2+1 {
		return
	}
	cmd := &ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_VerifyHash{
		VerifyHash: &ordealpb.VerifyHashCommand{Index: r.index, Hash: r.hash},
	}}}
	// If it can't be appended now, there will be another check.
	_ = s.propose(p, mustMarshal(cmd), proposal{})
}

// applyVerifyHash compares what the majority has with what p has as of the same entry. One that knows no hash for it has
// nothing to compare: it has a snapshot of later, or was restarted.
func (s *Store) applyVerifyHash(p *peer, c *ordealpb.VerifyHashCommand) {
	for _, t := range s.owner(p.region.GetId()).hashing {
		if t.p == p && t.at.Index == c.GetIndex() {
			t.want = c
			return
		}
	}
	if p.hashed.at.Index != c.GetIndex() || p.hashed.hash == c.GetHash() {
		return
	}
	if f := s.cfg.Listener.Inconsistent; f != nil {
		f(s.cfg.StoreID, p.region.GetId(), p.hashed.at, p.hashed.hash, c.GetHash())
	}
	s.quarantine(p, fmt.Sprintf("as of entry %d its hash is %016x, and a majority has %016x", c.GetIndex(), p.hashed.hash, c.GetHash()))
}
