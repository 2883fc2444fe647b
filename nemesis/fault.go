package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/world"
)

// Fault is one thing that can be done to a cluster.
type Fault interface {
	// Name is the family of the fault, one of Families.
	Name() string
	// String is the source text; ParseFault reads it back.
	String() string
	// Apply strikes. It looks up its victims now, draws nothing, and returns after a bounded time. A fault that
	// cannot strike says why in Receipt.Skipped; an error is a command that the cluster refused or did not answer.
	Apply(p world.Proc, t Target) (Receipt, error)
	// Heal undoes everything of the fault's kind, whoever did it: all cuts, all stores that are down, all regions that are
	// in joint configurations, all damage on disks. It is idempotent and needs no memory of Apply. A fault that is done in an instant has nothing to heal.
	Heal(p world.Proc, t Target) (Receipt, error)
}

// verb is the first word of a fault with what reads the rest.
type verb struct {
	word  string
	parse func(*scanner) (Fault, error)
}

// verbs are in the order in which an error lists them.
func verbs() []verb {
	return []verb{
		{"partition", parsePartition},
		{"kill", parseKill},
		{"crash-at", parseCrashAt},
		{"transfer-leader", parseTransferLeader},
		{"conf-change", parseConfChange},
		{"joint", parseJoint},
		{"learner", parseLearner},
		{"replace", parseReplace},
		{"split", parseSplit},
		{"batch-split", parseBatchSplit},
		{"merge", parseMerge},
		{"coup", parseCoup},
		{"lag", parseLag},
		{"pd-partition", parsePDPartition},
		{"pd-leader-transfer", parseTransferPD},
		{"bit-rot", parseBitRot},
		{"wipe", parseWipe},
		{"decommission", parseDecommission},
		{"pd-replay", parsePDReplay},
		{"pd-storm", parsePDStorm},
		{"pause", parsePause},
		{"restart", parseRestart},
		{"net", parseNet},
		{"disk", parseDisk},
		{"clock", parseClock},
		{"delay-at", parseDelayAt},
		{"error-at", parseErrorAt},
		{"when", parseWhen},
	}
}

// ParseFault reads what Fault.String prints. An error names the column and what is allowed there.
func ParseFault(text string) (Fault, error) {
	s := &scanner{text: text}
	f, err := s.fault()
	if err != nil {
		return nil, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

// fault reads a fault up to the end of the text.
func (s *scanner) fault() (Fault, error) {
	s.space()
	start := s.pos
	word := s.word()
	all := verbs()
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = v.word
		if v.word != word {
			continue
		}
		f, err := v.parse(s)
		if err != nil {
			return nil, err
		}
		return f, s.end()
	}
	if word == "" {
		return nil, s.errorAt(start, "want a fault: %s", strings.Join(words, ", "))
	}
	return nil, s.errorAt(start, "unknown fault %q, want one of %s", word, strings.Join(words, ", "))
}

// restart boots the nodes that are down and says which they were. A node that will not start does not keep the others
// from being started.
func restart(t Target, nodes []world.NodeID) (up []world.NodeID, err error) {
	for _, n := range nodes {
		if t.Up(n) {
			continue
		}
		if e := t.Restart(n); e != nil {
			err = joinErrors(err, fmt.Errorf("restart node %d: %w", n, e))
			continue
		}
		up = append(up, n)
	}
	return up, err
}

// joinErrors is errors.Join for records, which are one line each.
func joinErrors(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	default:
		return fmt.Errorf("%w; %w", a, b)
	}
}

// regionAt returns the k-th region by start key, starting over at the end.
func regionAt(t Target, k uint64) (Region, bool) {
	regions := t.Regions()
	if len(regions) == 0 {
		return Region{}, false
	}
	return regions[k%uint64(len(regions))], true
}

// stores returns where the region's replicas are, ascending.
func (r Region) stores() []world.NodeID {
	nodes := make([]world.NodeID, len(r.Peers))
	for i, p := range r.Peers {
		nodes[i] = p.Store
	}
	slices.Sort(nodes)
	return nodes
}

// pick returns the k-th of nodes, starting over at the end; nodes must not be empty.
func pick(nodes []world.NodeID, k uint64) world.NodeID {
	return nodes[k%uint64(len(nodes))]
}

// upOnly returns those of nodes that have power.
func upOnly(t Target, nodes []world.NodeID) []world.NodeID {
	return slices.DeleteFunc(slices.Clone(nodes), func(n world.NodeID) bool { return !t.Up(n) })
}

// roomFor returns the stores that a replica of r may be added on: those that are up, stay, and have none.
func roomFor(t Target, r Region) []world.NodeID {
	return upOnly(t, without(without(t.Stores(), t.Leaving()), r.stores()))
}

// soundOnly returns those of nodes that have power and no damage that is not repaired.
func soundOnly(t Target, nodes []world.NodeID) []world.NodeID {
	var damaged []world.NodeID
	for _, d := range unrepaired(t) {
		damaged = append(damaged, d.Store)
	}
	return without(upOnly(t, nodes), damaged)
}

// without returns the nodes of a that are not in b.
func without(a, b []world.NodeID) []world.NodeID {
	return slices.DeleteFunc(slices.Clone(a), func(n world.NodeID) bool { return slices.Contains(b, n) })
}
