package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// Coup has a region pass to somebody else while its leader does not hear of it, in the ways in which what it goes by is not the
// silence of the others: what the old leader relies on must not be that nobody can have voted.
type Coup struct {
	// Region is an ordinal among the regions.
	Region uint64
	// Transfer: the old leader is asked to hand over, and cut off as soon as it has agreed.
	Transfer bool
	// Merge: the region is to become part of a neighbour, the one behind it if Right, that another store leads. As soon as
	// it is frozen its leader hears nothing from other stores, but is heard: the merge comes about behind its back.
	Merge, Right bool
	// Late, if above 0, is by how much everything that the leader sends and gets comes to be late in the time After. Then other stores
	// hear nothing of it any more, while old answers of theirs still come in: they tell of a time that is long over.
	Late time.Duration
	// After is, if it is none of these, how long one replica is cut off from the leader, so that it wants an election but
	// gets no votes. Then the leader is cut off from all others as well, and these are restarted: they forget that
	// they have just heard from it.
	After time.Duration
	// Clients is a mask of those who go on talking to the leader meanwhile. If they only read, the replica misses no write,
	// and the others have no reason but their memory to refuse it.
	Clients uint64
}

// Name is the family.
func (f Coup) Name() string { return "coup" }

// String is the source text.
func (f Coup) String() string {
	if f.Transfer {
		return fmt.Sprintf("coup transfer region(%d)", f.Region)
	}
	if f.Merge {
		return fmt.Sprintf("coup merge region(%d) %s", f.Region, sideWord(f.Right))
	}
	if f.Late > 0 {
		return fmt.Sprintf("coup late(%s) region(%d) clients=%#x after %s", seconds(f.Late), f.Region, f.Clients, seconds(f.After))
	}
	return fmt.Sprintf("coup restart region(%d) clients=%#x after %s", f.Region, f.Clients, seconds(f.After))
}

func parseCoup(s *scanner) (Fault, error) {
	s.space()
	start := s.pos
	word := s.word()
	f := Coup{Transfer: word == "transfer", Merge: word == "merge"}
	var err error
	switch word {
	case "transfer", "merge", "restart":
	case "late":
		s.pos = start
		if f.Late, err = s.timed("late"); err != nil {
			return nil, err
		}
		if f.Late == 0 {
			s.pos = start
			return nil, s.errorAt(start, "want late by more than nothing, found %s", s.rest())
		}
	default:
		s.pos = start
		return nil, s.errorAt(start, "want transfer, merge, late(TIME) or restart, found %s", s.rest())
	}
	if f.Region, err = s.call("region", "the ordinal of a region"); err != nil || f.Transfer {
		return f, err
	}
	if f.Merge {
		f.Right, err = s.side()
		return f, err
	}
	s.space()
	if err = s.expect("clients="); err != nil {
		return f, err
	}
	if f.Clients, err = s.mask(); err != nil {
		return f, err
	}
	s.space()
	if err = s.expect("after"); err != nil {
		return f, err
	}
	s.space()
	f.After, err = s.duration("1.200s")
	return f, err
}

// coupQuiet is how long what clients have begun may take until it is everywhere.
const coupQuiet = 50 * time.Millisecond

// Apply does it and leaves the old leader cut off. The placement driver reaches everybody.
func (f Coup) Apply(p world.Proc, t Target) (Receipt, error) {
	if f.Merge {
		return f.merge(p, t)
	}
	r, ok := ledRegion(t, f.Region)
	if !ok {
		return skip("no region has a known leader")
	}
	others := upOnly(t, without(r.stores(), []world.NodeID{r.Leader}))
	if len(others) < 2 {
		return skip("region %d has fewer than two replicas that are up beside its leader", r.ID)
	}
	if f.Late > 0 {
		return f.late(p, t, r)
	}
	next := others[0]
	if f.Transfer {
		if err := t.TransferLeader(p, r.ID, next); err != nil {
			return Receipt{Text: "the leader does not agree"}, fmt.Errorf("transfer region %d from s%d to s%d: %w", r.ID, r.Leader, next, err)
		}
		for _, n := range without(t.Stores(), []world.NodeID{r.Leader}) {
			t.Cut(n, r.Leader)
		}
		return Receipt{Text: fmt.Sprintf("region %d to s%d, and s%d hears nothing", r.ID, next, r.Leader)}, nil
	}
	for i, n := range t.Procs() {
		if !inMask(f.Clients, i) {
			cutBoth(t, n, r.Leader)
		}
	}
	p.Sleep(coupQuiet)
	cutBoth(t, next, r.Leader)
	p.Sleep(f.After)
	for _, n := range without(t.Stores(), []world.NodeID{r.Leader}) {
		cutBoth(t, n, r.Leader)
	}
	var err error
	for _, n := range upOnly(t, others[1:]) {
		if _, e := t.Crash(n); e != nil {
			err = joinErrors(err, fmt.Errorf("crash s%d: %w", n, e))
		}
	}
	_, e := restart(t, others[1:])
	return Receipt{Text: fmt.Sprintf("s%d against s%d, which leads region %d; %s restarted", next, r.Leader, r.ID, names(others[1:]))},
		joinErrors(err, e)
}

