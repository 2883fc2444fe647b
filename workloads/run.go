package workloads

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/world"
	"ordeal/world/sim"

	"ordeal/workloads/traffic"
)

// The bounds of what a healed cluster may take, in virtual time.
const (
	// recoverMax: until every region reads and writes, and every key was read.
	recoverMax = 30 * time.Second
	// recoverEach is how much longer the first may take for each region: they are visited one after another.
	recoverEach = 2 * time.Millisecond
	// settleMax: until every region has all its replicas again and they agree.
	settleMax = 120 * time.Second
	// answerMax: until stores have answered or given up all that clients asked for.
	answerMax = 10 * time.Second
	// drainMax: until clients have ended what they were doing.
	drainMax = 30 * time.Second
	// progressStep is how often, in virtual time, a run reports how far it is.
	progressStep = 100 * time.Millisecond
)

// Workloads returns the names of all workloads in the order in which they run.
func Workloads() []string { return traffic.Names() }

// UsualWorkloads returns the names of those that run unless others are asked for.
func UsualWorkloads() []string { return traffic.Usual() }

// run is one simulated run.
type run struct {
	cfg      Config
	progress func(Progress)
	wall     wallClock
	traceOut *os.File
	trace    *sim.Recorder

	w       *sim.World
	cluster *cluster.Sim
	watch   *watch
	load    traffic.Workload
	keys    *traffic.KeySet
	knobs   knobs
	// tune, if not nil, changes what the seed drew; benchmarks and tests use it.
	tune func(*knobs)

	schedule nemesis.Schedule
	// plan is what the schedule was drawn from, unavailable says which families could not be drawn, and why.
	plan        nemesis.Plan
	unavailable []string
	records     []nemesis.Record
	recs        []*checker.Recorder
	history     *checker.History
	// stream, if not nil, takes from recs what has settled; history is then what is left of it.
	stream   *streaming
	counts   checker.Counts
	rests    []Rest
	balance  *Balance
	stop     bool
	panicked bool
	// seen says that a violation was seen while the run was judged, cut that it ended early for that.
	seen, cut bool
	busy      int

	// chaos is when faults began and ended.
	chaosFrom, chaosTo world.Time
	verdict            checker.Verdict
	reasons            []string
	judged, witnessed  checker.Result
}

// Run makes one simulated run in this process, from start to verdict, and writes its folder.
func Run(cfg Config, progress func(Progress)) (*Summary, error) {
	r := &run{cfg: cfg, progress: progress, verdict: checker.OK, wall: startWall()}
	if r.progress == nil {
		r.progress = func(Progress) {}
	}
	defer r.close()
	if err := r.prepare(); err != nil {
		return nil, err
	}
	r.play()
	return r.finish()
}

// prepare checks what was asked for and builds the world; nothing has happened in it afterwards.
func (r *run) prepare() error {
	var err error
	if r.load, err = traffic.ByName(r.cfg.Workload); err != nil {
		return Usagef("%v", err)
	}
	if err := r.enableBug(); err != nil {
		return err
	}
	r.knobs = drawKnobs(r.cfg)
	if r.tune != nil {
		r.tune(&r.knobs)
	}
	simCfg := sim.Config{Seed: r.cfg.worldSeed(), Net: r.knobs.net, Disk: r.knobs.disk, TurnDelay: r.knobs.turn, ClockDrift: r.knobs.drift}
	if r.cfg.Trace != "" {
		if r.traceOut, err = os.Create(r.cfg.Trace); err != nil {
			return Usagef("trace: %v", err)
		}
		r.trace = sim.NewRecorder(r.traceOut)
		simCfg.OnEvent = r.trace.Record
	}
	r.w = sim.New(simCfg)
	r.watch = newWatch(r.w, r.cfg.Regions)
	cc := r.knobs.cluster(r.cfg)
	cc.Store.Listener = r.watch.listener()
	cc.PD.Listener = r.watch.driverListener()
	cc.PD.Listener.Reached = func(state string, _ uint64) { r.watch.reached.Reached(state) }
	if r.cluster, err = cluster.NewSim(r.w, cc); err != nil {
		return Usagef("%v", err)
	}
	r.watch.rotten, r.watch.sound = r.cluster.Rotten, r.cluster.Sound
	r.keys = traffic.NewKeySet()
	if err := r.drawSchedule(); err != nil {
		return err
	}
	if err := r.openStream(); err != nil {
		return err
	}
	return r.writeSchedule()
}

