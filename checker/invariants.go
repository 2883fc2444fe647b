package checker

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/world"
)

// Bounds on what Invariants remembers and reports.
const (
	// invariantViolationsMax is how many violations are kept; the rest is only counted.
	invariantViolationsMax = 20
	// termsMax is how many of its latest terms a region's leaders are remembered for.
	termsMax = 256
	// campaignsMax is how often in a row a peer may start an election and not win it, while nobody else starts one. Peers
	// ask first whether they would win (PreVote), so one that nobody listens to never gets there; a few times in a row
	// the votes may still be lost after all, or come too late where disks are behind: unlike what was asked first, they are
	// written before they are sent.
	campaignsMax = 12
	// versionsMax is how many of its latest versions a region's ranges and members are remembered for.
	versionsMax = 256
	// statesMax is how many of its latest indexes a region's data are remembered for, as far as anybody looked at them.
	statesMax = 256
	// logKeep is how many entries of a region's log are remembered below the lowest applied index of its peers, for
	// the sake of a peer that restarts and applies them again.
	logKeep = 1024
	// logMax bounds what is remembered of one region's log, however far behind a peer may be. What is older is not
	// compared any more.
	logMax = 1 << 16
	// endedMax is how many regions that have ended are remembered like others.
	endedMax = 64
)

// Invariants checks, while a cluster runs, what must hold at every moment in every store. The cluster calls its methods
// at the moment something happens; each costs a look into a map or two. A method never panics, whatever it is told: it
// records a violation.
//
// It belongs to a simulated cluster and is used by its one goroutine alone. What it remembers is bounded by the number
// of regions and stores, not by the length of the run.
type Invariants struct {
	// now stamps violations. It may be nil.
	now        func() world.Time
	violations []Violation
	count      int
	regions    map[uint64]*regionTruth
	peers      map[peerKey]*peerTruth
	// on are the regions that each store has ever told of.
	on map[world.NodeID][]uint64
	// ended are the regions that lost their last peer, the newest endedMax of them.
	ended []uint64
}

// peerKey names a region's peer by the store it is on.
type peerKey struct {
	store  world.NodeID
	region uint64
}

// regionTruth is what all stores must agree on about one region.
type regionTruth struct {
	leaders memory[world.NodeID]
	// change is the last membership change that a leader proposed.
	change  entryAt
	ranges  memory[keyRange]
	members memory[[]uint64]
	states  memory[ReplicaHash]
	regions memory[regionState]
	log     regionLog
	merge   mergeTruth
	// peers are the stores that report on the region, ascending.
	peers []peerOf
}

// regionState is what a region came to be, and the first store that said so.
type regionState struct {
	store world.NodeID
	state string
}

// peerOf is a peer among those of its region.
type peerOf struct {
	store world.NodeID
	truth *peerTruth
}

// peerTruth is what one store said about its peer of one region.
type peerTruth struct {
	hard, durable hardState
	// commit is the highest index that the store called committed in this life.
	commit uint64
	// applied is the index applied last; it means something if inOrder is set.
	applied uint64
	inOrder bool
	// most is the highest index that was ever applied, in whatever life.
	most  uint64
	epoch Epoch
	// tombstone is the highest peer id that was destroyed on the store.
	tombstone uint64
	gone      bool
	// campaigns counts the elections that the peer started in a row without winning, the last in the term campaigned.
	campaigns  int
	campaigned uint64
}

// memory holds the latest values by number: whom term 5 elected, what version 7 covered.
type memory[T any] struct {
	at    []uint64
	value []T
}

// find returns the place of n, or where it would be.
func (m *memory[T]) find(n uint64) (int, bool) { return slices.BinarySearch(m.at, n) }

// put returns what is known for n, or remembers v for it and returns v. At most keep numbers are remembered.
func (m *memory[T]) put(n uint64, v T, keep int) T {
	i, found := m.find(n)
	if found {
		return m.value[i]
	}
	if i == 0 && len(m.at) >= keep {
		return v // older than all that is remembered
	}
	m.at, m.value = slices.Insert(m.at, i, n), slices.Insert(m.value, i, v)
	if len(m.at) > keep {
		m.at, m.value = slices.Delete(m.at, 0, 1), slices.Delete(m.value, 0, 1)
	}
	return v
}

// NewInvariants returns an observer that has seen nothing yet. now stamps its violations; it may be nil.
func NewInvariants(now func() world.Time) *Invariants {
	return &Invariants{now: now, regions: map[uint64]*regionTruth{}, peers: map[peerKey]*peerTruth{}, on: map[world.NodeID][]uint64{}}
}

