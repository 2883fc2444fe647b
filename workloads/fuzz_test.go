package workloads

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/nemesis"
)

// fuzzed is the run that FuzzSchedule makes: short, since the fuzzer gives up on what takes ten seconds, with room for replicas to
// move, and few clients, so that most of the code that it sees as new is of the faults' making.
func fuzzed(workload byte, seed uint16, faults []byte) Config {
	all := UsualWorkloads()
	cfg := Config{
		Workload: all[int(workload)%len(all)], Seed: uint64(seed), Duration: 1500 * time.Millisecond,
		Stores: 5, Replicas: 3, Regions: 3, Clients: 4,
	}
	members := drawKnobs(cfg).members.members
	schedule := nemesis.FromBytes(faults, nemesis.Families(), cfg.Duration, cfg.Stores, nemesis.Options{Clients: cfg.Clients, PDs: members})
	if cfg.Schedule = schedule.String(); cfg.Schedule != "" {
		cfg.Nemesis = nemesisNames()
	}
	return cfg
}

// FuzzSchedule: bytes decide when which faults strike whom, and each run must end well. What the fuzzer keeps is whatever made the
// store, the driver or the client do something that no run before did.
//
// Crash points need the failpoint overlay, so crash-at and lag are not among the faults.
func FuzzSchedule(f *testing.F) {
	// A seed for each family in its turn, alone and with a loss of power in it; those in testdata were found.
	for i := range nemesis.Families() {
		family := byte((i*256 + 128) / len(nemesis.Families()))
		f.Add(byte(i), uint16(i), []byte{90, 200, family, 7, 1, 3, 2, 9, 60, 120, 70, 40, 5, 1, 2, 3})
	}
	f.Fuzz(func(t *testing.T, workload byte, seed uint16, faults []byte) {
		cfg := fuzzed(workload, seed, faults)
		s, err := Run(cfg, nil)
		require.NoError(t, err)
		switch s.Verdict {
		case checker.OK:
		case checker.INCONCLUSIVE:
			t.Skip(strings.Join(s.Reasons, "; "))
		default:
			t.Errorf("%s %s seed %d: %s\nkind: %s\nschedule:\n%s%s", s.Verdict, s.Workload, s.Seed,
				strings.Join(s.Reasons, "; "), s.Kind, cfg.Schedule, keepFuzzed(t, cfg))
		}
	})
}

// keepFuzzed writes the folder of a run that failed, for `ordeal replay` and `ordeal shrink`, and says where. While the fuzzer is
// at work it does not: it makes many such runs until it has the smallest.
func keepFuzzed(t *testing.T, cfg Config) string {
	if f := flag.Lookup("test.fuzz"); f == nil || f.Value.String() != "" {
		return "run this test once more with the input that the fuzzer has written, and it leaves a folder to replay and shrink"
	}
	cfg.Out = filepath.Join("..", DefaultOut, t.Name())
	require.NoError(t, os.RemoveAll(cfg.Out))
	require.NoError(t, os.MkdirAll(cfg.Out, 0o755))
	_, err := Run(cfg, nil)
	require.NoError(t, err)
	return "replay: go run ./cmd/ordeal replay " + filepath.ToSlash(filepath.Join(DefaultOut, t.Name()))
}

// FuzzSummary: a run's folder may come from anywhere. Whatever its summary holds, reading it ends in a UsageError, or in a run that
// can be asked for by flags and whose summary reads the same again.
func FuzzSummary(f *testing.F) {
	good := Summary{Workload: "register", Seed: 7, Verdict: checker.OK, Flags: fuzzed(0, 7, nil).Flags()}
	b, err := encodeSummary(&good)
	require.NoError(f, err)
	f.Add(b, "+1s for 1s kill all\n")
	f.Add([]byte(strings.Replace(string(b), "register", "all", 1)), "")
	f.Add(b[:len(b)/2], "dance")
	f.Fuzz(func(t *testing.T, summary []byte, schedule string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, SummaryFile), summary, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ScheduleFile), []byte(schedule), 0o644))
		cfg, s, err := ReadConfig(dir)
		if err != nil {
			require.True(t, IsUsage(err), "%v", err)
			return
		}
		require.NoError(t, WriteSummary(dir, s))
		again, twice, err := ReadConfig(dir)
		require.NoError(t, err)
		require.Equal(t, cfg, again)
		want, err := json.Marshal(s)
		require.NoError(t, err)
		got, err := json.Marshal(twice)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
		require.NotEmpty(t, cfg.Args())
	})
}
