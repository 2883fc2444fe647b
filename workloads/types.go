// Package workloads is what clients do to a cluster while a nemesis hurts it, and one whole run of that: a simulated
// cluster is started, loaded, hurt, healed, read back and judged, in this process and on one goroutine.
//
// A run is made of a Config and ends in a Summary; the same Config in the same binary gives the same trace. Two doors
// lead here, `ordeal run` and `go test`, and both share the flags of this package and package workloads/driver, which
// spreads many runs over processes.
package workloads

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ordeal/checker"
	"ordeal/internal/reach"
	"ordeal/pd/schedule"
)

// Config is everything that decides what a run does.
type Config struct {
	Workload string `json:"workload"`
	Seed     uint64 `json:"seed"`
	// Nemesis is the fault families to draw from, in the order of nemesis.Families; none if empty.
	Nemesis []string `json:"nemesis"`
	// Duration is how long clients are busy and faults strike, in virtual time.
	Duration time.Duration `json:"duration_ns"`
	Stores   int           `json:"stores"`
	Replicas int           `json:"replicas"`
	Regions  int           `json:"regions"`
	Clients  int           `json:"clients"`
	// Join is how many of the stores join while clients work, when the others are full.
	Join int `json:"join,omitempty"`
	// Bug is the planted bug to switch on, "" for none.
	Bug string `json:"bug,omitempty"`
	// Luck draws everything anew but knobs and faults, which are the seed's alone; 0 is the seed's own.
	Luck uint64 `json:"luck,omitempty"`
	// Plain are groups of knobs, of Plains, that are as usual, whatever the seed draws.
	Plain []string `json:"plain,omitempty"`
	// Checker judges the history; "" is checker.Auto.
	Checker checker.Engine `json:"checker,omitempty"`
	// Stream judges and writes the history while the run goes on, so that memory does not grow with its length. Checker
	// then judges only what failed, once more.
	Stream bool `json:"stream,omitempty"`
	// Out is the folder that the run writes its files to; it exists. "" writes none.
	Out string `json:"out,omitempty"`
	// Schedule is the text of the schedule to carry out; "" draws one from the seed.
	Schedule string `json:"schedule,omitempty"`
	// Trace is a file that gets a line for every event that goes into the trace hash; "" for none.
	Trace string `json:"trace,omitempty"`
}

// Flags is the part of a Config that a summary keeps: with workload, seed and schedule it repeats the run.
type Flags struct {
	Nemesis  []string `json:"nemesis"`
	Duration string   `json:"duration"`
	Stores   int      `json:"stores"`
	Replicas int      `json:"replicas"`
	Regions  int      `json:"regions"`
	Clients  int      `json:"clients"`
	Join     int      `json:"join,omitempty"`
	Bug      string   `json:"bug,omitempty"`
	Luck     uint64   `json:"luck,omitempty"`
	Plain    []string `json:"plain,omitempty"`

	Checker checker.Engine `json:"checker,omitempty"`
	Stream  bool           `json:"stream,omitempty"`
}

// Flags returns what a summary keeps of the configuration.
func (c Config) Flags() Flags {
	return Flags{
		Nemesis: append([]string{}, c.Nemesis...), Duration: c.Duration.String(), Stores: c.Stores,
		Replicas: c.Replicas, Regions: c.Regions, Clients: c.Clients, Join: c.Join, Bug: c.Bug,
		Luck: c.Luck, Plain: c.Plain, Checker: c.Checker, Stream: c.Stream,
	}
}

// worldSeed is what the simulation draws from.
func (c Config) worldSeed() uint64 { return c.Seed ^ c.Luck*0x9e3779b97f4a7c15 }

// Name is workload-seed, or workload-seed-bug: the name of the run's folder.
func (c Config) Name() string {
	name := fmt.Sprintf("%s-%d", c.Workload, c.Seed)
	if c.Bug != "" {
		name += "-" + c.Bug
	}
	return name
}

