package report

import (
	"fmt"
	"slices"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

const (
	// aroundBefore is how long before a violation's operations something counts as having gone on around them.
	aroundBefore = 500 * time.Millisecond
	// aroundMax bounds how much is told of each sort.
	aroundMax = 4
)

// around says what was going on when a violation's operations ran: faults, changes of leader and of ranges of the
// regions that answered them, and whether the answers themselves tell of an odd order.
func around(d *Data, v *checker.Violation) []string {
	from, to := span(v)
	from = from.Add(-aroundBefore)
	var all []string
	add := func(what []string, more string) {
		all = append(all, what[:min(len(what), aroundMax)]...)
		if n := len(what) - aroundMax; n > 0 {
			all = append(all, fmt.Sprintf(more, n))
		}
	}
	add(backwards(v), "and %d more answers out of order")
	add(faultsAround(d, from, to), "and %d more faults")
	regions := witnesses(v)
	add(leadersAround(d, regions, from, to), "and %d more changes of leader")
	add(rangesAround(d, regions, from, to), "and %d more changes of ranges")
	return all
}

// witnesses are the regions that answered.
func witnesses(v *checker.Violation) []uint64 {
	var all []uint64
	for i := range v.Ops {
		if id := v.Ops[i].Region; id != 0 && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// backwards tells of answers from an older place in a region's log than one that had come before they were asked for.
func backwards(v *checker.Violation) []string {
	var all []string
	for i := range v.Ops {
		late := &v.Ops[i]
		for k := range v.Ops {
			early := &v.Ops[k]
			if early.Region == 0 || early.Region != late.Region || early.Return >= late.Invoke {
				continue
			}
			switch {
			case late.Term < early.Term:
				all = append(all, fmt.Sprintf("%s's %s was answered in term %d of region %d, after %s's %s had been answered in term %d: an older leader answered later.",
					late.Who(), late.Kind, late.Term, late.Region, early.Who(), early.Kind, early.Term))
			case late.Term == early.Term && late.ApplyIndex < early.ApplyIndex:
				all = append(all, fmt.Sprintf("%s's %s was answered as of index %d of region %d, after %s's %s had been answered as of index %d: an older state answered later.",
					late.Who(), late.Kind, late.ApplyIndex, late.Region, early.Who(), early.Kind, early.ApplyIndex))
			}
		}
	}
	return all
}

func faultsAround(d *Data, from, to world.Time) []string {
	var all []string
	for _, f := range d.Faults {
		if f.From <= to && f.To >= from {
			s := fmt.Sprintf("Fault %s, %s to %s", f.Name, checker.Clock(f.From), checker.Clock(f.To))
			if f.Receipt != "" {
				s += ": " + f.Receipt
			}
			all = append(all, clip(s+"."))
		}
	}
	return all
}

func leadersAround(d *Data, regions []uint64, from, to world.Time) []string {
	var all []string
	for i, l := range d.Leaders {
		if l.From < from || l.From > to || !slices.Contains(regions, l.Region) {
			continue
		}
		s := fmt.Sprintf("Region %d: %s leads from %s in term %d", l.Region, storeName(l.Store), checker.Clock(l.From), l.Term)
		if i > 0 && d.Leaders[i-1].Region == l.Region {
			s += fmt.Sprintf(", after %s in term %d", storeName(d.Leaders[i-1].Store), d.Leaders[i-1].Term)
		}
		all = append(all, s+".")
	}
	return all
}

func rangesAround(d *Data, regions []uint64, from, to world.Time) []string {
	var all []string
	for _, r := range d.Ranges {
		if r.From >= from && r.From <= to && slices.Contains(regions, r.Region) {
			all = append(all, clip(fmt.Sprintf("Region %d holds %s from %s on.", r.Region, keyRange(r.Start, r.End), checker.Clock(r.From))))
		}
	}
	return all
}
