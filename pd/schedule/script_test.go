package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// The scripts in testdata/scripts put a cluster in and get operators out. Commands:
//
//	stores             below, one a line: s1 up|disconnected|down|offline|offline-dead|tombstone [busy] [receiving=N]
//	                   [full] [slow] [LABEL:VALUE...]
//	become             stores below, as above: what some of them have become, while everything else stays as it is
//	regions            below, one a line: those of the cluster
//	config [replicas=N] [operators=N] [per-store=N] [handovers=N] [handovers-per-store=N] [kind=KIND:N]
//	       [add-every=DURATION] [remove-every=DURATION] [labels=(A,B)] [tolerance=PERCENT] [split=BYTES] [merge=BYTES]
//	       [hot=BYTES] [no-leaders=STORE]
//	explain region=N   says why each store can be given no peer
//	check [with=NAME]  runs a checker, replica if none is named, on all regions and starts what it wants
//	balance-region [n=N], balance-leader [n=N], hot-region [n=N]   likewise, up to N times
//	evict-leader store=N [n=N], grant-leader store=N [n=N]   likewise
//	scatter region=N
//	cancel region=N
//	history
//	report             regions below, one a line: what the controller says to each
//	advance by=DURATION
//	operators
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := newScript()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type script struct {
	cluster  *core.Cluster
	states   []string
	ctl      *Controller
	limits   Limits
	now      world.Time
	lastID   uint64
	replicas int
	rules    Rules
	rng      *rand.Rand
}

func newScript() *script {
	s := &script{lastID: 1000, replicas: 3, rng: rand.New(rand.NewPCG(1, 2))}
	s.limits = Limits{OperatorsMax: 100, OperatorsPerStoreMax: 100, HandoversMax: 100, HandoversPerStoreMax: 100}
	s.reset()
	return s
}

func (s *script) reset() {
	s.cluster = core.NewCluster(core.Liveness{DisconnectAfter: 3 * time.Second, DownAfter: 10 * time.Second})
	s.ctl = NewController(s.limits)
	s.now = s.now.Add(time.Hour)
}

