package cluster

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/system/region"
)

// Describe says in one line what each store knows of a region, for those who wonder why it stands still.
func (c *Sim) Describe(id uint64) string {
	var lines []string
	for _, s := range c.stores {
		for _, v := range c.views(s) {
			if v.Region.GetId() != id {
				continue
			}
			line := fmt.Sprintf("s%d: peer %d of %s, term %d, log to %d, committed %d, applied %d", s.id, v.Peer,
				region.Format(v.Region), v.Term, v.Last, v.Commit, v.Applied.Index)
			for _, state := range []struct {
				is   bool
				word string
			}{{v.Leader, "leads"}, {!v.Initialised, "empty"}, {v.Asleep, "asleep"}, {v.Merging, "merging"}} {
				if state.is {
					line += ", " + state.word
				}
			}
			lines = append(lines, line)
		}
		if c.World.Up(s.id) && slices.Contains(s.store.Quarantined(), id) {
			lines = append(lines, fmt.Sprintf("s%d: quarantined", s.id))
		}
	}
	return strings.Join(lines, "; ")
}
