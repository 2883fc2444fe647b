package traffic

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/checker/models"
	"ordeal/system/client"
	"ordeal/system/client/clienttest"
	"ordeal/world"
)

const (
	clients = 6
	regions = 8
	// latest is how long after it was sent a request may still take effect.
	latest = 4 * time.Second
	// eventsMax ends a run whose clients never stop.
	eventsMax = 5_000_000
)

// outcome is what a run leaves.
type outcome struct {
	cluster *clienttest.Cluster
	history *checker.History
	keys    *KeySet
	unread  []string
	model   string
}

// run lets clients of a workload work on a cluster for some time, and then read all keys. Where there are faults there
// is trouble of all kinds.
func run(t *testing.T, seed uint64, w Workload, knobs Knobs, faults clienttest.Faults, d time.Duration) outcome {
	t.Helper()
	c := clienttest.New(seed, 5, SplitKeys(regions)...)
	o := outcome{cluster: c, keys: NewKeySet(), model: w.Model}
	knobs.Regions = regions
	var recs []*checker.Recorder
	ready, working := w.Setup == nil, clients
	for id := range clients {
		ctx := &Ctx{
			Rec: checker.NewRecorder(id), ID: id, Clients: clients, Keys: o.keys, Knobs: knobs, Model: w.Model,
			Stop: func() bool { return c.Now() >= world.Time(d) },
			Fail: func(format string, args ...any) { t.Errorf(format, args...) },
		}
		recs = append(recs, ctx.Rec)
		c.Go(func(p world.Proc) {
			ctx.Proc, ctx.Rand = p, p.Rand()
			ctx.Client = client.New(p, []world.Addr{clienttest.PDAddr}, client.Options{})
			if id == 0 && !ready {
				w.Setup(ctx)
				ready = true
				c.Faults = faults
			}
			for !ready {
				p.Sleep(time.Millisecond)
			}
			w.Client(ctx)
			working--
			for working > 0 {
				p.Sleep(time.Millisecond)
			}
			p.Sleep(latest)
			o.unread = append(o.unread, FinalReads(ctx, Share(o.keys.Used(), id, clients))...)
		})
	}
	if w.Setup == nil {
		c.Faults = faults
	}
	if faults != (clienttest.Faults{}) {
		c.Trouble(5*time.Millisecond, d, func(r *rand.Rand) []byte {
			if used := o.keys.Used(); len(used) > 0 {
				return []byte(used[r.IntN(len(used))])
			}
			return []byte(coarse.key(r.IntN(int(coarse)), ""))
		})
	}
	require.True(t, c.Run(eventsMax), "seed %d: clients do not stop", seed)
	o.history = checker.Merge(recs...)
	return o
}

var trouble = clienttest.Faults{LoseRequest: 0.004, LoseReply: 0.004, Slow: 0.004, Busy: 0.05, Undetermined: 0.002}

// judge judges a history as what the workload's keys are.
func judge(t *testing.T, w Workload, h *checker.History) checker.Result {
	m := models.ByName(w.Model)
	if m == nil {
		require.Empty(t, w.Model)
		return checker.Check(h, checker.Options{})
	}
	r, err := m.Check(h, checker.Options{})
	require.NoError(t, err)
	return r
}

// kindsOf are the kinds of operations of each workload.
var kindsOf = map[string][]checker.OpKind{
	"register": {checker.Get, checker.Put, checker.Delete, checker.CAS, checker.CAD},
	"scan":     {checker.Get, checker.Put, checker.Delete, checker.CAS, checker.CAD, checker.Scan},
	"churn":    {checker.Get, checker.Put, checker.Delete, checker.CAS, checker.CAD},
	"batch":    {checker.Get, checker.Put, checker.Delete, checker.CAS, checker.CAD, checker.Scan},
	"append":   {checker.Get, checker.Append},
	"set":      {checker.Get, checker.Add},
	"counter":  {checker.Get, checker.Increment},
}