// writeSchedule puts the schedule into the run's folder before anything happens, so that a run that takes its process
// with it can be replayed.
func (r *run) writeSchedule() error {
	if r.cfg.Out == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(r.cfg.Out, ScheduleFile), []byte(r.schedule.String()), 0o644)
}

func (r *run) drawSchedule() error {
	var err error
	if r.cfg.Schedule != "" {
		r.schedule, err = nemesis.ParseSchedule(r.cfg.Schedule)
		if err != nil {
			return Usagef("schedule: %v", err)
		}
		return r.checkConditions()
	}
	if len(r.cfg.Nemesis) == 0 {
		return nil
	}
	families, err := nemesis.ParseFamilies(strings.Join(r.cfg.Nemesis, ","))
	if err != nil {
		return Usagef("%v", err)
	}
	rng := rand.New(rand.NewPCG(r.cfg.Seed, scheduleStream))
	opts := nemesis.Options{Clients: r.cfg.Clients, Full: r.cfg.Replicas == r.cfg.Stores, PDs: r.knobs.members.members, States: awaited}
	opts.CrashPoints, opts.ErrorPoints = nemesis.SplitPoints(r.cluster.Failpoints())
	if r.cfg.Regions > manyRegions {
		opts.Busy, opts.Regions = r.load.Busy(r.knobs.traffic), uint64(r.cfg.Regions)
	}
	opts.Light = r.cfg.Join > 0
	r.plan = nemesis.DrawPlan(rng, families, r.cfg.Duration, r.cfg.Stores, opts)
	r.schedule = r.plan.Schedule
	for _, f := range families {
		if why := f.Unavailable(r.cfg.Stores, opts); why != "" {
			r.unavailable = append(r.unavailable, why)
		}
	}
	if opts.Light {
		r.hurtDriver(rng, families)
	}
	return nil
}

// play goes through the phases of the run. A store that panics ends it: that is a verdict like any other, with what
// was recorded up to then as its evidence.
func (r *run) play() {
	defer func() {
		if p := recover(); p != nil {
			message, stack := fmt.Sprint(p), string(debug.Stack())
			var inProc sim.ProcPanic
			if err, ok := p.(error); ok && errors.As(err, &inProc) {
				message, stack = fmt.Sprintf("%s: %v", inProc.Proc, inProc.Value), inProc.Stack
			}
			r.panicked = true
			r.fail("a panic ended the run: %s", message)
			r.watch.note("panic: %s\n%s\n%s", message, stack, r.w.Evidence())
		}
	}()
	if err := r.cluster.Start(); err != nil {
		r.fail("%v", err)
		return
	}
	r.awaitRest(RestStart)
	r.startClients()
	r.chaosFrom = r.w.Now()
	r.hurt()
	r.chaosTo = r.w.Now()
	if r.cut {
		return
	}
	r.noteRest(RestChaos)
	r.heal()
	r.drain()
	if !r.probe() {
		return
	}
	r.finalReads()
	r.compare()
	r.judgePlacement()
	r.awaitRest(RestEnd)
}

// fail lowers the verdict to FAIL.
func (r *run) fail(format string, args ...any) {
	r.verdict = checker.FAIL
	r.reasons = append(r.reasons, fmt.Sprintf(format, args...))
}

// startClients sets the clients going, after the first of them has written what the workload expects.
func (r *run) startClients() {
	for i := range r.cfg.Clients {
		r.recs = append(r.recs, checker.NewRecorder(i))
	}
	if r.load.Setup != nil {
		r.client(0, r.load.Setup)
		r.await(func() bool { return r.busy > 0 }, drainMax)
	}
	for i := range r.cfg.Clients {
		r.client(i, r.load.Client)
	}
	r.witnessDriver()
}

// client runs a part of the workload as client i.
func (r *run) client(i int, do func(*traffic.Ctx)) {
	r.busy++
	node := cluster.FirstClient + world.NodeID(i)
	r.w.Go(node, fmt.Sprintf("c%d", i), func(p world.Proc) {
		defer func() { r.busy-- }()
		do(&traffic.Ctx{
			Proc: p, Client: r.cluster.ClientReading(p, r.knobs.readFrom[i]), Rec: r.recs[i], ID: i, Clients: r.cfg.Clients, Rand: p.Rand(),
			Stop: func() bool { return r.stop }, Keys: r.keys, Knobs: r.knobs.traffic, Model: r.load.Model, Fail: r.fail,
		})
	})
}