// Violations returns the first violations, at most invariantViolationsMax, in the order in which they happened.
func (v *Invariants) Violations() []Violation { return v.violations }

// Count is how many violations there were, kept or not.
func (v *Invariants) Count() int { return v.count }

// Result is the verdict so far: FAIL if there was a violation, else OK.
func (v *Invariants) Result() Result {
	r := Result{Verdict: OK, Violations: v.violations}
	if v.count > 0 {
		r.Lower(FAIL, "%s: %s", v.violations[0].Check, v.violations[0].Message)
	}
	if v.count > 1 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d violations of the store's invariants in all", v.count))
	}
	return r
}

// fail records a violation.
func (v *Invariants) fail(check, format string, args ...any) {
	v.count++
	if len(v.violations) >= invariantViolationsMax {
		return
	}
	message := fmt.Sprintf(format, args...)
	if v.now != nil {
		message = "at " + Clock(v.now()) + ": " + message
	}
	v.violations = append(v.violations, Violation{Check: check, Message: message})
}

func (v *Invariants) region(id uint64) *regionTruth {
	r := v.regions[id]
	if r == nil {
		r = &regionTruth{}
		v.regions[id] = r
	}
	return r
}

// peer returns what is known about a peer, and makes it known to its region.
func (v *Invariants) peer(store world.NodeID, region uint64) *peerTruth {
	k := peerKey{store, region}
	p := v.peers[k]
	if p == nil {
		p = &peerTruth{}
		v.peers[k] = p
		v.on[store] = append(v.on[store], region)
		r := v.region(region)
		i, _ := slices.BinarySearchFunc(r.peers, store, func(p peerOf, s world.NodeID) int { return cmp.Compare(p.store, s) })
		r.peers = slices.Insert(r.peers, i, peerOf{store, p})
	}
	return p
}

// Names of the store's invariants.
const (
	checkLeader    = "one leader per term"
	checkLease     = "no lease outlives its leader"
	checkCampaigns = "a peer that can't win starts no elections"
	checkOneChange = "one membership change at a time"
	checkLogMatch  = "one entry per index and term"
	checkCommitted = "committed entries never change"
	checkOrder     = "entries are applied in order, once"
	checkHardState = "hard state never goes back"
	checkTombstone = "no peer rises from its tombstone"
	checkEpoch     = "epochs never go back"
	checkRange     = "one range per version"
	checkMembers   = "one set of peers per conf_ver"
	checkKeySpace  = "regions cover the key space"
	checkHashes    = "equal applied index, equal data"
	checkState     = "equal applied index, equal region"
	checkQueues    = "every queue has a bound"
	checkIntact    = "what is on a healthy disk can be read"
	checkRepaired  = "damage is noticed and repaired"
	checkSleep     = "no region sleeps unless all of its peers know all of its log"
	checkOversleep = "no peer sleeps on while its leader is gone"
)

// LeaderElected: a store's peer became leader of a region in a term.
func (v *Invariants) LeaderElected(store world.NodeID, region, term uint64) {
	v.peer(store, region).campaigns = 0
	if first := v.region(region).leaders.put(term, store, termsMax); first != store {
		v.fail(checkLeader, "region %d has two leaders in term %d: store %d and store %d", region, term, first, store)
	}
}

// LeaseRead: a leader confirmed reads in a term by its lease, which says that no later leader can have been elected,
// and that the region has not become part of another one.
func (v *Invariants) LeaseRead(store world.NodeID, region, term uint64) {
	leaders := &v.region(region).leaders
	if n := len(leaders.at); n > 0 && leaders.at[n-1] > term {
		v.fail(checkLease, "store %d answered reads of region %d by its lease of term %d, after store %d was elected in term %d",
			store, region, term, leaders.value[n-1], leaders.at[n-1])
	}
	if m := &v.region(region).merge; m.into != 0 {
		v.fail(checkLease, "store %d answered reads of region %d by its lease of term %d, after store %d had made it a part of region %d",
			store, region, term, m.by, m.into)
	}
}

