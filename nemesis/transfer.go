package nemesis

import (
	"fmt"

	"ordeal/world"
)

// TransferLeader makes the leader of a region hand over to another of its replicas.
type TransferLeader struct {
	// Region is an ordinal among the regions, To one among the region's replicas that are up and do not lead.
	Region, To uint64
}

// Name is the family.
func (f TransferLeader) Name() string { return "transfer-leader" }

// String is the source text.
func (f TransferLeader) String() string {
	return fmt.Sprintf("transfer-leader region(%d) to(%d)", f.Region, f.To)
}

func parseTransferLeader(s *scanner) (Fault, error) {
	var f TransferLeader
	var err error
	if f.Region, err = s.call("region", "the ordinal of a region"); err != nil {
		return nil, err
	}
	if f.To, err = s.call("to", "the ordinal of a replica"); err != nil {
		return nil, err
	}
	return f, nil
}

// Apply asks for the transfer and waits a little for the new leader to show.
func (f TransferLeader) Apply(p world.Proc, t Target) (Receipt, error) {
	before, ok := ledRegion(t, f.Region)
	if !ok {
		return skip("no region has a known leader")
	}
	others := upOnly(t, without(before.stores(), []world.NodeID{before.Leader}))
	if len(others) == 0 {
		return skip("region %d has no other replica that is up", before.ID)
	}
	to := pick(others, f.To)
	err := t.TransferLeader(p, before.ID, to)
	if err != nil {
		err = fmt.Errorf("transfer region %d from s%d to s%d: %w", before.ID, before.Leader, to, err)
	}
	now, moved := settle(p, t, before.ID, err == nil, func(r Region) bool {
		return r.Leader != 0 && r.Leader != before.Leader && r.Term >= before.Term
	})
	if !moved {
		return Receipt{Text: fmt.Sprintf("leader of region %d stayed on s%d", before.ID, before.Leader)}, err
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("leader of region %d s%d to s%d (term %d to %d)",
		before.ID, before.Leader, now.Leader, before.Term, now.Term)}, err
}

// Heal does nothing: wherever leaders are, the cluster is whole.
func (f TransferLeader) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
