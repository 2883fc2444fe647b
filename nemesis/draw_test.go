package nemesis

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func drawSeed(seed uint64, stores int, points ...string) Schedule {
	rng := rand.New(rand.NewPCG(seed, 1))
	return Draw(rng, Families(), 20*time.Second, stores, Options{CrashPoints: points, ErrorPoints: []string{"errorA"}, States: []Awaited{{"merging", "merge"}, {State: "asleep"}}, PDs: 3})
}

func TestDrawRepeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		s := drawSeed(seed, 5, "crashB", "crashA")
		require.Equal(t, s.String(), drawSeed(seed, 5, "crashA", "crashB").String())
		back, err := ParseSchedule(s.String())
		require.NoError(t, err)
		require.Equal(t, s, back)
	}
	require.NotEqual(t, drawSeed(1, 5).String(), drawSeed(2, 5).String())
}

func TestDrawIsVariedAndBounded(t *testing.T) {
	t.Parallel()
	const seeds = 200
	runsWith := map[string]int{}
	several, isolated, leaders, pdOut, clientsCut := 0, 0, 0, 0, 0
	for seed := range uint64(seeds) {
		s := drawSeed(seed, 5, "crashA", "crashInSnapshot")
		require.NotEmpty(t, s)
		in := map[string]bool{}
		for _, e := range s {
			in[e.Fault.Name()] = true
			require.LessOrEqual(t, e.end(), 18*time.Second, "the end must be quiet")
			require.Equal(t, effectOf(e.Fault) != effectInstant, e.For > 0)
			if p, ok := e.Fault.(Partition); ok && !p.OneWay && p.First.Kind != WhomStores {
				isolated++
				if p.First.Kind == WhomLeader {
					leaders++
				}
				if p.PD == SideOut {
					pdOut++
				}
				if p.Clients != SideBoth {
					clientsCut++
				}
			}
		}
		for name := range in {
			runsWith[name]++
		}
		if len(in) > 2 {
			several++
		}
	}
	for _, f := range Families() {
		require.Greater(t, runsWith[f.Name], seeds/5, f.Name)
		require.Less(t, runsWith[f.Name], seeds, "swarm: %s must be missing in some runs", f.Name)
	}
	require.Greater(t, several, seeds*3/4)
	require.InDelta(t, 0.5, float64(leaders)/float64(isolated), 0.1)
	require.InDelta(t, 0.5, float64(pdOut)/float64(isolated), 0.1)
	require.InDelta(t, 0.25, float64(clientsCut)/float64(isolated), 0.1)
}

// TestDrawKeepsAMajorityUp adds up, at the start of each fault, what the schedule could have taken down.
func TestDrawKeepsAMajorityUp(t *testing.T) {
	t.Parallel()
	for _, stores := range []int{3, 4, 5, 9} {
		for seed := range uint64(100) {
			s := drawSeed(seed, stores, "crashA", "crashInSnapshot")
			for _, e := range s {
				down, armed := 0, 0
				for _, o := range s {
					single := (effectOf(o.Fault) == effectStores || arms(o.Fault)) && inner(o.Fault).String() != "kill all"
					if single && o.At <= e.At && e.At <= o.end() {
						down++
						if arms(o.Fault) {
							armed++
						}
					}
				}
				require.LessOrEqual(t, down, (stores-1)/2, "seed %d\n%s", seed, s)
				require.LessOrEqual(t, armed, 1)
			}
		}
	}
}

func TestDrawForSmallClusters(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		for _, e := range drawSeed(seed, 1, "crashA") {
			ofOne := []string{"kill", "split", "batch-split", "merge", "pd-kill", "pd-partition", "pd-leader-transfer", "pd-replay", "pause", "net", "disk", "clock"}
			require.Contains(t, ofOne, e.Fault.Name())
		}
		for _, e := range drawSeed(seed, 2, "crashA") {
			require.NotEqual(t, "crash-at", e.Fault.Name())
			if k, ok := e.Fault.(Kill); ok {
				require.Equal(t, WhomAll, k.Whom.Kind)
			}
		}
	}
}

func TestDrawForShortRuns(t *testing.T) {
	t.Parallel()
	families := Families()
	for _, f := range families {
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 2))
			s := Draw(rng, []Family{f}, 20*time.Millisecond, 3, Options{CrashPoints: []string{"crashA", "crashInSnapshot"}, States: []Awaited{{"merging", "merge"}}, PDs: 3})
			require.NotEmpty(t, s, "%s seed %d", f.Name, seed)
			require.LessOrEqual(t, s.Duration(), 20*time.Millisecond)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	require.Nil(t, Draw(rng, families, 0, 3, Options{}))
	require.Nil(t, Draw(rng, nil, time.Minute, 3, Options{}))
	crashes, err := ParseFamilies("crash-at")
	require.NoError(t, err)
	lags, err := ParseFamilies("lag")
	require.NoError(t, err)
	require.Nil(t, Draw(rng, crashes, time.Minute, 3, Options{}), "crash-at without crash points")
	for _, f := range append(lags, crashes...) {
		require.Contains(t, f.Unavailable(3, Options{}), "build with the failpoint overlay")
	}
}

