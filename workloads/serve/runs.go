package serve

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"ordeal/workloads"
)

const (
	// rowsMax is how many runs a list shows, summaryMax how large a summary may be, in bytes, and depthMax how deep below the
	// folder a run may lie: a run's smaller one is in a folder of its own.
	rowsMax, summaryMax, depthMax = 500, 16 << 20, 4
	shownMax                      = 240
)

// Run is a run of the folder.
type Run struct {
	*workloads.Summary
	// Path is its folder, seen from the one that is served.
	Path string
	At   time.Time
	// HasReport says that there is a page to look at.
	HasReport bool
}

// findRuns returns the runs below a folder, newest first, and the paths of summaries that could not be read.
func findRuns(dir fs.FS) (runs []Run, broken []string, err error) {
	err = fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			return nil // gone in the meantime, or not ours to read
		case e.IsDir() && strings.Count(name, "/") >= depthMax:
			return fs.SkipDir
		case e.IsDir() || e.Name() != workloads.SummaryFile:
			return nil
		}
		run, err := readRun(dir, path.Dir(name))
		if err != nil {
			broken = append(broken, name)
			return nil
		}
		runs = append(runs, run)
		return nil
	})
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Path, b.Path)) })
	return runs, broken, err
}

// readRun reads the run of a folder.
func readRun(dir fs.FS, name string) (Run, error) {
	file := path.Join(name, workloads.SummaryFile)
	if !fs.ValidPath(file) {
		return Run{}, fmt.Errorf("no path within the folder: %w", fs.ErrNotExist)
	}
	info, err := fs.Stat(dir, file)
	if err != nil {
		return Run{}, errors.New("it has no " + workloads.SummaryFile)
	}
	if info.Size() > summaryMax {
		return Run{}, fmt.Errorf("its %s has %d bytes, more than any of ours", workloads.SummaryFile, info.Size())
	}
	b, err := fs.ReadFile(dir, file)
	if err != nil {
		return Run{}, err
	}
	r := Run{Summary: &workloads.Summary{}, Path: name, At: info.ModTime()}
	if err := json.Unmarshal(b, r.Summary); err != nil {
		return Run{}, fmt.Errorf("its %s is damaged: %w", workloads.SummaryFile, err)
	}
	_, err = fs.Stat(dir, path.Join(name, workloads.ReportFile))
	r.HasReport = err == nil
	return r, nil
}

// values are what a run has of what a filter is about.
func (r Run) values(filter string) []string {
	switch filter {
	case "verdict":
		return []string{string(r.Verdict)}
	case "workload":
		return []string{r.Workload}
	case "bug":
		if r.Flags.Bug == "" {
			return nil
		}
		return []string{r.Flags.Bug}
	default:
		kinds := map[string]int{}
		for _, f := range r.Faults {
			if f.Skipped == "" {
				kinds[f.Kind]++
			}
		}
		return sortedKeys(kinds)
	}
}

// passes says whether a run has what each filter of a query asks for.
func (r Run) passes(q url.Values) bool {
	for _, filter := range []string{"verdict", "workload", "fault", "bug"} {
		if want := q.Get(filter); want != "" && !slices.Contains(r.values(filter), want) {
			return false
		}
	}
	return true
}

// Why is the first reason of a verdict, cut.
func (r Run) Why() string {
	if len(r.Reasons) == 0 {
		return ""
	}
	return cut(r.Reasons[0])
}

// When is when the run was written.
func (r Run) When() string { return r.At.Format("2006-01-02 15:04:05") }

// Class is the verdict as the style sheet has it.
func (r Run) Class() string { return strings.ToLower(string(r.Verdict)) }

// Total is how many operations there were, Bit how many faults had an effect.
func (r Run) Total() int { return r.Ops.OK + r.Ops.Failed + r.Ops.Unknown }

// Bit is how many faults had an effect.
func (r Run) Bit() int {
	n := 0
	for _, f := range r.Faults {
		if f.Bit {
			n++
		}
	}
	return n
}

