package traffic

import (
	"fmt"

	"ordeal/checker"
)

// scan works on windows, each of which lies on both sides of a border between regions: keys that all clients write, and
// one key for each client that nobody else writes. Scans read windows across their border.
func scan(c *Ctx) {
	k := c.Knobs.withDefaults()
	s := &scanClient{Ctx: c, windows: newWindows(k.Regions), rotateAfter: k.RotateAfter}
	c.loop(s.step)
}

// scanSetup writes the common keys of all windows.
func scanSetup(c *Ctx) {
	for _, w := range newWindows(c.Knobs.withDefaults().Regions) {
		for side := range sides {
			for n := range windowShared {
				c.put(w.shared(side, n), c.value())
			}
		}
	}
}

const (
	// windowsMax is how many windows there are at most, and windowsMin if there is only one region: it may get
	// borders later.
	windowsMax, windowsMin = 16, 8
	// windowShared is how many common keys a window has on each of its sides.
	windowShared = 4
	sides        = 2
	// generationsMax bounds the generations of a window; more would not sort as they should.
	generationsMax = 1_000_000
)

// window is a group of keys around a border.
type window struct {
	grid grid
	// bucket is the one behind the border.
	bucket     int
	generation int
	// seen is only looked up.
	seen map[string]sighting
}

func newWindows(regions int) []window {
	n := regions - 1
	if n < 1 {
		n = windowsMin
	}
	buckets := borders(n + 1)
	windows := make([]window, min(n, windowsMax))
	for i := range windows {
		windows[i] = window{grid: gridFor(n + 1), bucket: buckets[i*n/len(windows)], seen: map[string]sighting{}}
	}
	return windows
}

// windowBuckets are those on both sides of the windows.
func windowBuckets(k Knobs) []int {
	var buckets []int
	for _, w := range newWindows(k.Regions) {
		buckets = append(buckets, max(w.bucket-1, 0), w.bucket)
	}
	return buckets
}

// key returns a key of the window in front of its border (side 0) or behind it (side 1). Generations sort so that the
// newest of both sides lie next to the border: a scan from the one to the other meets no retired key.
func (w *window) key(side int, name string) string {
	if side == 0 {
		return w.grid.key(w.bucket-1, fmt.Sprintf("/s/%06d/%s", w.generation, name))
	}
	return w.grid.key(w.bucket, fmt.Sprintf("/s/%06d/%s", generationsMax-1-w.generation, name))
}

func (w *window) shared(side, n int) string { return w.key(side, fmt.Sprint(n)) }

// own returns the key that only one client writes.
func (w *window) own(id int) string { return w.key(id%sides, fmt.Sprintf("c%d", id)) }

// renew moves the window on to a generation and returns the keys of the one before.
func (w *window) renew(generation, clients int) (retired []string) {
	if generation >= generationsMax {
		panic(fmt.Sprintf("traffic: generation %d of a window, at most %d fit into its keys", generation, generationsMax))
	}
	w.generation = generation - 1
	for n := range windowShared {
		retired = append(retired, w.shared(0, n), w.shared(1, n))
	}
	for id := range clients {
		retired = append(retired, w.own(id))
	}
	w.generation, w.seen = generation, map[string]sighting{}
	return retired
}

type scanClient struct {
	*Ctx
	windows     []window
	rotateAfter int
}

// What a client of scan does, in percent; the rest is reading one key.
const (
	scanWindowPct  = 35 // scan a window
	scanWidePct    = 5  // scan to the next window, across retired keys
	scanRetiredPct = 2  // read a retired key
	scanPutPct     = 30
	scanCASPct     = 9
	scanCADPct     = 9
	scanDeletePct  = 1
	scanWrongPct   = 25
	// scanReversePct is how many scans of windows go downwards.
	scanReversePct = 25
	// scanOwnPct is how many of the single operations go to the client's own key.
	scanOwnPct = 40
	// scanLimitMax bounds the limits of scans of windows, scanWideLimit is that of wide ones.
	scanLimitMax, scanWideLimit = 24, 30
	// scanWideBuckets bounds wide scans where there are so many regions between two windows that a scan would take seconds.
	scanWideBuckets = 512
)

func (s *scanClient) step() {
	i := s.Rand.IntN(len(s.windows))
	w := &s.windows[i]
	generation, rotated := s.Keys.turn(i, len(s.windows), s.rotateAfter)
	if w.generation != generation {
		retired := w.renew(generation, s.Clients)
		if rotated {
			s.Keys.retire(retired...)
		}
	}
	d := s.roll()
	switch {
	case d.in(scanWindowPct):
		s.scanWindow(w)
	case d.in(scanWidePct):
		next := &s.windows[(i+1)%len(s.windows)]
		end := ""
		if next.bucket > w.bucket && next.bucket-w.bucket <= scanWideBuckets {
			end = next.key(0, "")
		} else if far := w.bucket + scanWideBuckets; far < int(w.grid) {
			end = w.grid.key(far, "")
		}
		s.Ctx.scan(w.key(0, ""), end, scanWideLimit)
	case d.in(scanRetiredPct) && len(s.Keys.retired) > 0:
		s.get(s.Keys.retired[s.Rand.IntN(len(s.Keys.retired))])
	default:
		key := w.shared(s.Rand.IntN(sides), s.Rand.IntN(windowShared))
		if s.Rand.IntN(100) < scanOwnPct {
			key = w.own(s.ID)
		}
		w.seen[key] = s.act(key, w.seen[key], d)
	}
}

// act does one operation on one key and returns what the client knows of the key then. d has already
// ruled out scans.
func (s *scanClient) act(key string, last sighting, d *dice) sighting {
	switch {
	case s.reads():
		return s.get(key)
	case d.in(scanPutPct):
		return s.put(key, s.value())
	case d.in(scanCASPct):
		return s.cas(key, s.guess(last, scanWrongPct), s.value())
	case d.in(scanCADPct) && last.found:
		return s.cad(key, last.value)
	case d.in(scanDeletePct):
		return s.delete(key)
	default:
		return s.get(key)
	}
}

// scanWindow scans a part of a window, in most cases one that has the border in it.
func (s *scanClient) scanWindow(w *window) {
	// The empty name sorts before all names of keys, and ~ behind them.
	name := func(edge string) string {
		if n := s.Rand.IntN(2 * windowShared); n < windowShared {
			return fmt.Sprint(n)
		}
		return edge
	}
	from, to := w.key(0, name("")), w.key(1, name("~"))
	switch s.Rand.IntN(10) {
	case 0:
		to = w.key(0, "~")
	case 1:
		from = w.key(1, "")
	}
	if from < to {
		limit := 1 + s.Rand.IntN(scanLimitMax)
		var pairs []checker.KV
		if s.Rand.IntN(100) < scanReversePct {
			pairs, _ = s.reverseScan(from, to, limit)
		} else {
			pairs, _ = s.Ctx.scan(from, to, limit)
		}
		s.remember(w, pairs)
	}
}

// remember takes what a scan saw of a window's keys. Keys it did not see may have been cut off by its limit.
func (s *scanClient) remember(w *window, pairs []checker.KV) {
	for _, p := range pairs {
		w.seen[p.Key] = something(p.Value)
	}
}
