package store

import (
	"cmp"
	"slices"
	"strings"

	"ordeal/system/engine"
)

// look prints what a store has: its regions, its data, the pieces of snapshots on its disk, the snapshots it is sending.
func (s *script) look(m *machine, what string) {
	switch what {
	case "data":
		s.data(m)
	case "log":
		s.log(m)
	case "sizes":
		s.sizes(m)
	case "spools":
		pieces := 0
		lo, hi := engine.AllSpools()
		m.eng.Scan(lo, hi, func(_, _ []byte) bool { pieces++; return true })
		s.say("s%d: %d pieces of snapshots", m.id, pieces)
	case "streams":
		s.say("s%d sends %d snapshots", m.id, m.sending())
	default:
		s.regions(m)
	}
}

// sending is how many snapshots a store sends.
func (m *machine) sending() int {
	n := 0
	for _, s := range m.node.shards {
		n += len(s.sending)
	}
	return n
}

// data prints all the data on a store's disk, whatever region it belongs to.
func (s *script) data(m *machine) {
	var pairs []string
	lo, hi := engine.DataRange(nil, nil)
	m.eng.Scan(lo, hi, func(k, v []byte) bool {
		pairs = append(pairs, string(engine.UserKey(k))+"="+string(v))
		return true
	})
	s.say("s%d: %s", m.id, strings.Join(pairs, " "))
}

// peers are those of all shards, by region.
func (m *machine) peers() []*peer {
	var all []*peer
	for _, shard := range m.node.shards {
		all = append(all, shard.order...)
	}
	slices.SortFunc(all, func(a, b *peer) int { return cmp.Compare(a.region.GetId(), b.region.GetId()) })
	return all
}

// calls is how many client calls the store counts as waiting.
func (m *machine) calls() int {
	n := 0
	for _, shard := range m.node.shards {
		n += shard.load.requests
	}
	return n
}

// log prints what the peers of a store hold of their logs.
func (s *script) log(m *machine) {
	for _, p := range m.peers() {
		g := p.group
		memory := "some in memory"
		switch g.CachedBytes() {
		case g.LogBytes():
			memory = "all in memory"
		case 0:
			memory = "none in memory"
		}
		s.say("s%d r%d log (%d, %d], %s", m.id, p.region.GetId(), g.Truncated().Index, g.LastIndex(), memory)
	}
}

// sizes prints what a store believes of the sizes of its regions.
func (s *script) sizes(m *machine) {
	for _, p := range m.peers() {
		what := "about"
		switch {
		case p.size.look != nil:
			what = "being looked at,"
		case p.size.known && p.size.bytes == p.size.exact:
			what = "exactly"
		}
		s.say("s%d r%d %s %d B in %d keys", m.id, p.region.GetId(), what, p.size.bytes, p.size.keys)
	}
}
