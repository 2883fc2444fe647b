package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

// bucketsMax is how many slices of time the charts have at most.
const bucketsMax = 250

// buckets counts operations by time.
type buckets struct {
	step time.Duration
	at   []bucket
}

// bucket is a slice of time.
type bucket struct {
	checker.Counts
	// took is how long the operations took that succeeded, ascending, in seconds.
	took []float64
}

func newBuckets(h *checker.History, end world.Time) *buckets {
	b := &buckets{step: niceStep(time.Duration(end)/bucketsMax + 1)}
	b.at = make([]bucket, int(time.Duration(end)/b.step)+1)
	for i := range h.Ops {
		o := &h.Ops[i]
		n := min(max(int(time.Duration(moment(o))/b.step), 0), len(b.at)-1)
		b.at[n].Add(o.Outcome)
		if o.Outcome == checker.Ok {
			b.at[n].took = append(b.at[n].took, o.Return.Sub(o.Invoke).Seconds())
		}
	}
	for i := range b.at {
		slices.Sort(b.at[i].took)
	}
	return b
}

// percentile of ascending values, 0 if there are none.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// density stacks the operations of each bucket by outcome.
func (b *buckets) density(s scale) chart {
	top := 1
	for i := range b.at {
		top = max(top, b.at[i].Total())
	}
	c := chart{Unit: "each " + seconds(b.step.Seconds()), Top: grouped(top)}
	for i := range b.at {
		from := world.Time(i) * world.Time(b.step)
		x, w := s.x(from), s.x(from.Add(b.step))-s.x(from)
		base := 100.0
		stack := func(class string, n int) {
			if n == 0 {
				return
			}
			h := 100 * float64(n) / float64(top)
			base -= h
			c.Rects = append(c.Rects, rect{X: number(x), Y: number(base), W: number(w * 0.92), H: number(h), Class: class})
		}
		stack("ok", b.at[i].Ok)
		stack("failed", b.at[i].Failed)
		stack("unknown", b.at[i].Unknown)
	}
	return c
}

// latency draws percentiles over time on a logarithmic scale.
func (b *buckets) latency(s scale) chart {
	low, high := math.Inf(1), 0.0
	for i := range b.at {
		if took := b.at[i].took; len(took) > 0 {
			low, high = min(low, max(percentile(took, 0.5), 1e-6)), max(high, percentile(took, 0.99))
		}
	}
	if high == 0 {
		return chart{}
	}
	high = max(high, 1.1*low)
	floor := math.Log(low * 0.8)
	y := func(v float64) float64 {
		return 97 - 94*min(max((math.Log(max(v, 1e-6))-floor)/(math.Log(high)-floor), 0), 1)
	}
	c := chart{Unit: "logarithmic", Top: seconds(high)}
	for _, p := range []struct {
		class, name string
		p           float64
	}{{"p99", "99 %", 0.99}, {"p90", "90 %", 0.9}, {"p50", "median", 0.5}} {
		var path strings.Builder
		pen := "M"
		for i := range b.at {
			if len(b.at[i].took) == 0 {
				pen = "M"
				continue
			}
			x := s.x(world.Time(i)*world.Time(b.step) + world.Time(b.step)/2)
			fmt.Fprintf(&path, "%s%.1f %.1f", pen, x, y(percentile(b.at[i].took, p.p)))
			if pen == "M" {
				path.WriteString("h0.1") // so that a lone bucket shows as a dot
			}
			pen = "L"
		}
		c.Lines = append(c.Lines, line{p.class, p.name, path.String()})
	}
	return c
}

func (b *buckets) cursor(c *cursor) {
	c.Bucket = b.step.Seconds()
	for i := range b.at {
		n := &b.at[i]
		c.Ok, c.Failed, c.Unknown = append(c.Ok, n.Ok), append(c.Failed, n.Failed), append(c.Unknown, n.Unknown)
		c.P50 = append(c.P50, math.Round(percentile(n.took, 0.5)*1e6)/1e6)
		c.P99 = append(c.P99, math.Round(percentile(n.took, 0.99)*1e6)/1e6)
	}
}

// seconds prints a duration given in seconds with the unit that suits it.
func seconds(s float64) string {
	switch {
	case s == 0:
		return "–"
	case s < 1e-3:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	default:
		return fmt.Sprintf("%.3g s", s)
	}
}

// kindRow is a row of the table of operations.
type kindRow struct {
	Kind, Total, Ok, Failed, Unknown, P50, P99, Max string
}

// kindRows counts operations by kind and outcome.
func kindRows(h *checker.History) []kindRow {
	if h == nil {
		return nil
	}
	byKind := map[checker.OpKind]*bucket{}
	all := &bucket{}
	for _, k := range checker.Kinds {
		byKind[k] = &bucket{}
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		for _, b := range []*bucket{byKind[o.Kind], all} {
			if b == nil {
				continue
			}
			b.Add(o.Outcome)
			if o.Outcome == checker.Ok {
				b.took = append(b.took, o.Return.Sub(o.Invoke).Seconds())
			}
		}
	}
	var rows []kindRow
	for _, k := range checker.Kinds {
		if byKind[k].Total() > 0 {
			rows = append(rows, byKind[k].row(string(k)))
		}
	}
	return append(rows, all.row("all"))
}

func (b *bucket) row(kind string) kindRow {
	slices.Sort(b.took)
	return kindRow{Kind: kind, Total: grouped(b.Total()), Ok: grouped(b.Ok), Failed: grouped(b.Failed), Unknown: grouped(b.Unknown),
		P50: seconds(percentile(b.took, 0.5)), P99: seconds(percentile(b.took, 0.99)), Max: seconds(percentile(b.took, 1))}
}
