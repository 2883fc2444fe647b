package store

import (
	"fmt"
	"sort"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
	"ordeal/world"
)

// Store is the actor: a store, or one shard of it. It implements world.Actor.
type Store struct {
	cfg Config
	env world.Env
	eng *engine.Engine
	// node is what the shards of the store share, and shard is the place of this one among them.
	node  *Node
	shard int
	// alone says that the other shards stand still during this turn, wantAlone that they must during the next one, in
	// which held entries are applied and merges driven; see alone.go.
	alone, wantAlone bool
	held             []held
	driving          []*peer
	wishes           []mergeWish
	// seeking are regions that are small and seek a neighbour to become part of.
	seeking []*peer

	// peers by region; order holds all of them by region id.
	peers map[uint64]*peer
	order []*peer
	// awake holds those that ticks reach, lives what is known of other stores by id.
	awake []*peer
	lives []*storeLife
	// ranges holds those that know their range.
	ranges *ranges
	// tombs holds, for a region, the highest id of a peer that was destroyed here.
	tombs map[uint64]uint64
	// ended holds how regions ended that were swallowed here.
	ended map[uint64]*ordealpb.MergedRegion
	// outcasts are quarantined peers, by region id; suspects become some at the end of the turn.
	outcasts []*outcast
	suspects []suspicion
	// hashing are the data that are being hashed, in the order in which they were asked for.
	hashing []*hashTask
	// carrying says that what is being applied must not be committed by parts; see catchUp.
	carrying bool
	// votes keeps vote requests, oldest first, for regions that overlap one of ours: a split that is on its way will
	// create them.
	votes []*ordealpb.RaftMessage

	// What one turn collects; see turn.go.
	now     world.Time
	out     *world.Effects
	batch   *engine.Batch
	dirty   []*peer
	sendNow outbox
	// worked is the memory of a list that dirty was.
	worked []*peer
	// commands reads what is to be applied.
	commands wire.CommandReader
	// scratch is a message while it is put into an outbox.
	scratch ordealpb.RaftMessage
	// written is the answer to all puts of the entry that is being applied.
	written sharedReply
	// sendDurable leaves once the turn's batch is durable; persisted is then given back to the groups.
	sendDurable outbox
	persisted   []persisted
	whenDurable []func()
	// reports go to PD and say what regions are: not before it is durable, since PD may have peers destroyed for it.
	reports  []world.Send
	barriers []barrier
	// unsynced says that something was committed since the last barrier.
	unsynced  bool
	nextToken uint64
	fresh     overlay
	// readers have reads to answer at the end of the turn.
	readers []*peer

	// leases is what the groups know of the clock; nil without LeaseReads.
	leases *raft.Leases
	// sending and receiving are the streams of snapshots that are under way. sources are peers of whose state this turn
	// has a view, promised is how many streams their groups were promised, snapshots counts ids.
	sending   []*outgoing
	receiving []*incoming
	sources   []*peer
	promised  int
	snapshots uint64
	// snapshotBudget is how many bytes of chunks may leave before the next tick.
	snapshotBudget int

	// lookBudget is how many bytes of data may be looked at for their size before the next tick.
	lookBudget int

	pd   pdLink
	load load
	// low says that the disk had less room than the reserve when it was last looked at.
	low    bool
	ticks  uint64
	turns  uint64
	booted bool
}

type persisted struct {
	p  *peer
	by *raft.Persisted
}

// barrier is a turn whose batch is not known to be durable.
type barrier struct {
	token     uint64
	persisted []persisted
	then      []func()
}

// tokenTick is the timer's token; barriers count up from tokenBarrier.
const (
	tokenTick    = 1
	tokenBarrier = 2
)

// newShard returns a shard without regions.
func newShard(cfg Config, env world.Env, eng *engine.Engine, n *Node, shard int) *Store {
	s := &Store{
		cfg:       cfg,
		env:       env,
		eng:       eng,
		node:      n,
		shard:     shard,
		peers:     map[uint64]*peer{},
		ranges:    n.ranges,
		tombs:     map[uint64]uint64{},
		ended:     map[uint64]*ordealpb.MergedRegion{},
		batch:     eng.NewBatch(),
		nextToken: tokenBarrier,
		fresh:     overlay{values: map[string]overlayValue{}},
		leases:    newLeases(cfg),
	}
	s.pd.calls = map[uint64]pdCall{}
	s.snapshotBudget = cfg.SnapshotBytesPerTick
	return s
}

