package store

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordeal/checker"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
	"ordeal/world"
)

// pdNode is where the script itself plays the placement driver.
const pdNode world.NodeID = 100

// machine is one store of a script and the machine it runs on.
type machine struct {
	id    world.NodeID
	disk  *engine.SimDisk
	eng   *engine.Engine
	node  *Node
	inbox []arrival
	// now is the machine's clock; it moves with its ticks.
	now world.Time
	// barriers wait for the disk; durable is how many commits no crash can take.
	barriers []diskBarrier
	durable  uint64
	lives    uint64
	stalled  bool
	// spoiled says that somebody has written to its disk behind its back.
	spoiled bool
	down    bool
}

// arrival is an event of one of a store's shards.
type arrival struct {
	shard int
	world.Event
}

type diskBarrier struct {
	world.Barrier
	shard int
	at    uint64
}

// settle lets stores step, disks sync and messages travel until nothing happens any more. Stores step in the order of
// their ids, and everything that one step sends is there for the next.
func (s *script) settle() {
	for busy := true; busy; {
		busy = false
		for _, m := range s.machines {
			if m.down {
				continue
			}
			if len(m.inbox) > 0 {
				busy = true
				s.step(m)
			}
			if !m.stalled && len(m.barriers) > 0 {
				busy = true
				s.sync(m)
			}
		}
	}
}

// step runs one turn of each shard of a store that something came for.
func (s *script) step(m *machine) {
	in := make([][]world.Event, len(m.node.shards))
	for _, a := range m.inbox {
		in[a.shard] = append(in[a.shard], a.Event)
	}
	m.inbox = nil
	for i, events := range in {
		if len(events) > 0 {
			s.turn(m, i, events)
		}
	}
}

// turn runs one turn of a shard.
func (s *script) turn(m *machine, shard int, in []world.Event) {
	var out world.Effects
	m.node.shards[shard].Step(m.now, in, &out)
	for _, x := range out.Sends {
		s.carry(m, x)
	}
	for _, r := range out.Replies {
		s.answered(r)
	}
	for _, b := range out.Barriers {
		m.barriers = append(m.barriers, diskBarrier{b, shard, m.disk.Position()})
	}
}

// sync completes the barriers of a machine.
func (s *script) sync(m *machine) {
	for _, b := range m.barriers {
		m.durable = max(m.durable, b.at)
		for _, x := range b.Then {
			s.carry(m, x)
		}
		m.inbox = append(m.inbox, arrival{b.shard, world.Event{Kind: world.EventSynced, Token: b.Token}})
	}
	m.barriers = nil
}

// carry takes what a store sent where it is to go, past the cuts and traps.
func (s *script) carry(m *machine, x world.Send) {
	from := m.id
	if x.To.Node == from {
		m.inbox = append(m.inbox, arrival{int(x.To.Actor), world.Event{Kind: world.EventMessage, Payload: x.Payload}})
		return
	}
	if s.isCut(from, x.To.Node) {
		return
	}
	if x.To.Node == pdNode {
		s.askedPD(from, x.Payload)
		return
	}
	pkt := &ordealpb.StorePacket{}
	s.must(proto.Unmarshal(x.Payload, pkt))
	through := &ordealpb.StorePacket{Pd: pkt.GetPd()}
	n := 0
	for _, l := range lettersOf(from, x.To.Node, pkt) {
		s.mail[l.kind]++
		if s.spring(l) {
			proto.Merge(through, l.pkt)
			n++
		}
	}
	if n > 0 || through.GetPd() != nil {
		s.deliver(from, x.To.Node, through)
	}
}

func (s *script) deliver(from, to world.NodeID, pkt *ordealpb.StorePacket) {
	if m := s.machine(to); m != nil && !m.down {
		payload, err := proto.Marshal(pkt)
		s.must(err)
		m.inbox = append(m.inbox, arrival{s.shardFor(pkt), world.Event{
			Kind: world.EventMessage, From: world.Addr{Node: from}, Payload: payload,
		}})
	}
}

// shardFor is where a packet belongs. All that one turn has for a shard is for regions of that shard; PD answers who asked,
// which shows in the id of the question.
func (s *script) shardFor(pkt *ordealpb.StorePacket) int {
	of := func(region uint64) int { return int(region % uint64(s.cfg.Shards)) }
	switch {
	case pkt.GetPd().GetRegionHeartbeat() != nil:
		return of(pkt.GetPd().GetRegionHeartbeat().GetRegionId())
	case pkt.GetPd() != nil:
		return int(pkt.GetPd().GetId()>>nonceShard) & 0xf
	case len(pkt.GetRaft()) > 0:
		return of(pkt.GetRaft()[0].GetRegionId())
	case len(pkt.GetSnapshotChunks()) > 0:
		return of(pkt.GetSnapshotChunks()[0].GetRegionId())
	case len(pkt.GetSnapshotAcks()) > 0:
		return of(pkt.GetSnapshotAcks()[0].GetRegionId())
	case len(pkt.GetMergeQueries()) > 0:
		return of(pkt.GetMergeQueries()[0].GetRegionId())
	case len(pkt.GetMergeAnswers()) > 0:
		return of(pkt.GetMergeAnswers()[0].GetSourceId())
	}
	return 0
}