// PeerCreated: a store made a new peer of a region, by split, by bootstrap or by a first message. A peer that a restart
// finds on the disk is not new.
func (v *Invariants) PeerCreated(store world.NodeID, region, peerID uint64) {
	p := v.peer(store, region)
	if p.tombstone != 0 && peerID <= p.tombstone {
		v.fail(checkTombstone, "store %d made peer %d of region %d, after peer %d of it had been destroyed there",
			store, peerID, region, p.tombstone)
	}
	*p = peerTruth{tombstone: p.tombstone, epoch: p.epoch}
}

// PeerDestroyed: a store destroyed its peer of a region, and its tombstone is durable.
func (v *Invariants) PeerDestroyed(store world.NodeID, region, peerID uint64) {
	p := v.peer(store, region)
	was := p.gone
	*p = peerTruth{tombstone: max(p.tombstone, peerID), epoch: p.epoch, gone: true}
	if !was {
		v.end(region)
	}
}

// Loaded: a store came back with peers of these regions, ascending, and of no other. A crash may have taken a peer before anybody
// heard that it was destroyed, or with the state that it was created with.
func (v *Invariants) Loaded(store world.NodeID, regions []uint64) {
	for _, id := range v.on[store] {
		p := v.peer(store, id)
		if _, there := slices.BinarySearch(regions, id); !there && !p.gone {
			*p = peerTruth{tombstone: p.tombstone, epoch: p.epoch, most: p.most, gone: true}
			v.end(id)
		}
	}
}

// deserted says whether all peers of a region that stores have told of are gone.
func (r *regionTruth) deserted() bool {
	return !slices.ContainsFunc(r.peers, func(p peerOf) bool { return !p.truth.gone })
}

// end takes note of a region that has lost a peer, if that was the last one. Of the newest such regions everything is kept, since
// stores that lag may still come to have a peer; of older ones only tombstones, and what became of them by merges.
func (v *Invariants) end(region uint64) {
	if !v.region(region).deserted() {
		return
	}
	if v.ended = append(v.ended, region); len(v.ended) <= endedMax {
		return
	}
	if r := v.region(v.ended[0]); r.deserted() {
		*r = regionTruth{peers: r.peers, merge: r.merge}
	}
	v.ended = slices.Delete(v.ended, 0, 1)
}

// Queue: a store has so many of what waits in one of its queues, where bound is the most there may be.
func (v *Invariants) Queue(store world.NodeID, what string, n, bound uint64) {
	if n > bound {
		v.fail(checkQueues, "store %d: %d %s are waiting, at most %d may be", store, n, what, bound)
	}
}

// hardState is what raft must not forget.
type hardState struct {
	term, vote, commit uint64
}

func (h hardState) String() string {
	return fmt.Sprintf("term %d, vote %d, commit %d", h.term, h.vote, h.commit)
}

// HardState: a peer's hard state changed, in memory at least.
func (v *Invariants) HardState(store world.NodeID, region, term, vote, commit uint64) {
	p := v.peer(store, region)
	next := hardState{term, vote, commit}
	if term != p.campaigned {
		p.campaigns = 0
	}
	v.forward(store, region, "had", p.hard, next)
	p.hard = next
}

// HardStateDurable: a peer's hard state has to be on the disk for good; of the commit index that holds only if it is not 0.
func (v *Invariants) HardStateDurable(store world.NodeID, region, term, vote, commit uint64) {
	p := v.peer(store, region)
	if commit == 0 {
		commit = p.durable.commit
	}
	next := hardState{term, vote, commit}
	v.forward(store, region, "had on its disk", p.durable, next)
	p.durable = next
}

// Restarted: a store came back and found a peer on its disk, with this much applied and this hard state. What had not
// been durable may be lost; what had been must be there.
func (v *Invariants) Restarted(store world.NodeID, region, applied, term, vote, commit uint64) {
	p := v.peer(store, region)
	next := hardState{term, vote, commit}
	v.forward(store, region, "had on its disk before it restarted", p.durable, next)
	p.hard, p.durable, p.commit, p.gone = next, next, 0, false
	p.applied, p.inOrder, p.most = applied, true, max(p.most, applied)
}

// forward checks that a hard state follows another one.
func (v *Invariants) forward(store world.NodeID, region uint64, had string, from, to hardState) {
	var what string
	switch {
	case to.term < from.term:
		what = "the term went back"
	case to.term == from.term && from.vote != 0 && to.vote != from.vote:
		what = "the vote changed within a term"
	case to.commit < from.commit:
		what = "the commit index went back"
	default:
		return
	}
	v.fail(checkHardState, "store %d, region %d: %s: it %s %s, and now has %s", store, region, what, had, from, to)
}