// merge merges a region whose leader stops hearing others once it has answered that the region is frozen.
func (f Coup) merge(p world.Proc, t Target) (Receipt, error) {
	source, target, ok := Merge{Region: f.Region, Right: f.Right}.pair(t.Regions())
	if !ok || source.Leader == 0 || !t.Up(source.Leader) {
		return skip("no region with a known leader has its replicas on the same stores as that neighbour")
	}
	others := upOnly(t, without(source.stores(), []world.NodeID{source.Leader}))
	if len(others) < 2 {
		return skip("region %d has fewer than two replicas that are up beside its leader", source.ID)
	}
	if target.Leader == source.Leader {
		if err := t.TransferLeader(p, target.ID, others[0]); err != nil {
			return Receipt{Text: "the target's leader does not agree"}, fmt.Errorf("transfer region %d to s%d: %w", target.ID, others[0], err)
		}
		p.Sleep(coupQuiet)
	}
	if err := t.Merge(p, source.ID, target.ID); err != nil {
		return Receipt{Text: "the leader does not agree"}, fmt.Errorf("merge region %d into region %d: %w", source.ID, target.ID, err)
	}
	for _, n := range without(t.Stores(), []world.NodeID{source.Leader}) {
		t.Cut(n, source.Leader)
	}
	return Receipt{Text: fmt.Sprintf("region %d is to become part of region %d, and s%d hears nothing", source.ID, target.ID, source.Leader)}, nil
}

// coupLateSteps is in how many steps a leader becomes late.
const coupLateSteps = 10

// late lets the leader hear only of the past. Clients that do not go on talking to it write elsewhere.
func (f Coup) late(p world.Proc, t Target, r Region) (Receipt, error) {
	// If it became late at once nobody would hear anything for so long, and the region elect another leader.
	for i := time.Duration(1); i <= coupLateSteps; i++ {
		if err := t.Worsen(r.Leader, Weather{Slow: f.Late * i / coupLateSteps}); err != nil {
			return Receipt{}, err
		}
		p.Sleep(f.After / coupLateSteps)
	}
	done := t.EndWorsen()
	for _, n := range without(t.Stores(), []world.NodeID{r.Leader}) {
		t.Cut(r.Leader, n)
	}
	for i, n := range t.Procs() {
		if !inMask(f.Clients, i) {
			cutBoth(t, n, r.Leader)
		}
	}
	p.Sleep(f.Late) // that long answers may go on coming in
	return Receipt{Text: fmt.Sprintf("s%d, which leads region %d, heard and was heard late, and now is not heard; %d slow", r.Leader, r.ID, done.Slowed)}, nil
}

func cutBoth(t Target, a, b world.NodeID) {
	t.Cut(a, b)
	t.Cut(b, a)
}

// Heal removes all cuts.
func (f Coup) Heal(_ world.Proc, t Target) (Receipt, error) {
	t.HealNetwork()
	return Receipt{}, nil
}

// How long a replica is cut off before a coup by restart, and how late a leader hears before one by lateness.
const (
	coupAfterMin, coupAfterMax = 200 * time.Millisecond, 2500 * time.Millisecond
	coupLateMin, coupLateMax   = 500 * time.Millisecond, 2500 * time.Millisecond
)

func drawCoup(d *drawer) Fault {
	switch d.rng.IntN(6) {
	case 0:
		return Coup{Region: d.region(), Transfer: true}
	case 1:
		return Coup{Region: d.region(), Merge: true, Right: d.rng.IntN(2) == 0}
	case 2:
		late := d.logUniform(coupLateMin, coupLateMax)
		return Coup{Region: d.region(), Late: late, After: late, Clients: 1 + d.rng.Uint64N(3)}
	}
	f := Coup{Region: d.region(), After: d.logUniform(coupAfterMin, coupAfterMax), Clients: d.mask(d.opts.Clients)}
	if d.rng.IntN(4) != 0 {
		// Workloads that have readers have them first.
		f.Clients = 1 + d.rng.Uint64N(3)
	}
	return f
}