// nonceShard is where the shard stands in what a shard is born with.
const nonceShard = 12

func (s *script) isCut(a, b world.NodeID) bool {
	return s.cuts[[2]world.NodeID{min(a, b), max(a, b)}]
}

// boot starts a machine with what its disk holds.
func (s *script) boot(m *machine) {
	var err error
	m.eng, err = m.disk.Open()
	s.must(err)
	cfg := s.cfg
	cfg.StoreID = uint64(m.id)
	cfg.Address = world.Addr{Node: m.id}
	cfg.PD = []world.Addr{{Node: pdNode}}
	cfg.Listener = s.listener(m.id)
	// Lower stores lose patience first.
	cfg.Jitter = func(_, _ uint64) int { return int(m.id-1) * 2 % cfg.ElectionTicks }
	m.lives++
	var envs []world.Env
	for i := range cfg.Shards {
		envs = append(envs, world.Env{
			Addr:  world.Addr{Node: m.id, Actor: uint16(i)},
			Nonce: uint64(m.id)<<32 + m.lives<<16 + uint64(i)<<nonceShard,
		})
	}
	var loaded []uint64
	cfg.Listener.Loaded = func(_ uint64, regions []uint64) { loaded = slices.Clone(regions) }
	m.node, err = Open(cfg, envs, m.eng)
	s.must(err)
	s.inv.Loaded(m.id, loaded)
	has := m.node.Quarantined()
	for _, v := range m.node.Peers() {
		has = append(has, v.Region.GetId())
	}
	slices.Sort(has)
	if !slices.Equal(has, loaded) {
		s.t.Errorf("s%d has peers of regions %d and says that it loaded those of %d", m.id, has, loaded)
	}
	m.down, m.inbox, m.barriers = false, nil, nil
	for i := range envs {
		s.turn(m, i, nil)
	}
}

// crash takes the power from a machine; extra commits beyond the durable ones happen to be on its disk.
func (s *script) crash(m *machine, extra uint64) {
	keep := min(m.durable+extra, m.disk.Position())
	lost := m.disk.Crash(keep, false)
	m.durable, m.down, m.stalled = m.disk.Position(), true, false
	s.say("s%d is down, %d commits lost", m.id, lost)
}

// listener tells the script what happens, and has the invariants checked.
func (s *script) listener(id world.NodeID) Listener {
	inv := s.inv
	return Listener{
		Started: func(_ uint64, r *metapb.Region, applied raft.ID, h raft.HardState) {
			inv.Restarted(id, r.GetId(), applied.Index, h.Term, h.Vote, h.Commit)
			inv.RegionLoaded(id, r.GetId(), r.GetRegionEpoch().GetConfVer(), r.GetRegionEpoch().GetVersion())
		},
		Elected: func(_, region, term uint64) {
			inv.LeaderElected(id, region, term)
			s.say("s%d leads region %d in term %d", id, region, term)
		},
		LeaseRead:  func(_, r, term uint64) { inv.LeaseRead(id, r, term) },
		Campaigned: func(_, region, term uint64) { inv.Campaigned(id, region, term) },
		ChangeProposed: func(_, region uint64, at raft.ID, applied uint64) {
			inv.ChangeProposed(id, region, at.Index, at.Term, applied)
		},
		Slept: func(_ uint64, r *metapb.Region, leads bool, applied raft.ID) {
			var members []checker.Member
			for _, p := range r.GetPeers() {
				members = append(members, checker.Member{Store: world.NodeID(p.GetStoreId()), Peer: p.GetId()})
			}
			if leads {
				inv.Slept(id, r.GetId(), applied.Index, members)
			}
		},
		HardState:        func(_, region uint64, h raft.HardState) { inv.HardState(id, region, h.Term, h.Vote, h.Commit) },
		HardStateDurable: func(_, r uint64, h raft.HardState) { inv.HardStateDurable(id, r, h.Term, h.Vote, h.Commit) },
		Appended:         func(_, r uint64, at raft.ID, hash uint64) { inv.Appended(id, r, at.Index, at.Term, hash) },
		Applied:          func(_, r uint64, at raft.ID, hash uint64) { inv.Applied(id, r, at.Index, at.Term, hash) },
		StateHash: func(_, r uint64, at raft.ID, hash uint64, pairs int) {
			if !s.machine(id).spoiled {
				inv.StateHash(id, r, at.Index, hash, pairs)
			}
		},
		RegionState: func(_, r uint64, at raft.ID, changed bool, state string) {
			inv.RegionState(id, r, at.Index, changed, state)
		},
		Inconsistent: func(_, r uint64, at raft.ID, _, _ uint64) {
			s.say("s%d has other data than most in region %d at %d", id, r, at.Index)
		},
		Quarantined: func(_ uint64, r *metapb.Region, peer uint64, _ string) {
			s.say("s%d quarantined peer %d of region %d", id, peer, r.GetId())
		},
		SnapshotApplied: func(_ uint64, r *metapb.Region, at raft.ID) {
			inv.SnapshotApplied(id, r.GetId(), at.Index, at.Term)
			s.say("s%d filled region %d by a snapshot at %d", id, r.GetId(), at.Index)
		},
		RegionChanged: func(_ uint64, r *metapb.Region) {
			var peers []uint64
			for _, p := range r.GetPeers() {
				peers = append(peers, p.GetId())
			}
			e := r.GetRegionEpoch()
			inv.RegionChanged(id, r.GetId(), r.GetStartKey(), r.GetEndKey(), e.GetConfVer(), e.GetVersion(), peers)
		},
		PeerCreated: func(_, region, peer uint64) {
			inv.PeerCreated(id, region, peer)
			s.say("s%d created peer %d of region %d", id, peer, region)
		},
		PeerDestroyed: func(_, region, peer uint64) {
			inv.PeerDestroyed(id, region, peer)
			s.say("s%d destroyed peer %d of region %d", id, peer, region)
		},
		Load: func(_ uint64, _ int, l Load) {
			inv.Queue(id, "client calls", l.Requests, l.RequestsMax)
			inv.Queue(id, "barriers", l.Barriers, l.BarriersMax)
		},
		Split: func(_ uint64, old *metapb.Region, parts []*metapb.Region) {
			var off []string
			for _, r := range parts {
				if r.GetId() != old.GetId() {
					off = append(off, region.Format(r))
				}
			}
			s.say("s%d split region %d, off goes %s", id, old.GetId(), strings.Join(off, " and "))
		},
		PrepareMerge: func(_ uint64, r *metapb.Region, commit uint64) {
			inv.MergePrepared(id, r.GetId(), commit)
			s.say("s%d froze %s at %d", id, region.Format(r), commit)
		},
		RollbackMerge: func(_ uint64, r *metapb.Region, commit uint64) {
			inv.MergeRolledBack(id, r.GetId(), commit)
			s.say("s%d thawed %s", id, region.Format(r))
		},
		Reached: func(_ uint64, state string, region, other uint64) {
			if state == "merge-declined" {
				s.say("s%d: region %d refused to take over region %d", id, region, other)
			}
		},
		CommitMerge: func(_ uint64, r, source *metapb.Region, commit uint64) {
			inv.Merged(id, r.GetId(), source.GetId(), commit)
			s.say("s%d merged region %d into %s", id, source.GetId(), region.Format(r))
		},
	}
}