// TestDrawForADriverOfOne: whatever is done to it is done to all of it, and it can't be cut off from itself.
func TestDrawForADriverOfOne(t *testing.T) {
	t.Parallel()
	families, err := ParseFamilies("pd-kill,pd-partition,pd-leader-transfer")
	require.NoError(t, err)
	require.Contains(t, families[2].Unavailable(3, Options{PDs: 1}), "needs 2 members")
	for _, pds := range []int{1, 3} {
		seen := map[string]bool{}
		for seed := range uint64(50) {
			for _, e := range Draw(rand.New(rand.NewPCG(seed, 1)), families, 20*time.Second, 3, Options{PDs: pds}) {
				seen[e.Fault.Name()] = true
				if k, ok := e.Fault.(KillPD); ok {
					seen[k.String()] = true
				}
				if p, ok := e.Fault.(PDPartition); ok {
					seen["members"] = seen["members"] || p.Members
					require.True(t, p.Members || p.Stores != 0)
				}
			}
		}
		require.Equal(t, pds > 1, seen["pd-leader-transfer"])
		require.Equal(t, pds > 1, seen["members"])
		require.Equal(t, pds > 1, seen["kill pd leader"])
		require.True(t, seen["kill pd"] && seen["pd-partition"])
	}
}

// TestDrawAimsAtBusyRegions: of thousands of regions, those in which clients work are hit, and others too.
func TestDrawAimsAtBusyRegions(t *testing.T) {
	t.Parallel()
	busy, others, far := 0, 0, 0
	opts := Options{Busy: []uint64{17, 4711}, Regions: 10_000}
	family, err := ParseFamilies("transfer-leader")
	require.NoError(t, err)
	for seed := range uint64(50) {
		for _, e := range Draw(rand.New(rand.NewPCG(seed, 1)), family, 20*time.Second, 3, opts) {
			switch r := e.Fault.(TransferLeader).Region; {
			case r == 17 || r == 4711:
				busy++
			case r >= opts.Regions:
				t.Fatalf("region(%d) of %d", r, opts.Regions)
			default:
				others++
				if r >= opts.Regions/2 {
					far++
				}
			}
		}
	}
	require.InDelta(t, busy, others, float64(busy+others)/5)
	require.InDelta(t, others-far, far, float64(others)/2)
}

// TestDrawWhereThereIsNoRoom: where every store holds every region, a schedule has a fault that needs no further store.
func TestDrawWhereThereIsNoRoom(t *testing.T) {
	t.Parallel()
	changed := 0
	for seed := range uint64(3000) {
		draw := func(full bool) Schedule {
			opts := Options{Full: full, CrashPoints: []string{"crashA"}}
			return Draw(rand.New(rand.NewPCG(seed, 1)), Families(), 5*time.Second, 3, opts)
		}
		room := slices.ContainsFunc(draw(false), func(e Entry) bool { return !needsRoom(e.Fault) })
		s := draw(true)
		require.True(t, slices.ContainsFunc(s, func(e Entry) bool { return !needsRoom(e.Fault) }), "seed %d: %v", seed, s)
		if room {
			require.Equal(t, draw(false), s, "nothing else changes")
			continue
		}
		changed++
		for _, e := range s {
			require.LessOrEqual(t, e.At+e.For, 4*time.Second)
		}
	}
	require.Positive(t, changed)
}

// TestFewFaultsDoSomething: where there are few faults, one of them does something whatever the cluster is at.
func TestFewFaultsDoSomething(t *testing.T) {
	t.Parallel()
	few := 0
	for seed := range uint64(300) {
		s := Draw(rand.New(rand.NewPCG(seed, 3)), Families(), 5*time.Second, 5, Options{})
		if len(s) > fewFaults {
			continue
		}
		few++
		require.True(t, len(s) == fewFaults || slices.ContainsFunc(s, func(e Entry) bool { return surelyBites(e.Fault) }), "seed %d: %v", seed, s)
		require.LessOrEqual(t, s[len(s)-1].At+s[len(s)-1].For, 4*time.Second)
	}
	require.Positive(t, few)
	some := []Family{}
	for _, f := range Families() {
		if f.Name == "transfer-leader" {
			some = append(some, f)
		}
	}
	s := Draw(rand.New(rand.NewPCG(1, 3)), some, time.Second, 5, Options{})
	require.NotEmpty(t, s)
	for _, e := range s {
		require.IsType(t, TransferLeader{}, e.Fault, "only what was asked for")
	}
}

// TestDrawForLongRuns: faults come until the end of a run, however long, and not more of them than a schedule may have.
func TestDrawForLongRuns(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{time.Hour, 24 * time.Hour} {
		for seed := range uint64(2) {
			s := Draw(rand.New(rand.NewPCG(seed, 0)), Families(), d, 5, Options{})
			require.LessOrEqual(t, len(s), drawnMax)
			require.Greater(t, s[len(s)-1].At, d*98/100)
		}
	}
}
