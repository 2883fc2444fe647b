package nemesis

import (
	"fmt"
	"slices"

	"ordeal/world"
)

// Decommission tells a store to leave while it is in use: its replicas move away, and when it has none left it is gone for
// good. A new store takes its place when the fault ends, or before, if regions would have no room until then.
type Decommission struct {
	// Whom names the store; of several the first that has not been told yet.
	Whom Whom
}

// Name is the family.
func (f Decommission) Name() string { return "decommission" }

// String is the source text.
func (f Decommission) String() string { return "decommission " + f.Whom.String() }

func parseDecommission(s *scanner) (Fault, error) {
	w, err := s.whom("")
	if err != nil {
		return nil, err
	}
	return Decommission{Whom: w}, nil
}

// Apply tells the store. That the driver has agreed is the evidence: it keeps that over a crash, and the store must be empty
// some time after everything is healed.
func (f Decommission) Apply(p world.Proc, t Target) (Receipt, error) {
	store, why := f.Whom.staying(t)
	if why != "" {
		return skip("%s", why)
	}
	if why := noRoom(t, store); why != "" {
		return skip("%s", why)
	}
	var receipt Receipt
	if len(upOnly(t, without(t.Stores(), append(t.Leaving(), store)))) < t.ReplicasWanted() {
		joined, err := t.Join(p)
		if err != nil {
			return Receipt{}, fmt.Errorf("a store is to take the place of s%d: %w", store, err)
		}
		receipt.Text = fmt.Sprintf("s%d joined", joined)
	}
	held := replicasOn(t, store)
	if err := insist(p, func() error { return t.Leave(p, store) }); err != nil {
		return receipt, fmt.Errorf("s%d is to leave: %w", store, err)
	}
	return receipt.and(Receipt{Bit: true, Text: fmt.Sprintf("s%d is to leave with %s", store, plural(held, "replica"))}), nil
}

// noRoom says why no store could join in the place of one that goes, "" if one could.
func noRoom(t Target, store world.NodeID) string {
	if room, owed := t.MakeRoom(), len(gone(t))-t.Joined(); room <= owed {
		return fmt.Sprintf("there are %s, and no room for one in the place of s%d", plural(uint64(len(t.Stores())), "store"), store)
	}
	return ""
}

// Heal lets a store join for every one that leaves.
func (f Decommission) Heal(p world.Proc, t Target) (Receipt, error) {
	r, err := replenish(p, t)
	stores := t.Stores()
	for _, n := range t.Leaving() {
		if !slices.Contains(stores, n) {
			continue
		}
		r = r.and(Receipt{Text: fmt.Sprintf("s%d has %s", n, plural(replicasOn(t, n), "replica"))})
	}
	return r, err
}

// replenish lets stores join for those that leave, or are lost, and says which.
func replenish(p world.Proc, t Target) (Receipt, error) {
	var joined []world.NodeID
	for len(gone(t)) > t.Joined() {
		n, err := t.Join(p)
		if err != nil {
			return Receipt{}, fmt.Errorf("a store is to take the place of one that leaves: %w", err)
		}
		joined = append(joined, n)
	}
	if len(joined) == 0 {
		return Receipt{}, nil
	}
	return Receipt{Text: names(joined) + " joined"}, nil
}

// replicasOn counts the replicas that a store has of regions.
func replicasOn(t Target, store world.NodeID) uint64 {
	n := uint64(0)
	for _, r := range t.Regions() {
		for _, m := range r.Peers {
			if m.Store == store {
				n++
			}
		}
	}
	return n
}

func drawDecommission(d *drawer) Fault {
	if d.rng.IntN(3) == 0 {
		return Decommission{Leader(d.region())}
	}
	return Decommission{d.store()}
}