func TestHistoriesAreValid(t *testing.T) {
	t.Parallel()
	for _, w := range All() {
		kinds, total := map[checker.OpKind]checker.Counts{}, 0
		for seed := range uint64(6) {
			o := run(t, seed, w, Knobs{RotateAfter: 100, KeysMax: 300}, trouble, 5*time.Second)
			require.Empty(t, o.unread, "%s, seed %d", w.Name, seed)
			r := judge(t, w, o.history)
			require.Equal(t, checker.OK, r.Verdict, "%s, seed %d: %v", w.Name, seed, r.Reasons)
			requireUniqueValues(t, o.history)
			requireFinalReads(t, o)
			for _, op := range o.history.Ops {
				n := kinds[op.Kind]
				n.Add(op.Outcome)
				kinds[op.Kind] = n
				total++
			}
		}
		t.Logf("%s: %d operations: %v", w.Name, total, kinds)
		for _, kind := range kindsOf[w.Name] {
			require.NotZero(t, kinds[kind].Ok, "%s: %s", w.Name, kind)
		}
		require.NotZero(t, kinds[kindsOf[w.Name][1]].Unknown, w.Name)
		require.Less(t, kinds[checker.Delete].Total()*30, total, "%s: blind deletes must be few", w.Name)
	}
}

func requireUniqueValues(t *testing.T, h *checker.History) {
	t.Helper()
	written := map[string]bool{}
	for _, op := range h.Ops {
		require.NoError(t, op.Validate())
		switch op.Kind {
		case checker.Put, checker.CAS, checker.Append, checker.Add:
			require.False(t, written[op.Value], "%s is written twice", op.Value)
			written[op.Value] = true
		}
	}
}

// requireFinalReads holds the last read of each key against what the cluster has.
func requireFinalReads(t *testing.T, o outcome) {
	t.Helper()
	last := map[string]checker.Op{}
	for _, op := range o.history.Ops {
		if op.Kind == checker.Get && op.Outcome == checker.Ok {
			last[op.Key] = op
		}
	}
	for _, key := range o.keys.Used() {
		value, found := o.cluster.Value([]byte(key))
		require.Equal(t, found, last[key].Found, key)
		want := checker.Op{}
		(&Ctx{Model: o.model}).sawContents(&want, value, found)
		require.Equal(t, want.Read, last[key].Read, key)
		require.Equal(t, want.Items, last[key].Items, key)
	}
}

// TestWrongClusterIsFound: the point of it all. A cluster that forgets one acknowledged write in a hundred must not
// get away with it: some seconds show it in most cases.
func TestWrongClusterIsFound(t *testing.T) {
	t.Parallel()
	const seeds = 10
	for _, w := range All() {
		faults := trouble
		faults.Forget = 0.01
		found := 0
		for seed := range uint64(seeds) {
			o := run(t, seed, w, Knobs{RotateAfter: 100, KeysMax: 300}, faults, 12*time.Second)
			if judge(t, w, o.history).Verdict == checker.FAIL {
				found++
			}
		}
		t.Logf("%s: found with %d of %d seeds", w.Name, found, seeds)
		require.Greater(t, 2*found, seeds, w.Name)
	}
}

func TestSameSeedSameHistory(t *testing.T) {
	t.Parallel()
	for _, w := range All() {
		a := run(t, 3, w, Knobs{RotateAfter: 100}, trouble, 2*time.Second)
		b := run(t, 3, w, Knobs{RotateAfter: 100}, trouble, 2*time.Second)
		require.Equal(t, a.history, b.history, w.Name)
		require.Equal(t, a.keys.Used(), b.keys.Used(), w.Name)
	}
}