// loadPeer opens the peer that st says is alive, or remembers its tombstone.
func (s *Store) loadPeer(st *ordealpb.RegionLocalState) error {
	if st.GetState() == ordealpb.PeerState_TOMBSTONE {
		s.tombs[st.GetRegion().GetId()] = st.GetPeer().GetId()
		if end := swallowed(st.GetMerged(), st.GetRegion().GetId()); end != nil {
			s.ended[end.GetId()] = end
		}
		return nil
	}
	if st.GetState() == ordealpb.PeerState_QUARANTINED {
		s.keepOutcast(&outcast{region: st.GetRegion(), peer: st.GetPeer()})
		return nil
	}
	p, err := s.openPeer(st.GetRegion(), st.GetPeer())
	if err != nil {
		return err
	}
	p.merge, p.merged = st.GetMerge(), st.GetMerged()
	s.addPeer(p)
	if f := s.cfg.Listener.Started; f != nil {
		f(s.cfg.StoreID, p.region, p.applied, p.group.HardState())
	}
	if p.member() {
		s.tellRegionState(p, false)
	}
	return nil
}

// addPeer enters p into the store's tables.
func (s *Store) addPeer(p *peer) {
	id := p.region.GetId()
	s.peers[id] = p
	if p.initialised() {
		s.ranges.set(p.region)
	}
	i := sort.Search(len(s.order), func(i int) bool { return s.order[i].region.GetId() >= id })
	s.order = append(s.order, nil)
	copy(s.order[i+1:], s.order[i:])
	s.order[i] = p
	s.enlist(p)
}

// dropPeer takes p out of the store's tables.
func (s *Store) dropPeer(p *peer) {
	id := p.region.GetId()
	s.buryRest(p)
	delete(s.peers, id)
	s.ranges.drop(id)
	i := sort.Search(len(s.order), func(i int) bool { return s.order[i].region.GetId() >= id })
	s.order = append(s.order[:i], s.order[i+1:]...)
	p.dead = true
}

// setRegion gives p the region description that the entry which it applies has made.
func (s *Store) setRegion(p *peer, r *metapb.Region) {
	s.keepRegion(p, r)
	s.tellRegionState(p, true)
}

// keepRegion gives p a new region description, keeps the table of ranges right and persists it.
func (s *Store) keepRegion(p *peer, r *metapb.Region) {
	p.region = r
	s.ranges.set(r)
	st := &ordealpb.RegionLocalState{Region: r, Peer: p.meta, Merge: p.merge, Merged: p.merged, AutoLeave: p.group.AutoLeave()}
	if p.merging() {
		st.State = ordealpb.PeerState_MERGING
	}
	s.putRegionState(st)
	if f := s.cfg.Listener.RegionChanged; f != nil {
		f(s.cfg.StoreID, r)
	}
}

// tellRegionState tells the listener what a peer has beside its data.
func (s *Store) tellRegionState(p *peer, changed bool) {
	f := s.cfg.Listener.RegionState
	if f == nil || !p.initialised() {
		return
	}
	state := region.Format(p.region)
	if m := p.merge; m != nil {
		state += fmt.Sprintf(", merging since %d/%d with %s, from %d", m.GetCommitTerm(), m.GetCommitIndex(), region.Format(m.GetTarget()), m.GetMinIndex())
	}
	for _, m := range p.merged.GetRegions() {
		state += fmt.Sprintf(", r%d into r%d at v%d", m.GetId(), m.GetInto(), m.GetVersion())
	}
	if v := p.merged.GetForgotten(); v > 0 {
		state += fmt.Sprintf(", forgotten up to v%d", v)
	}
	f(s.cfg.StoreID, p.region.GetId(), p.applied, changed, state)
}

func (s *Store) putRegionState(st *ordealpb.RegionLocalState) {
	s.batch.Put(engine.RegionStateKey(st.GetRegion().GetId()), mustMarshal(st))
}

func mustMarshal(m proto.Message) []byte {
	v, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("store: marshal %T: %v", m, err))
	}
	return v
}