func (s *script) input() Input {
	snap := s.cluster.Snapshot(s.now)
	return Input{
		Snapshot: snap, Running: s.ctl.Running(snap), Rand: s.rng, Replicas: s.replicas, Timeout: 15 * time.Second,
		Rules:  s.rules,
		NextID: func() uint64 { s.lastID++; return s.lastID },
	}
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	n := 1
	d.MaybeScanArgs(t, "n", &n)
	switch d.Cmd {
	case "config":
		s.config(t, d)
		return ""
	case "stores":
		s.reset()
		s.states = strings.Split(strings.TrimSpace(d.Input), "\n")
		return s.stores(t, d, s.states)
	case "become":
		return s.stores(t, d, strings.Split(strings.TrimSpace(d.Input), "\n"))
	case "regions":
		s.reset()
		s.stores(t, d, s.states)
		return s.regions(t, d, func(*core.RegionInfo) string { return "" })
	case "report":
		return s.regions(t, d, s.report)
	case "explain":
		return s.explain(t, d)
	case "check":
		with := string(KindReplica)
		d.MaybeScanArgs(t, "with", &with)
		i := slices.IndexFunc(Checkers(), func(c Checker) bool { return c.Name == with })
		return s.start(s.cluster.RegionCount(), func(in Input, n int) *Operator { return Checkers()[i].Check(in, in.Snapshot.At(n)) })
	case string(KindBalanceRegion), string(KindBalanceLeader), string(KindHotRegion):
		i := slices.IndexFunc(Schedulers(), func(c Scheduler) bool { return c.Name == d.Cmd })
		return s.start(n, func(in Input, _ int) *Operator { return Schedulers()[i].Schedule(in) })
	case string(KindEvictLeader), string(KindGrantLeader), string(KindScatter), "cancel":
		return s.about(t, d, n)
	case "history":
		var out strings.Builder
		for _, end := range s.ctl.History() {
			out.WriteString(formatEnd(end))
		}
		return out.String()
	case "advance":
		return s.advance(t, d)
	case "operators":
		var out strings.Builder
		for _, o := range s.ctl.Operators() {
			fmt.Fprintf(&out, "%s [%d done]\n", o, o.Next())
		}
		return out.String()
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

// about runs what is about one store or region.
func (s *script) about(t *testing.T, d *datadriven.TestData, n int) string {
	var store, id uint64
	d.MaybeScanArgs(t, "store", &store)
	d.MaybeScanArgs(t, "region", &id)
	switch d.Cmd {
	case string(KindEvictLeader):
		return s.start(n, func(in Input, _ int) *Operator { return EvictLeader(in, store) })
	case string(KindGrantLeader):
		return s.start(n, func(in Input, _ int) *Operator { return GrantLeader(in, store) })
	case string(KindScatter):
		return s.start(1, func(in Input, _ int) *Operator { return Scatter(in, in.Snapshot.Region(id)) })
	}
	if end := s.ctl.Cancel(id, "people said so", s.now); end.Operator != nil {
		return formatEnd(end)
	}
	return "none\n"
}

func (s *script) config(t *testing.T, d *datadriven.TestData) {
	d.MaybeScanArgs(t, "replicas", &s.replicas)
	d.MaybeScanArgs(t, "operators", &s.limits.OperatorsMax)
	d.MaybeScanArgs(t, "per-store", &s.limits.OperatorsPerStoreMax)
	d.MaybeScanArgs(t, "handovers", &s.limits.HandoversMax)
	d.MaybeScanArgs(t, "handovers-per-store", &s.limits.HandoversPerStoreMax)
	var kind, add, remove string
	d.MaybeScanArgs(t, "kind", &kind)
	if name, most, ok := strings.Cut(kind, ":"); ok {
		n, err := strconv.Atoi(most)
		must(t, err)
		s.limits.OperatorsPerKindMax = map[Kind]int{Kind(name): n}
	}
	d.MaybeScanArgs(t, "add-every", &add)
	d.MaybeScanArgs(t, "remove-every", &remove)
	s.limits.AddPeer.Every, _ = time.ParseDuration(add)
	s.limits.RemovePeer.Every, _ = time.ParseDuration(remove)
	if d.HasArg("labels") {
		s.rules.LocationLabels = nil
		for _, arg := range d.CmdArgs {
			if arg.Key == "labels" {
				s.rules.LocationLabels = arg.Vals
			}
		}
	}
	d.MaybeScanArgs(t, "tolerance", &s.rules.TolerancePercent)
	d.MaybeScanArgs(t, "split", &s.rules.SplitBytes)
	d.MaybeScanArgs(t, "merge", &s.rules.MergeBytes)
	d.MaybeScanArgs(t, "hot", &s.rules.HotBytes)
	var relieved uint64
	d.MaybeScanArgs(t, "no-leaders", &relieved)
	if s.rules.NoLeaders = nil; relieved != 0 {
		s.rules.NoLeaders = []uint64{relieved}
	}
	s.ctl = NewController(s.limits)
}

// stores brings stores of the cluster into the states that lines say.
func (s *script) stores(t *testing.T, d *datadriven.TestData, lines []string) string {
	var out strings.Builder
	for _, line := range lines {
		var id uint64
		var state string
		if _, err := fmt.Sscanf(line, "s%d %s", &id, &state); err != nil {
			d.Fatalf(t, "store %q: %v", line, err)
		}
		silent := map[string]time.Duration{"disconnected": 5 * time.Second, "down": time.Minute, "offline-dead": time.Minute}
		seen := s.now.Add(-silent[state])
		stats := &pdpb.StoreStats{StoreId: id, IsBusy: strings.Contains(line, "busy")}
		if _, n, ok := strings.Cut(line, "receiving="); ok {
			fmt.Sscan(n, &stats.ReceivingSnapCount)
		}
		meta := pdtest.Store(id)
		for _, field := range strings.Fields(line) {
			if key, value, ok := strings.Cut(field, ":"); ok {
				meta.Labels = append(meta.Labels, &metapb.StoreLabel{Key: key, Value: value})
			}
		}
		if strings.Contains(line, "full") {
			stats.Capacity, stats.Available = 1000, 100
		}
		must(t, s.cluster.PutStore(proto.Clone(meta).(*metapb.Store), seen))
		must(t, s.cluster.HeartbeatStore(stats, seen))
		for i := 0; strings.Contains(line, "slow") && i < 5; i++ { // each of them comes four seconds after the last
			must(t, s.cluster.HeartbeatStore(stats, seen.Add(time.Duration(i-4)*4*time.Second)))
		}
		switch state {
		case "offline", "offline-dead":
			meta.State = metapb.StoreState_Offline
		case "tombstone":
			meta.State = metapb.StoreState_Tombstone
		}
		must(t, s.cluster.PutStore(meta, seen))
		info, _ := s.cluster.Store(id, s.now)
		fmt.Fprintf(&out, "s%d %s alive=%t\n", id, info.State, info.Alive)
	}
	return out.String()
}

func (s *script) regions(t *testing.T, d *datadriven.TestData, then func(*core.RegionInfo) string) string {
	var out strings.Builder
	for line := range strings.Lines(d.Input) {
		r, err := pdtest.Region(line)
		must(t, err)
		if _, err := s.cluster.ProcessHeartbeat(r); err != nil {
			fmt.Fprintln(&out, err)
			continue
		}
		out.WriteString(then(r))
	}
	return out.String()
}

func (s *script) report(r *core.RegionInfo) string {
	cmd, end := s.ctl.Dispatch(s.cluster.Snapshot(s.now), r)
	switch {
	case end.Operator != nil:
		return formatEnd(end)
	case cmd == nil:
		return fmt.Sprintf("r%d: nothing to do\n", r.ID())
	default:
		return FormatCommand(cmd) + "\n"
	}
}

func (s *script) explain(t *testing.T, d *datadriven.TestData) string {
	var id uint64
	d.ScanArgs(t, "region", &id)
	var out strings.Builder
	in := s.input()
	for i, why := range Explain(in, in.Snapshot.Region(id)) {
		fmt.Fprintf(&out, "s%d: %s\n", in.Snapshot.Stores()[i].ID(), why)
	}
	return out.String()
}

func (s *script) start(n int, decide func(in Input, i int) *Operator) string {
	var out strings.Builder
	for i := range n {
		o := decide(s.input(), i)
		if o == nil {
			continue
		}
		fmt.Fprintln(&out, o)
		if refused := s.ctl.Add(o); refused != "" {
			fmt.Fprintf(&out, "  refused: %s\n", refused)
		}
	}
	if out.Len() == 0 {
		return "none\n"
	}
	return out.String()
}

// advance lets time pass in which all stores go on as they are.
func (s *script) advance(t *testing.T, d *datadriven.TestData) string {
	var by string
	d.ScanArgs(t, "by", &by)
	step, err := time.ParseDuration(by)
	must(t, err)
	s.now = s.now.Add(step)
	for _, info := range s.cluster.Stores(s.now.Add(-step)) {
		if info.Alive {
			must(t, s.cluster.HeartbeatStore(info.Stats, s.now))
		}
	}
	var out strings.Builder
	for _, end := range s.ctl.Sweep(s.cluster.Snapshot(s.now)) {
		out.WriteString(formatEnd(end))
	}
	return out.String()
}

func formatEnd(e End) string {
	s := fmt.Sprintf("r%d %s %s", e.Operator.Region, e.Operator.Kind, e.Outcome)
	if e.Why != "" {
		s += ": " + e.Why
	}
	return s + "\n"
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