// Ops counts client operations by outcome.
type Ops struct {
	OK      int `json:"ok"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
}

// Fault is one fault of a run with the evidence of what it did.
type Fault struct {
	// Kind is the fault's family.
	Kind string `json:"kind"`
	// Fault is its source text, as in the schedule.
	Fault string `json:"fault"`
	// AtS and HealS are when it struck and was over, in virtual seconds.
	AtS   float64 `json:"at_s"`
	HealS float64 `json:"heal_s"`
	// Receipt is the evidence in words.
	Receipt string `json:"receipt,omitempty"`
	// Bit says that it had an effect.
	Bit bool `json:"bit"`
	// Skipped is why it could not strike, "" if it was tried.
	Skipped string `json:"skipped,omitempty"`
}

// Summary is what a run came to. It is written to the run's folder as summary.json.
type Summary struct {
	Workload string          `json:"workload"`
	Seed     uint64          `json:"seed"`
	Flags    Flags           `json:"flags"`
	Verdict  checker.Verdict `json:"verdict"`
	// Reasons says in plain words why the verdict is not OK.
	Reasons []string `json:"reasons"`
	// Kind names the way in which the run has failed, the same for runs that fail alike; "" if it has not.
	Kind   string  `json:"kind,omitempty"`
	Ops    Ops     `json:"ops"`
	Faults []Fault `json:"faults"`
	// Rests says how many peers slept, at those moments of the run that it came to.
	Rests []Rest `json:"rests,omitempty"`
	// Operators counts what the placement driver has begun, by kind.
	Operators map[schedule.Kind]int `json:"operators,omitempty"`
	// Reached is how often the run came to each state that is declared in the code; nil if it died.
	Reached reach.Counts `json:"reached,omitempty"`
	// Balance says how peers were moved, if stores joined and the run came to its end.
	Balance *Balance `json:"balance,omitempty"`
	// VirtualS is how long the run took on the cluster's clocks, WallS on ours; both in seconds.
	VirtualS float64 `json:"virtual_s"`
	WallS    float64 `json:"wall_s"`
	// Events is how many events the simulation handled.
	Events uint64 `json:"events"`
	// TraceHash stands for all of them in their order, in hexadecimal; "" if the run did not end.
	TraceHash string `json:"trace_hash"`
	// RunDir is the run's folder, "" if there is none.
	RunDir string `json:"run_dir,omitempty"`
}

// Progress is how far a run is. A run reports it several times a second of wall-clock time; one that falls silent for
// minutes is taken for stuck.
type Progress struct {
	VirtualS float64 `json:"virtual_s"`
	Ops      int     `json:"ops"`
	Faults   int     `json:"faults"`
}

// The exit codes of every command.
const (
	ExitOK = iota
	ExitFail
	ExitUsage
	ExitUnknown
)

// ExitCode is the exit code that tells a verdict.
func ExitCode(v checker.Verdict) int {
	switch v {
	case checker.OK:
		return ExitOK
	case checker.FAIL:
		return ExitFail
	default:
		return ExitUnknown
	}
}

// UsageError is a mistake of the person who asked: its one line says what is wrong and what is allowed.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// IsUsage says whether err is, or wraps, a UsageError.
func IsUsage(err error) bool {
	var usage *UsageError
	return errors.As(err, &usage)
}

// The files of a run's folder.
const (
	SummaryFile  = "summary.json"
	ScheduleFile = "schedule.txt"
	HistoryFile  = "history.jsonl"
	ReportFile   = "report.html"
	// CrashFile is the standard error of a process that died in the run.
	CrashFile = "crash.txt"
)

// WriteSummary writes summary.json into the run's folder, replacing one that is there all at once.
func WriteSummary(dir string, s *Summary) error {
	b, err := encodeSummary(s)
	if err != nil {
		return fmt.Errorf("write summary of %s: %w", dir, err)
	}
	part := filepath.Join(dir, SummaryFile+".part")
	if err := os.WriteFile(part, b, 0o644); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	if err := os.Rename(part, filepath.Join(dir, SummaryFile)); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