func cut(s string) string {
	if r := []rune(s); len(r) > shownMax {
		return string(r[:shownMax]) + "…"
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// listView is what the list shows.
type listView struct {
	Folder                            string
	All, Found                        int
	Runs                              []Run
	Broken                            []string
	Verdicts, Workloads, Faults, Bugs []choice
}

// comparison is two runs side by side.
type comparison struct {
	A, B   Run
	Groups []group
}

type group struct {
	Name string
	Rows []row
}

// row is what both runs have of something.
type row struct {
	Name, A, B string
	Differs    bool
}

func newComparison(a, b Run) comparison {
	c := comparison{A: a, B: b}
	add := func(name string, rows ...row) {
		rows = slices.DeleteFunc(rows, func(r row) bool { return r.A == "" && r.B == "" })
		for i := range rows {
			rows[i].Differs = rows[i].A != rows[i].B
		}
		c.Groups = append(c.Groups, group{name, rows})
	}
	both := func(name string, of func(Run) any) row {
		return row{Name: name, A: fmt.Sprint(of(a)), B: fmt.Sprint(of(b))}
	}
	add("outcome", both("verdict", func(r Run) any { return r.Verdict }), both("way of failing", func(r Run) any { return r.Kind }),
		both("reasons", func(r Run) any { return cut(strings.Join(r.Reasons, "; ")) }), both("trace hash", func(r Run) any { return r.TraceHash }))
	add("what was asked for", both("workload", func(r Run) any { return r.Workload }), both("seed", func(r Run) any { return r.Seed }),
		both("faults", func(r Run) any { return strings.Join(r.Flags.Nemesis, ", ") }), both("planted bug", func(r Run) any { return r.Flags.Bug }),
		both("duration", func(r Run) any { return r.Flags.Duration }), both("stores", func(r Run) any { return r.Flags.Stores }),
		both("replicas", func(r Run) any { return r.Flags.Replicas }), both("regions", func(r Run) any { return r.Flags.Regions }),
		both("clients", func(r Run) any { return r.Flags.Clients }), both("luck", func(r Run) any { return r.Flags.Luck }),
		both("plain", func(r Run) any { return strings.Join(r.Flags.Plain, ", ") }))
	add("operations", both("ok", func(r Run) any { return r.Ops.OK }), both("failed", func(r Run) any { return r.Ops.Failed }),
		both("unknown", func(r Run) any { return r.Ops.Unknown }), both("virtual time", func(r Run) any { return fmt.Sprintf("%.1f s", r.VirtualS) }),
		both("wall time", func(r Run) any { return fmt.Sprintf("%.2f s", r.WallS) }), both("events", func(r Run) any { return r.Events }))
	add("faults that bit, of those that struck", pairs(bitten(a), bitten(b))...)
	add("operators of the placement driver", pairs(operators(a), operators(b))...)
	return c
}

// bitten is how many faults of each kind bit.
func bitten(r Run) map[string]string {
	hit, all := map[string]int{}, map[string]int{}
	for _, f := range r.Faults {
		if f.Skipped != "" {
			continue
		}
		all[f.Kind]++
		if f.Bit {
			hit[f.Kind]++
		}
	}
	text := map[string]string{}
	for _, k := range sortedKeys(all) {
		text[k] = fmt.Sprintf("%d of %d", hit[k], all[k])
	}
	return text
}

func operators(r Run) map[string]string {
	text := map[string]string{}
	for k, n := range r.Operators {
		text[string(k)] = fmt.Sprint(n)
	}
	return text
}

// pairs are rows for all that either of two runs has.
func pairs(a, b map[string]string) []row {
	names := slices.Concat(sortedKeys(a), sortedKeys(b))
	slices.Sort(names)
	var rows []row
	for _, name := range slices.Compact(names) {
		rows = append(rows, row{Name: name, A: a[name], B: b[name]})
	}
	return rows
}
