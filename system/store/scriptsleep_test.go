package store

import (
	"fmt"
	"sort"
	"strings"
)

// sleepers prints which peers sleep, region by region, if that has changed since the last command.
func (s *script) sleepers() {
	if s.cfg.HibernateTicks == 0 {
		return
	}
	stores := map[uint64][]string{}
	var ids []uint64
	for _, m := range s.machines {
		if m.down {
			continue
		}
		for _, v := range m.node.Peers() {
			if !v.Asleep {
				continue
			}
			id := v.Region.GetId()
			if stores[id] == nil {
				ids = append(ids, id)
			}
			what := fmt.Sprintf("s%d", m.id)
			if v.Leader {
				what += " (leader)"
			}
			stores[id] = append(stores[id], what)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf("asleep in region %d: %s", id, strings.Join(stores[id], ", ")))
	}
	if all == nil {
		all = []string{"all are awake"}
	}
	if now := strings.Join(all, "\n"); now != s.slept {
		s.slept = now
		s.say("%s", now)
	}
}

// countMail prints how many letters of each kind were sent since the last time, and heartbeats of regions to PD.
func (s *script) countMail() {
	var kinds []string
	for k, n := range s.mail {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, n))
	}
	sort.Strings(kinds)
	if kinds == nil {
		kinds = []string{"nothing"}
	}
	s.say("%s", strings.Join(kinds, ", "))
	clear(s.mail)
}
