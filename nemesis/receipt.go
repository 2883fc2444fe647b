package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/world"
)

// How long a fault waits for the effect of an admin command that was accepted: settlePolls looks, settleEvery apart.
// The runner does one thing at a time, so the product also bounds how late the next fault may come.
const (
	settlePolls = 10
	settleEvery = 20 * time.Millisecond
)

// Receipt is the evidence of what a fault did. A run whose faults left no receipts has tested nothing.
type Receipt struct {
	// Bit says that the fault had an effect on the cluster.
	Bit bool
	// Text is the evidence in words: "412 messages cut", "leader of region 1003 s1 to s3 (term 5 to 6)".
	Text string
	// Skipped is why the fault could not strike, empty if it was tried.
	Skipped string
	// Hits are the crash points that were hit while they were armed; only the heal of a crash-at fills it.
	Hits []string
}

// and joins the evidence of two moments of one fault.
func (r Receipt) and(o Receipt) Receipt {
	r.Bit = r.Bit || o.Bit
	switch {
	case r.Text == "":
		r.Text = o.Text
	case o.Text != "":
		r.Text += "; " + o.Text
	}
	if r.Skipped == "" {
		r.Skipped = o.Skipped
	}
	r.Hits = append(slices.Clone(r.Hits), o.Hits...)
	return r
}

// skip is the receipt of a fault that could not strike.
func skip(format string, args ...any) (Receipt, error) {
	return Receipt{Skipped: fmt.Sprintf(format, args...)}, nil
}

// names prints stores as s1 s2 s3.
func names(nodes []world.NodeID) string {
	var b strings.Builder
	for i, n := range nodes {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "s%d", n)
	}
	return b.String()
}

// plural counts things: 1 commit, 2 commits.
func plural(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// settle looks at the region until changed holds or the polls run out, and returns its last picture. ok is false if the
// change did not show. Without wait it looks once: a command that failed may still have had an effect.
func settle(p world.Proc, t Target, id uint64, wait bool, changed func(Region) bool) (now Region, ok bool) {
	for poll := 0; ; poll++ {
		for _, r := range t.Regions() {
			if r.ID != id {
				continue
			}
			now = r
			if changed(r) {
				return now, true
			}
		}
		if !wait || poll == settlePolls {
			return now, false
		}
		p.Sleep(settleEvery)
	}
}