// TestKeysRotate: no key is worked on for longer than it should be, and retired keys are read again.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	const after = 60
	for _, name := range []string{"register", "scan", "append"} {
		w, err := ByName(name)
		require.NoError(t, err)
		o := run(t, 1, w, Knobs{RotateAfter: after, HotKeys: 5}, clienttest.Faults{}, 4*time.Second)
		require.NotEmpty(t, o.keys.retired, name)
		writes, gets := map[string]int{}, map[string]int{}
		for _, op := range o.history.Ops {
			if op.Kind == checker.Get {
				gets[op.Key]++
			} else if op.Kind != checker.Scan {
				writes[op.Key]++
			}
		}
		again := 0
		for _, key := range o.keys.Used() {
			require.LessOrEqual(t, writes[key], after+clients, "%s: %s", name, key)
			require.Less(t, gets[key], 2*after, "%s: %s", name, key)
		}
		for _, key := range o.keys.retired {
			if gets[key] > 1 {
				again++
			}
		}
		require.NotZero(t, again, name)
	}
}

// TestScansCrossBorders: most scans meet at least two regions, without meeting retired keys.
func TestScansCrossBorders(t *testing.T) {
	t.Parallel()
	w, err := ByName("scan")
	require.NoError(t, err)
	o := run(t, 1, w, Knobs{RotateAfter: 50}, clienttest.Faults{}, 3*time.Second)
	crossed, scans := 0, 0
	for _, op := range o.history.Ops {
		if op.Kind != checker.Scan {
			continue
		}
		scans++
		for _, b := range SplitKeys(regions) {
			if op.Start < string(b) && (op.End == "" || string(b) < op.End) {
				crossed++
				break
			}
		}
		if op.Limit < scanWideLimit {
			require.LessOrEqual(t, len(op.Pairs), sides*windowShared+clients)
		}
	}
	require.Greater(t, crossed*10, scans*7)
}

func TestChurnGrows(t *testing.T) {
	t.Parallel()
	w, err := ByName("churn")
	require.NoError(t, err)
	o := run(t, 1, w, Knobs{KeysMax: 200}, clienttest.Faults{}, 4*time.Second)
	require.Len(t, o.keys.Used(), clients*200)
	sizes := 0
	for _, key := range o.keys.Used() {
		value, _ := o.cluster.Value([]byte(key))
		sizes += len(value)
		require.LessOrEqual(t, len(value), churnValueMax)
	}
	require.Greater(t, sizes, clients*200*300)
}

func TestIdle(t *testing.T) {
	t.Parallel()
	for _, w := range All() {
		w.Setup = nil
		o := run(t, 1, w, Knobs{Idle: true}, clienttest.Faults{}, 10*time.Second)
		require.Empty(t, o.history.Ops, w.Name)
	}
}

func TestThinkTime(t *testing.T) {
	t.Parallel()
	w, err := ByName("register")
	require.NoError(t, err)
	o := run(t, 1, w, Knobs{ThinkMax: 200 * time.Millisecond}, clienttest.Faults{}, 10*time.Second)
	n := len(o.history.Ops) - len(o.keys.Used())
	require.InDelta(t, clients*100, n, clients*20, "ten a second each")
}

// TestKeysAreSpread: the keys of each workload fall evenly into the regions that SplitKeys makes, whether these are few or
// many.
func TestKeysAreSpread(t *testing.T) {
	t.Parallel()
	for _, regions := range []int{4, 10_000} {
		g := gridFor(regions)
		keys := map[string][]string{}
		for slot := range 16 {
			for generation := range 50 {
				keys["register"] = append(keys["register"], g.registerKey(slot, 16, generation))
			}
		}
		for n := range 4000 {
			keys["churn"] = append(keys["churn"], g.churnKey(n%clients, n/clients*5))
			keys["visits"] = append(keys["visits"], g.visitKey(n*int(g)/4000))
		}
		borders := SplitKeys(regions)
		for name, all := range keys {
			quarters, met := make([]int, 4), map[int]bool{}
			for _, k := range all {
				require.True(t, strings.HasPrefix(k, "k"))
				at, _ := slices.BinarySearchFunc(borders, k, func(b []byte, k string) int {
					return cmp.Or(strings.Compare(string(b), k), -1) // a key at a border belongs behind it
				})
				quarters[at*4/regions]++
				met[at] = true
			}
			for _, n := range quarters {
				require.Greater(t, n, len(all)/10, "%d regions, %s: %v", regions, name, quarters)
			}
			require.GreaterOrEqual(t, len(met), min(regions, len(all)*3/10), "%d regions, %s: %d are met", regions, name, len(met))
		}
	}
}

