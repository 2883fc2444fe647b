package nemesis

import (
	"fmt"

	"ordeal/world"
)

// TransferPD makes the leader of the placement driver hand over to another member.
type TransferPD struct {
	// To is an ordinal among the members that are up and do not lead.
	To uint64
}

// Name is the family.
func (f TransferPD) Name() string { return "pd-leader-transfer" }

// String is the source text.
func (f TransferPD) String() string { return fmt.Sprintf("pd-leader-transfer to(%d)", f.To) }

func parseTransferPD(s *scanner) (Fault, error) {
	to, err := s.call("to", "the ordinal of a member")
	if err != nil {
		return nil, err
	}
	return TransferPD{To: to}, nil
}

// Apply asks for the transfer and waits a little for the new leader to show.
func (f TransferPD) Apply(p world.Proc, t Target) (Receipt, error) {
	before := t.PDLeader()
	if before == 0 {
		return skip("no member of the placement driver is known to lead")
	}
	others := upOnly(t, without(t.PDs(), []world.NodeID{before}))
	if len(others) == 0 {
		return skip("the placement driver has no other member that is up")
	}
	to := pick(others, f.To)
	err := t.TransferPD(p, to)
	if err != nil {
		err = fmt.Errorf("transfer pd from node %d to node %d: %w", before, to, err)
	}
	now := t.PDLeader()
	for poll := 0; err == nil && poll < settlePolls && (now == before || now == 0); poll++ {
		p.Sleep(settleEvery)
		now = t.PDLeader()
	}
	from := pdNames(t, []world.NodeID{before})
	if now == before || now == 0 {
		return Receipt{Text: "no other member than " + from + " leads yet"}, err
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("%s to %s", from, pdNames(t, []world.NodeID{now}))}, err
}

// Heal does nothing: whoever leads, the driver is whole.
func (f TransferPD) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