// checkInvariants fails the script at the first command after which something does not hold that always must.
func (s *script) checkInvariants() {
	var hashes []checker.ReplicaHash
	for _, m := range s.machines {
		if m.down {
			continue
		}
		views := m.node.Peers()
		for i, v := range views {
			if !v.Initialised {
				continue
			}
			for _, w := range views[:i] {
				if w.Initialised && region.Overlaps(v.Region.GetStartKey(), v.Region.GetEndKey(), w.Region.GetStartKey(), w.Region.GetEndKey()) {
					s.t.Errorf("s%d: %s overlaps %s", m.id, region.Format(v.Region), region.Format(w.Region))
				}
			}
			hash, pairs, err := m.node.HashRegion(v.Region)
			if err != nil || m.spoiled {
				continue
			}
			hashes = append(hashes, checker.ReplicaHash{
				Store: m.id, Region: v.Region.GetId(), Applied: v.Applied.Index, Hash: hash, Pairs: pairs,
			})
		}
	}
	s.inv.CheckHashes(hashes)
	for _, m := range s.machines {
		waiting := 0
		for _, c := range s.calls {
			if c.to == m.id {
				waiting++
			}
		}
		if n := m.calls(); !m.down && n != waiting {
			s.t.Errorf("s%d: %d calls are counted as waiting, there are %d", m.id, n, waiting)
		}
	}
	for _, v := range s.inv.Violations() {
		s.t.Errorf("%s: %s", v.Check, v.Message)
	}
}

// regions prints what a store knows of its peers.
func (s *script) regions(m *machine) {
	if m.down {
		s.say("s%d down", m.id)
		return
	}
	for _, v := range m.node.Peers() {
		what := fmt.Sprintf("peer %d", v.Peer)
		if !v.Initialised {
			s.say("s%d r%d empty, %s", m.id, v.Region.GetId(), what)
			continue
		}
		if v.Leader {
			what += " leads"
		}
		if v.Merging {
			what += " frozen"
		}
		s.say("s%d %s %s, applied %d", m.id, region.Format(v.Region), what, v.Applied.Index)
	}
	var tombs []string
	for _, shard := range m.node.shards {
		for _, o := range shard.outcasts {
			s.say("s%d %s peer %d quarantined", m.id, region.Format(o.region), o.peer.GetId())
		}
		for id, peer := range shard.tombs {
			if shard.outcast(id) == nil {
				tombs = append(tombs, fmt.Sprintf("s%d r%d tombstone of peer %d", m.id, id, peer))
			}
		}
	}
	sort.Strings(tombs)
	for _, t := range tombs {
		s.say("%s", t)
	}
}