// TestSplitKeys: they ascend, and the bucket in front of each belongs to the region in front of it.
func TestSplitKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 16, 100, 256, 257, 10_000, RegionsMax} {
		borders := SplitKeys(n)
		require.Len(t, borders, n-1)
		require.True(t, slices.IsSortedFunc(borders, bytes.Compare))
		require.Len(t, slices.CompactFunc(borders, bytes.Equal), n-1)
		for _, w := range newWindows(n) {
			before, behind := w.key(0, "x"), w.key(1, "x")
			require.Less(t, before, behind)
			if n > 1 {
				border, found := slices.BinarySearchFunc(borders, []byte(w.grid.key(w.bucket, "")), bytes.Compare)
				require.True(t, found)
				require.True(t, border == 0 || string(borders[border-1]) <= before)
			}
		}
	}
	require.Panics(t, func() { SplitKeys(0) })
	require.Panics(t, func() { SplitKeys(RegionsMax + 1) })
}

// TestBusyRegions: what Busy returns are the regions of the keys that clients use first.
func TestBusyRegions(t *testing.T) {
	t.Parallel()
	const n = 10_000
	k, g, borders := Knobs{Regions: n, HotKeys: 16}, gridFor(n), SplitKeys(n)
	for name, keys := range map[string][]string{
		"register": {g.registerKey(3, 16, 0), g.registerKey(0, 16, 0)},
		"counter":  {g.objectKey("/n", 3, 16, 0)},
		"batch":    {g.groupOf(15, 16, 0).key(1), g.groupOf(15, 16, 0).companion()},
		"scan":     {newWindows(n)[1].key(0, "x"), newWindows(n)[1].key(1, "x")},
		"churn":    {g.key(g.hotPart(0), "/c/1/0"), g.key(g.hotPart(churnHotKeys)+churnHotBuckets-1, "/c/1/200")},
	} {
		w, err := ByName(name)
		require.NoError(t, err)
		busy := w.Busy(k)
		for _, key := range keys {
			place := 0
			for place < len(borders) && string(borders[place]) <= key {
				place++
			}
			require.Contains(t, busy, uint64(place), "%s: %s", name, key)
		}
	}
}

func TestByName(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"register", "scan", "churn", "batch", "append", "set", "counter"}, Names())
	require.Equal(t, []string{"register", "scan", "churn", "batch"}, Usual())
	for _, name := range Names() {
		w, err := ByName(name)
		require.NoError(t, err)
		require.Equal(t, name, w.Name)
		require.NotEmpty(t, w.About)
	}
	_, err := ByName("banking")
	require.EqualError(t, err, `unknown workload "banking", want one of: register, scan, churn, batch, append, set, counter`)
}

func TestShort(t *testing.T) {
	t.Parallel()
	for size := range 40 {
		want := size
		if size < len("c3-17+c") {
			want = len("c3-17")
		}
		require.Len(t, pad("c3-17", size), want)
	}
	require.Equal(t, "c3-17+c3-17c3", pad("c3-17", 13))
	require.Equal(t, "c3-17+7", short(pad("c3-17", 13)))
	require.Equal(t, "c3-17", short("c3-17"))
	require.Equal(t, "", short(""))
	for _, damaged := range []string{"c3-17+c3-17c4", "c3-17+", "+", "+c3", "c3-18+c3-17c3"} {
		require.Equal(t, damaged, short(damaged))
	}
	require.NotEqual(t, short(pad("c3-17", 100)), short(pad("c3-17", 99)))
	require.Equal(t, fmt.Sprintf("c1-2+%d", 995), short(pad("c1-2", 1000)))
}
