package nemesis

import (
	"fmt"

	"ordeal/world"
)

// OrderKind is what the placement driver is asked to do with a region.
type OrderKind uint8

// The kinds of orders.
const (
	OrderLead OrderKind = iota
	OrderMove
	OrderSplit
	OrderMerge
	OrderScatter
	OrderCancel
	orderKinds
)

// Order is something that the placement driver is asked to do with a region; which of the rest it needs depends on the kind.
type Order struct {
	Kind   OrderKind
	Region uint64
	// To is the store that is to lead it, or to have its peer on From.
	From, To world.NodeID
	// Into is the region that it is to become part of.
	Into uint64
}

// PDStorm orders many operators of the placement driver, all at once.
type PDStorm struct {
	// Orders is how many, and Pick which: everything that an order consists of follows from the two of them.
	Orders, Pick uint64
}

// stormMax is how many orders a storm may have, and stormSilent after how many that were not answered it is over.
const stormMax, stormSilent = 64, 2

// Name is the family.
func (f PDStorm) Name() string { return "pd-storm" }

// String is the source text.
func (f PDStorm) String() string {
	return fmt.Sprintf("pd-storm orders(%d) pick(%d)", f.Orders, f.Pick)
}

func parsePDStorm(s *scanner) (Fault, error) {
	var f PDStorm
	s.space()
	start := s.pos
	var err error
	if f.Orders, err = s.call("orders", "how many orders"); err != nil {
		return nil, err
	}
	if f.Orders > stormMax {
		return nil, s.errorAt(start, "want at most %d orders, found %d", stormMax, f.Orders)
	}
	if f.Pick, err = s.call("pick", "a number"); err != nil {
		return nil, err
	}
	return f, nil
}

// Apply gives the orders. The driver refuses those that are dangerous or in each other's way; that it began some is the
// evidence.
func (f PDStorm) Apply(p world.Proc, t Target) (Receipt, error) {
	if d := unrepaired(t); len(d) > 0 {
		return skip("the damage on s%d is not repaired yet", d[0].Store)
	}
	begun, silent := uint64(0), 0
	first := ""
	var last error
	for i := range f.Orders {
		o, ok := f.order(t, i)
		if !ok {
			return skip("there are no regions, or no stores")
		}
		asked := p.Now()
		what, err := t.Order(p, o)
		switch {
		case err == nil && what != "":
			if begun++; begun == 1 {
				first = what
			}
		case err != nil:
			last = err
			if p.Now().Sub(asked) >= settleEvery*settlePolls {
				silent++
			}
		}
		if silent == stormSilent {
			break
		}
	}
	if begun == 0 {
		return Receipt{Text: "no order was taken"}, last
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("%d of %s begun, the first: %s", begun, plural(f.Orders, "order"), first)}, nil
}

// order is the i-th order of the storm.
func (f PDStorm) order(t Target, i uint64) (o Order, ok bool) {
	regions, stores := t.Regions(), without(t.Stores(), t.Leaving())
	if len(regions) == 0 || len(stores) == 0 {
		return o, false
	}
	n := f.Pick<<8 + i
	dice := func(below int) int { // SplitMix64: the same numbers in the same way, and nothing is drawn
		n += 0x9e3779b97f4a7c15
		z := n
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return int((z ^ z>>31) % uint64(below))
	}
	at := dice(len(regions))
	r := regions[at]
	o = Order{Kind: OrderKind(dice(int(orderKinds))), Region: r.ID, To: stores[dice(len(stores))]}
	switch o.Kind {
	case OrderLead:
		if len(r.Peers) > 0 {
			o.To = r.Peers[dice(len(r.Peers))].Store
		}
	case OrderMove:
		if len(r.Peers) > 0 {
			o.From = r.Peers[dice(len(r.Peers))].Store
		}
		if free := without(stores, r.stores()); len(free) > 0 {
			o.To = free[dice(len(free))]
		}
	case OrderMerge:
		o.Into = regions[(at+1)%len(regions)].ID
	}
	return o, true
}

// Heal does nothing: the driver's operators come to their ends by themselves.
func (f PDStorm) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }

// stormOrders is the most orders that are drawn.
const stormOrders = 32

func drawPDStorm(d *drawer) Fault {
	return PDStorm{Orders: 1 + d.rng.Uint64N(stormOrders), Pick: uint64(d.rng.Uint32())}
}
