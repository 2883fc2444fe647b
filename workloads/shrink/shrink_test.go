package shrink

import (
	"context"
	"errors"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/nemesis"
	"ordeal/workloads"
)

const schedule = `+0.500s for 1.000s partition isolate(store(1))
+1.000s for 0.800s kill store(2)
+1.500s split region(0)
+2.000s for 1.000s kill all
+6.000s merge region(0) left
`

func failing() Found {
	return Found{
		Config: workloads.Config{
			Workload: "register", Seed: 7, Duration: 10 * time.Second, Stores: 5, Replicas: 3, Regions: 4, Clients: 8,
			Nemesis: []string{"partition", "kill", "split", "merge"}, Schedule: schedule, Out: "out/register-7",
		},
		Summary: &workloads.Summary{Verdict: checker.FAIL, Kind: "linearizability"},
	}
}

// world pretends to run: fails says whether a run fails, and in which way.
func world(fails func(workloads.Config, nemesis.Schedule) string) Runner {
	return func(ctx context.Context, cfgs []workloads.Config, fits func(*workloads.Summary) bool) (int, *workloads.Summary, error) {
		for i, cfg := range cfgs {
			s, err := nemesis.ParseSchedule(cfg.Schedule)
			if err != nil || ctx.Err() != nil {
				return 0, nil, err
			}
			sum := &workloads.Summary{Verdict: checker.OK}
			if kind := fails(cfg, s); kind != "" {
				sum = &workloads.Summary{Verdict: checker.FAIL, Kind: kind}
			}
			if fits(sum) {
				return i, sum, nil
			}
		}
		return 0, nil, nil
	}
}

func has(s nemesis.Schedule, text string) bool {
	for _, e := range s {
		if e.Fault.String() == text {
			return true
		}
	}
	return false
}

// A bug that needs a kill, two clients, a bad disk and 3 s is left with just that.
func TestShrinkLeavesWhatIsNeeded(t *testing.T) {
	t.Parallel()
	told, less := 0, 0
	s := &Shrinker{Run: world(func(cfg workloads.Config, s nemesis.Schedule) string {
		for _, p := range cfg.Plain {
			if p == "disk" {
				return ""
			}
		}
		if has(s, "kill all") && cfg.Clients >= 2 && cfg.Duration >= 3*time.Second {
			return "linearizability"
		}
		return ""
	}), Told: func(p Progress) {
		told++
		if p.Less != "" {
			less++
		}
	}}
	got, err := s.Shrink(t.Context(), failing())
	require.NoError(t, err)
	c := got.Config
	require.Equal(t, "+2.000s for 0.031s kill all\n", c.Schedule)
	require.Equal(t, 2, c.Clients)
	require.Equal(t, 1, c.Regions)
	require.Equal(t, 3, c.Stores)
	require.Less(t, c.Duration, 4*time.Second)
	require.ElementsMatch(t, []string{"net", "clocks", "shards", "sleep", "reads", "buffers", "sizes", "driver"}, c.Plain)
	require.Empty(t, c.Out)
	require.Zero(t, c.Luck, "no luck was needed")
	require.Greater(t, told, less)
	require.Positive(t, less)
}

// A bug that was met late is met soon when what came before is left out; a fault that had begun before still lasts.
func TestShrinkLeavesOutWhatCameBefore(t *testing.T) {
	t.Parallel()
	from := failing()
	from.Config.Duration = time.Minute
	from.Config.Schedule = "+0.500s for 1.000s kill all\n+20.000s for 30.000s kill store(2)\n+45.500s split region(0)\n"
	runs := 0
	s := &Shrinker{Run: world(func(cfg workloads.Config, s nemesis.Schedule) string {
		if runs++; has(s, "kill store(2)") && has(s, "split region(0)") {
			return "linearizability"
		}
		return ""
	})}
	got, err := s.Shrink(t.Context(), from)
	require.NoError(t, err)
	require.Equal(t, "+0.000s for 0.025s kill store(2)\n+0.032s split region(0)\n", got.Config.Schedule)
	require.Less(t, got.Config.Duration, 2*time.Second)
	require.Less(t, runs, 300)
}

// Another way of failing is another bug.
func TestShrinkKeepsTheKind(t *testing.T) {
	t.Parallel()
	s := &Shrinker{Run: world(func(cfg workloads.Config, s nemesis.Schedule) string {
		if cfg.Clients < 8 {
			return "one leader per term"
		}
		return "linearizability"
	})}
	got, err := s.Shrink(t.Context(), failing())
	require.NoError(t, err)
	require.Equal(t, 8, got.Config.Clients)
	require.Empty(t, got.Config.Schedule, "it needs no fault")
	require.Empty(t, got.Config.Nemesis, "or faults would be drawn")
}

// Where a smaller run needs other luck it gets some.
func TestShrinkTriesItsLuck(t *testing.T) {
	t.Parallel()
	s := &Shrinker{Run: world(func(cfg workloads.Config, s nemesis.Schedule) string {
		if cfg.Clients == 8 || cfg.Luck > 0 {
			return "linearizability"
		}
		return ""
	})}
	got, err := s.Shrink(t.Context(), failing())
	require.NoError(t, err)
	require.Equal(t, 1, got.Config.Clients)
	require.Positive(t, got.Config.Luck)
}

func TestShrinkEndsInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &Shrinker{Run: world(func(cfg workloads.Config, _ nemesis.Schedule) string {
		if cfg.Clients < 8 {
			cancel()
		}
		return ""
	})}
	got, err := s.Shrink(ctx, failing())
	require.NoError(t, err, "what has been found so far will do")
	require.Equal(t, schedule, got.Config.Schedule)
}

func TestShrinkSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	fine := failing()
	fine.Summary = &workloads.Summary{Verdict: checker.OK}
	_, err := (&Shrinker{}).Shrink(t.Context(), fine)
	require.EqualError(t, err, "the run ended OK: only one that failed can be made smaller")
	require.True(t, workloads.IsUsage(err))

	broken := errors.New("no space left")
	s := &Shrinker{Run: func(context.Context, []workloads.Config, func(*workloads.Summary) bool) (int, *workloads.Summary, error) {
		return 0, nil, broken
	}}
	_, err = s.Shrink(t.Context(), failing())
	require.ErrorIs(t, err, broken)
}

func TestRegressionTestIsGo(t *testing.T) {
	t.Parallel()
	f := failing()
	f.Config.Bug, f.Config.Plain, f.Config.Luck = "stale-read", []string{"net"}, 2
	text, err := f.RegressionTest()
	require.NoError(t, err)
	_, err = parser.ParseFile(token.NewFileSet(), "x_test.go", text, parser.AllErrors)
	require.NoError(t, err)
	for _, want := range []string{
		"func TestRegister7StaleRead(t *testing.T)", "Test" + "Register7StaleRead failed once: linearizability.",
		`Nemesis: []string{"partition", "kill", "split", "merge"}`, `"+1.500s split region(0)\n"`, "Duration: 10000000000", "Luck: 2",
	} {
		require.Contains(t, strings.Join(strings.Fields(string(text)), " "), want)
	}
	f.Config.Schedule, f.Config.Nemesis = "", nil
	_, err = f.RegressionTest()
	require.NoError(t, err)
}
