package store

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ordeal/checker"
	"ordeal/proto/metapb"
	"ordeal/system/engine"
	"ordeal/world"
)

// TestScripts runs the scripts in testdata: each is a story of the regions of a few stores, readable without the code.
// The commands are those of script.run. The script plays the network, the disks, the clients and the placement driver,
// and all the while the invariants of package checker are watched.
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) != ".txt" {
			return // an input of a fuzz target
		}
		t.Parallel()
		s := &script{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

// script is a cluster between two commands: nothing is under way but what is held, stalled or cut off.
type script struct {
	t        *testing.T
	out      strings.Builder
	cfg      Config
	machines []*machine
	pd       fakePD
	inv      *checker.Invariants
	// cuts are pairs of nodes, the lower first.
	cuts  map[[2]world.NodeID]bool
	traps []trap
	held  []letter
	// mail counts letters by kind since the last "mail"; reports are heartbeats of regions to PD.
	mail     map[string]int
	slept    string
	calls    []call
	nextCall world.CallID
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.t = t
	s.out.Reset()
	asked := s.nextCall
	switch d.Cmd {
	case "cluster", "stores":
		s.newCluster(d)
	case "add-store": // add-store sN [stalled]: one more machine
		s.addMachine(s.node(d.CmdArgs[0].Key), d.HasArg("stalled"))
	case "tick": // tick [sN...] [n=TIMES]: time passes for these stores, or for all
		s.tick(d)
	case "put", "get", "delete", "cas", "cad", "scan", "rscan", "mget", "mput", "delete-range": // put sN K V
		s.operate(s.machine(s.node(d.CmdArgs[0].Key)), append([]datadriven.CmdArg{{Key: d.Cmd}}, d.CmdArgs[1:]...))
	case "fill": // fill sN K n=COUNT [each]: puts K=1, K=2, ..., or K001=1, K002=2, ..., and prints the last answer
		s.fill(d)
	case "turn": // turn sN, and a line for each operation: they arrive together
		for _, line := range strings.Split(d.Input, "\n") {
			cmd, args, err := datadriven.ParseLine(line)
			s.must(err)
			s.operate(s.machine(s.node(d.CmdArgs[0].Key)), append([]datadriven.CmdArg{{Key: cmd}}, args...))
		}
	case "split", "change", "transfer", "merge", "check": // merge region=ID into=ID [seen-by=sN], split region=ID key=K or key=(K,...), with "right" too [on=sN], ...
		s.admin(d)
	case "pd":
		s.pdCommand(d)
	case "cut", "heal": // cut sN [sM|pd...]: from these, or from all other stores; heal without arguments heals all
		s.cut(d)
	case "hold", "copy", "drop", "drop-next", "deliver-late", "discard":
		s.letters(d)
	case "stall", "sync": // stall sN...: the disk completes no sync until "sync"; "sync-once" completes what was set so far
		for _, m := range s.these(d) {
			m.stalled = d.Cmd == "stall"
		}
	case "sync-once":
		for _, m := range s.these(d) {
			s.sync(m)
		}
	case "rot", "spoil":
		s.damage(d)
	case "crash", "restart", "compact": // crash sN [keep=durable|all|COUNT], restart sN, compact sN
		s.power(d)
	case "mail": // prints how many letters of each kind stores have sent since the last time
		s.countMail()
	case "regions", "data", "log", "sizes", "spools", "streams": // regions [sN...]
		for _, m := range s.these(d) {
			s.look(m, d.Cmd)
		}
	case "logs": // logs [sN...]: how many applied entries each log still holds
		for _, m := range s.these(d) {
			for _, v := range m.node.Peers() {
				s.say("s%d r%d keeps %d applied entries", m.id, v.Region.GetId(), v.Applied.Index-v.Truncated)
			}
		}
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	s.settle()
	s.waiting(asked)
	s.sleepers()
	s.checkInvariants()
	return s.out.String()
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) must(err error) {
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	s.must(err)
	return n
}

// node reads s3 or pd.
func (s *script) node(name string) world.NodeID {
	if name == "pd" {
		return pdNode
	}
	return world.NodeID(s.number(strings.TrimPrefix(name, "s")))
}

func (s *script) machine(id world.NodeID) *machine {
	for _, m := range s.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

// these are the stores that a command names, or all.
func (s *script) these(d *datadriven.TestData) []*machine {
	var ms []*machine
	for _, a := range d.CmdArgs {
		if len(a.Vals) == 0 {
			ms = append(ms, s.machine(s.node(a.Key)))
		}
	}
	if ms == nil {
		return s.machines
	}
	return ms
}

// bootTicksMax is how long a cluster may take to have a first region.
const bootTicksMax = 30

// newCluster boots stores: "stores n=3" prints what they do, "cluster stores=3" lets the first region have a peer on
// each of the first replicas= stores (3 if not given, or all) and prints nothing. log= is the length of log kept, hibernate= and
// report= are ticks until regions sleep, and between reports of those that do; without the first none sleep.
func (s *script) newCluster(d *datadriven.TestData) {
	s.cfg = DefaultConfig()
	s.cfg.RegionSplitBytes, s.cfg.RegionSplitKeys, s.cfg.TickInterval = 0, 0, time.Second
	s.cfg.HibernateTicks = 0
	s.pd = fakePD{next: 10, regions: map[uint64]*metapb.Region{}, refused: map[world.NodeID]bool{}, loud: d.Cmd == "stores"}
	s.inv = checker.NewInvariants(nil)
	s.machines, s.traps, s.held, s.calls = nil, nil, nil, nil
	s.cuts = map[[2]world.NodeID]bool{}
	s.mail, s.slept = map[string]int{}, ""
	n, replicas := 0, 3
	d.MaybeScanArgs(s.t, "n", &n)
	d.MaybeScanArgs(s.t, "stores", &n)
	d.MaybeScanArgs(s.t, "replicas", &replicas)
	d.MaybeScanArgs(s.t, "log", &s.cfg.LogEntriesMax)
	d.MaybeScanArgs(s.t, "log-bytes", &s.cfg.LogBytesMax)
	d.MaybeScanArgs(s.t, "log-cache", &s.cfg.LogCacheBytes)
	d.MaybeScanArgs(s.t, "waiting", &s.cfg.WaitingMax)
	d.MaybeScanArgs(s.t, "in-flight", &s.cfg.EntriesInFlightMax)
	d.MaybeScanArgs(s.t, "barriers", &s.cfg.BarriersMax)
	d.MaybeScanArgs(s.t, "hibernate", &s.cfg.HibernateTicks)
	d.MaybeScanArgs(s.t, "report", &s.cfg.HibernateReportTicks)
	d.MaybeScanArgs(s.t, "check", &s.cfg.ConsistencyCheckTicks)
	d.MaybeScanArgs(s.t, "split-bytes", &s.cfg.RegionSplitBytes)
	d.MaybeScanArgs(s.t, "split-keys", &s.cfg.RegionSplitKeys)
	d.MaybeScanArgs(s.t, "merge-bytes", &s.cfg.RegionMergeBytes)
	d.MaybeScanArgs(s.t, "merge-keys", &s.cfg.RegionMergeKeys)
	d.MaybeScanArgs(s.t, "rest", &s.cfg.MergeRestTicks)
	d.MaybeScanArgs(s.t, "look", &s.cfg.LookBytesPerTick)
	s.cfg.LeaseReads = d.HasArg("leases")
	d.MaybeScanArgs(s.t, "shards", &s.cfg.Shards)
	d.MaybeScanArgs(s.t, "chunk", &s.cfg.SnapshotChunkBytes)
	d.MaybeScanArgs(s.t, "window", &s.cfg.SnapshotWindow)
	d.MaybeScanArgs(s.t, "rate", &s.cfg.SnapshotBytesPerTick)
	d.MaybeScanArgs(s.t, "sending", &s.cfg.SnapshotsSendingMax)
	d.MaybeScanArgs(s.t, "receiving", &s.cfg.SnapshotsReceivingMax)
	for _, a := range d.CmdArgs {
		if a.Key == "lose" {
			s.pd.mute = a.Vals[0]
		}
	}
	for id := range n {
		s.addMachine(world.NodeID(id+1), false)
	}
	if d.Cmd == "stores" {
		return
	}
	s.settle()
	for range bootTicksMax {
		if len(s.machines[0].node.Peers()) > 0 {
			break
		}
		s.tickAll(1) // a store that is deaf so soon misses answers of the driver, and asks again
	}
	for id := 2; id <= min(n, replicas); id++ {
		// As small ids as there are: region 1 has peers 2, 3 and 4 on s1, s2 and s3.
		line := fmt.Sprintf("change region=1 add=s%d peer=%d", id, FirstPeer+id-1)
		cmd, args, err := datadriven.ParseLine(line)
		s.must(err)
		s.admin(&datadriven.TestData{Cmd: cmd, CmdArgs: args})
		s.settle()
		s.tickAll(3)
	}
	s.out.Reset()
}

func (s *script) addMachine(id world.NodeID, stalled bool) {
	m := &machine{id: id, disk: engine.NewSimDisk(), stalled: stalled}
	s.machines = append(s.machines, m)
	s.boot(m)
}

func (s *script) tick(d *datadriven.TestData) {
	n := 1
	d.MaybeScanArgs(s.t, "n", &n)
	for range n {
		s.tickThese(s.these(d))
	}
}

func (s *script) tickAll(n int) {
	for range n {
		s.tickThese(s.machines)
	}
}

func (s *script) tickThese(ms []*machine) {
	for _, m := range ms {
		m.now = m.now.Add(s.cfg.TickInterval)
		if !m.down {
			for i := range m.node.shards {
				m.inbox = append(m.inbox, arrival{i, world.Event{Kind: world.EventTimer, Token: tokenTick}})
			}
		}
	}
	s.settle()
}

func (s *script) fill(d *datadriven.TestData) {
	var n int
	d.ScanArgs(s.t, "n", &n)
	for i := range n {
		s.out.Reset()
		key := d.CmdArgs[1]
		if d.HasArg("each") {
			key.Key += fmt.Sprintf("%03d", i+1)
		}
		s.operate(s.machine(s.node(d.CmdArgs[0].Key)), []datadriven.CmdArg{{Key: "put"}, key, {Key: strconv.Itoa(i + 1)}})
		s.settle()
	}
}

func (s *script) cut(d *datadriven.TestData) {
	if len(d.CmdArgs) == 0 {
		clear(s.cuts)
		return
	}
	a := s.node(d.CmdArgs[0].Key)
	var others []world.NodeID
	for _, x := range d.CmdArgs[1:] {
		others = append(others, s.node(x.Key))
	}
	if others == nil {
		for _, m := range s.machines {
			others = append(others, m.id)
		}
	}
	for _, b := range others {
		s.cuts[[2]world.NodeID{min(a, b), max(a, b)}] = d.Cmd == "cut" && a != b
	}
}

// power: "crash sN [keep=all|keep=COMMITS]" keeps what is durable, and all else or so many commits more; "restart sN".
func (s *script) power(d *datadriven.TestData) {
	m := s.machine(s.node(d.CmdArgs[0].Key))
	switch d.Cmd {
	case "restart":
		s.boot(m)
		return
	case "compact": // at so many flushes a simulated disk compacts, and it flushes when it is opened
		for range 8 {
			s.must(m.disk.Close())
			s.boot(m)
		}
		return
	}
	keep := "durable"
	d.MaybeScanArgs(s.t, "keep", &keep)
	extra := uint64(0)
	switch keep {
	case "durable":
	case "all":
		extra = m.disk.Position()
	default:
		extra = s.number(keep)
	}
	s.crash(m, extra)
	s.hangUp(m)
}
