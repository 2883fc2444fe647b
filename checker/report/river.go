package report

import (
	"cmp"
	"slices"

	"ordeal/world"
)

// riverPiecesMax bounds the pieces of a river.
const riverPiecesMax = 60_000

// river is who led which keys when: a map of the key space over time. Its height is the key space, cut evenly at every
// border that there ever was, so that a region has its place for good and a split or a merge is a border that
// appears or goes.
type river struct {
	// Borders are the keys at which the key space was ever cut; the piece from 0 to 1 lies below the first of them.
	Borders []string `json:"borders"`
	// Region is a place in packed.Regions, Low and High are borders, From and To times in microseconds. Store is who led, 0 if
	// nobody, in Term. First says that a region's range begins with this piece.
	Region []int    `json:"region"`
	Low    []int    `json:"low"`
	High   []int    `json:"high"`
	From   []int64  `json:"from"`
	To     []int64  `json:"to"`
	Store  []int    `json:"store"`
	Term   []uint64 `json:"term"`
	First  []bool   `json:"first"`
	// Lost is how many pieces there was no room for.
	Lost int `json:"lost"`
}

func newRiver(d *Data, regions *names[uint64]) river {
	v := river{Borders: []string{}, Region: []int{}, Low: []int{}, High: []int{}, From: []int64{}, To: []int64{}, Store: []int{}, Term: []uint64{}, First: []bool{}}
	ranges := d.Ranges
	if len(ranges) == 0 {
		for _, r := range d.Regions {
			ranges = append(ranges, Range{Region: r.ID, Start: r.Start, End: r.End, To: Open})
		}
	}
	var keys []string
	for _, r := range ranges {
		for _, k := range [][]byte{r.Start, r.End} {
			if len(k) > 0 {
				keys = append(keys, string(k))
			}
		}
	}
	borders := newNames(keys)
	for _, k := range borders.all {
		v.Borders = append(v.Borders, bound([]byte(k), ""))
	}
	reigns := map[uint64][]Leader{}
	for _, l := range d.Leaders {
		reigns[l.Region] = append(reigns[l.Region], l)
	}
	end := lastMoment(d)
	for _, r := range ranges {
		low, high := 0, len(borders.all)+1
		if len(r.Start) > 0 {
			low = borders.place(string(r.Start)) + 1
		}
		if len(r.End) > 0 {
			high = borders.place(string(r.End)) + 1
		}
		r.To = min(r.To, end)
		for i, l := range reignsWithin(reigns[r.Region], r.From, r.To) {
			if len(v.Region) >= riverPiecesMax {
				v.Lost++
				continue
			}
			v.Region, v.Low, v.High = append(v.Region, regions.place(r.Region)), append(v.Low, low), append(v.High, high)
			v.From, v.To = append(v.From, micros(l.From)), append(v.To, micros(l.to))
			v.Store, v.Term, v.First = append(v.Store, int(l.Store)), append(v.Term, l.Term), append(v.First, i == 0)
		}
	}
	return v
}

// reign is a leader with its end.
type reign struct {
	Leader
	to world.Time
}

// reignsWithin cuts the leaders of a region, in the order of time, to a stretch of it. Where nobody led yet the
// store is 0.
func reignsWithin(leaders []Leader, from, to world.Time) []reign {
	next, found := slices.BinarySearchFunc(leaders, from, func(l Leader, t world.Time) int { return cmp.Compare(l.From, t) })
	var all []reign
	if !found {
		first := Leader{}
		if next > 0 {
			first = leaders[next-1]
		}
		first.From = from
		all = append(all, reign{first, to})
	}
	for ; next < len(leaders) && leaders[next].From < to; next++ {
		if len(all) > 0 {
			all[len(all)-1].to = leaders[next].From
		}
		all = append(all, reign{leaders[next], to})
	}
	return all
}