// await lets time pass while cond holds, for at most limit, and reports how far the run is. It says whether cond
// stopped holding.
func (r *run) await(cond func() bool, limit time.Duration) bool {
	end := r.w.Now().Add(limit)
	for {
		r.report()
		r.watch.checkSleepers(r.cluster, r.knobs.oversleepMax()+r.schedule.HoldUpMax())
		if r.w.RunWhile(cond, min(end, r.w.Now().Add(progressStep))) {
			return true
		}
		if r.w.Now() >= end {
			return false
		}
	}
}

func (r *run) report() {
	r.pull()
	r.seen = r.stream != nil && r.violated()
	n := 0
	for _, rec := range r.recs {
		n += rec.Len()
	}
	r.progress(Progress{VirtualS: r.w.Now().Seconds(), Ops: n, Faults: len(r.records)})
}

// hurt carries out the schedule while the clients work, for the duration that was asked for, or, if the run is judged while it
// goes on, up to the first violation: a soak has no end that is worth waiting for.
func (r *run) hurt() {
	done := false
	end := r.w.Now().Add(r.cfg.Duration)
	r.joinStores()
	r.w.Go(cluster.NemesisNode, "nemesis", func(p world.Proc) {
		r.records = nemesis.Run(p, r.cluster, r.schedule, r.cfg.Duration, r.record)
		done = true
	})
	unfinished := func() bool { return !done || r.w.Now() < end }
	r.await(func() bool { return !r.seen && unfinished() }, r.cfg.Duration+drainMax)
	r.cut = r.seen && unfinished()
	if !done && !r.cut {
		r.fail("the nemesis did not end within %v of its time", drainMax)
	}
}

// record keeps what is known of a fault as it strikes and as it ends, so that a run that a panic ends has it too.
func (r *run) record(rec nemesis.Record) {
	for i := range r.records {
		if r.records[i].Index == rec.Index {
			r.records[i] = rec
			return
		}
	}
	r.records = append(r.records, rec)
}

// heal ends all faults and makes the network a good one.
func (r *run) heal() {
	done := false
	r.w.SetNet(quietNet())
	r.w.Go(cluster.SetupNode, "heal", func(p world.Proc) {
		if _, err := nemesis.HealAll(p, r.cluster); err != nil {
			r.fail("healing: %v", err)
		}
		done = true
	})
	r.await(func() bool { return !done }, drainMax)
}

// drain ends the clients.
func (r *run) drain() {
	r.stop = true
	if !r.await(func() bool { return r.busy > 0 }, drainMax) {
		r.fail("%d clients did not end within %v of being told", r.busy, drainMax)
	}
}

// probe writes and reads in every region, which a healed cluster must serve within a bound.
func (r *run) probe() bool {
	failed := ""
	shares := probers(r.cluster.Regions())
	probing := len(shares)
	limit := recoverMax + time.Duration(r.cfg.Regions)*recoverEach
	deadline := r.w.Now().Add(limit)
	for _, share := range shares {
		r.w.Go(cluster.ProbeNode, "probe", func(p world.Proc) {
			if why := probeRegions(p, r.cluster, share, deadline); why != "" {
				failed = why
			}
			probing--
		})
	}
	if !r.await(func() bool { return probing > 0 }, limit+drainMax) {
		failed = "not every region served reads and writes"
	}
	if failed != "" {
		r.fail("%v after everything was healed: %s", limit, failed)
		return false
	}
	return true
}

// finalReads reads every key that was ever used.
func (r *run) finalReads() {
	var unread []string
	keys := r.keys.Used()
	for i := range r.cfg.Clients {
		mine := traffic.Share(keys, i, r.cfg.Clients)
		r.client(i, func(c *traffic.Ctx) { unread = append(unread, traffic.FinalReads(c, mine)...) })
	}
	r.await(func() bool { return r.busy > 0 }, recoverMax)
	if r.busy > 0 || len(unread) > 0 {
		r.fail("the final reads did not end within %v of healing: %d clients at work, %d keys not read", recoverMax, r.busy, len(unread))
	}
}

// compare lets the cluster come to rest and compares its replicas.
func (r *run) compare() {
	r.report()
	r.awaitGone()
	r.awaitCalm()
	if why := r.cluster.Settle(settleMax); why != "" {
		r.fail("the cluster is not at rest %v after everything was healed: %s", settleMax, why)
	}
	r.watch.compareReplicas(r.cluster.Replicas())
	for _, d := range r.cluster.Damages() {
		r.watch.inv.CheckRepaired(d.Store, d.What, d.Unnoticed)
		if d.Lost {
			r.watch.forget(d.Store) // its machine may be gone as well, so that it is no store of the cluster any more
		}
	}
	// All clients have gone: what they left behind is answered or given up.
	r.await(r.watch.anyWaiting, answerMax)
	r.watch.checkAnswered()
}
