package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/workloads"
)

// The files of a night.
const (
	// NightStateFile is what a night goes on from.
	NightStateFile = "nightly.json"
	// NightIndexFile is its page.
	NightIndexFile = "index.html"
	failuresFolder = "failures"
)

const (
	// groupsMax bounds how many ways of failing are told apart; runs that fail in yet other ways are only counted.
	groupsMax = 500
	// slugMax is the longest name of a folder of failures, in bytes, without what makes it unique.
	slugMax = 60
)

// nightState is all that is known of a night. Its size does not grow with the number of runs.
type nightState struct {
	// What the night is of; it can't go on as another one.
	Workloads []string         `json:"workloads"`
	Config    workloads.Config `json:"config"`
	Shard     int              `json:"shard"`
	Shards    int              `json:"shards"`

	// Base is the first seed. All runs below Next are made, and those Ahead of it.
	Base  uint64   `json:"base"`
	Next  uint64   `json:"next"`
	Ahead []uint64 `json:"ahead"`
	// Nights counts those that came to their end; ElapsedS is how long the one under way has taken, and NightFrom its first run.
	Nights    int       `json:"nights"`
	ElapsedS  float64   `json:"elapsed_s"`
	NightFrom uint64    `json:"night_from"`
	Begun     time.Time `json:"begun"`

	Runs     map[string]map[checker.Verdict]int `json:"runs"`
	VirtualS float64                            `json:"virtual_s"`
	WallS    float64                            `json:"wall_s"`
	Ops      workloads.Ops                      `json:"ops"`
	Faults   map[string]*nightFault             `json:"faults"`
	Groups   []*nightGroup                      `json:"groups"`
	// Others counts runs that failed in ways beyond groupsMax.
	Others int `json:"others"`
}

// nightFault counts the faults of a family.
type nightFault struct {
	Bit     int `json:"bit"`
	Applied int `json:"applied"`
	Skipped int `json:"skipped"`
}

// nightGroup is runs that are not OK in the same way.
type nightGroup struct {
	Verdict checker.Verdict `json:"verdict"`
	// Kind is the signature: that of the summary, or the words of the reason without what is special about one run.
	Kind  string    `json:"kind"`
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Run is the fastest of them, nil until it has a folder.
	Run     *nightRun `json:"run"`
	keeping bool
}

// nightRun is a run with a folder.
type nightRun struct {
	Workload string  `json:"workload"`
	Seed     uint64  `json:"seed"`
	WallS    float64 `json:"wall_s"`
	VirtualS float64 `json:"virtual_s"`
	Reason   string  `json:"reason"`
	// Dir is its folder, below that of the night.
	Dir string `json:"dir"`
	// Differs says how it was another run when it was made again, "" if it was the same.
	Differs string `json:"differs,omitempty"`
}

// openState reads the state of the night of a folder, or begins a new one. When the last one has come to its end, another one
// begins, with the seeds that follow.
func (n Night) openState(now time.Time) (*nightState, error) {
	file := filepath.Join(n.Out, NightStateFile)
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return n.newState(now)
	case err != nil:
		return nil, workloads.Usagef("%v; want another -out", err)
	}
	s := &nightState{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, workloads.Usagef("%s is damaged: %v; want another -out, or remove it", file, err)
	}
	if !slices.Equal(s.Workloads, n.Workloads) || !reflect.DeepEqual(s.Config, n.Base) || s.Shard != n.Shard || s.Shards != n.Shards {
		return nil, workloads.Usagef("%s is of a night with other flags: want the same ones to go on, or another -out", file)
	}
	if s.ElapsedS >= n.For.Seconds() || n.Runs > 0 && s.Next >= s.NightFrom+n.Runs {
		s.Nights, s.ElapsedS, s.NightFrom, s.Begun = s.Nights+1, 0, s.Next, now
	}
	return s, nil
}

func (n Night) newState(now time.Time) (*nightState, error) {
	entries, err := os.ReadDir(n.Out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, workloads.Usagef("folder %s cannot be used: %v; want another -out", n.Out, err)
	}
	if len(entries) > 0 {
		return nil, workloads.Usagef("folder %s is there and holds no %s, so it is not ours to use: move it, or want another -out", n.Out, NightStateFile)
	}
	if err := os.MkdirAll(n.Out, 0o755); err != nil {
		return nil, workloads.Usagef("folder %s cannot be made: %v; want another -out", n.Out, err)
	}
	return &nightState{
		Workloads: n.Workloads, Config: n.Base, Shard: n.Shard, Shards: n.Shards, Base: n.Seed, Begun: now,
		Runs: map[string]map[checker.Verdict]int{}, Faults: map[string]*nightFault{},
	}, nil
}

func (s *nightState) isAhead(index uint64) bool { return slices.Contains(s.Ahead, index) }

// finish notes that a run is made.
func (s *nightState) finish(index uint64) {
	s.Ahead = append(s.Ahead, index)
	slices.Sort(s.Ahead)
	for len(s.Ahead) > 0 && s.Ahead[0] == s.Next {
		s.Ahead = s.Ahead[1:]
		s.Next++
	}
	s.Ahead = slices.Clone(s.Ahead)
}

// count adds what a run came to.
func (s *nightState) count(r *workloads.Summary) {
	if s.Runs[r.Workload] == nil {
		s.Runs[r.Workload] = map[checker.Verdict]int{}
	}
	s.Runs[r.Workload][r.Verdict]++
	s.VirtualS, s.WallS = s.VirtualS+r.VirtualS, s.WallS+r.WallS
	s.Ops.OK, s.Ops.Failed, s.Ops.Unknown = s.Ops.OK+r.Ops.OK, s.Ops.Failed+r.Ops.Failed, s.Ops.Unknown+r.Ops.Unknown
	for _, f := range r.Faults {
		c := s.Faults[f.Kind]
		if c == nil {
			c = &nightFault{}
			s.Faults[f.Kind] = c
		}
		switch {
		case f.Skipped != "":
			c.Skipped++
		case f.Bit:
			c.Bit++
			c.Applied++
		default:
			c.Applied++
		}
	}
}

// group returns the group of a run that is not OK and counts it there; nil if there are too many.
func (s *nightState) group(r *workloads.Summary, now time.Time) *nightGroup {
	kind := r.Kind
	if kind == "" && len(r.Reasons) > 0 {
		kind = workloads.KindOf(r.Reasons[0])
	}
	i := slices.IndexFunc(s.Groups, func(g *nightGroup) bool { return g.Verdict == r.Verdict && g.Kind == kind })
	if i < 0 {
		if len(s.Groups) >= groupsMax {
			s.Others++
			return nil
		}
		i = len(s.Groups)
		s.Groups = append(s.Groups, &nightGroup{Verdict: r.Verdict, Kind: kind, First: now})
	}
	g := s.Groups[i]
	g.Count++
	g.Last = now
	return g
}

// ungroup takes back a run that will be made again, since it could not be kept.
func (s *nightState) ungroup(g *nightGroup) {
	if g.Count--; g.Count == 0 {
		s.Groups = slices.DeleteFunc(s.Groups, func(o *nightGroup) bool { return o == g })
	}
}

// folder is a name for the folder of a group: readable, and another one for each group.
func (g *nightGroup) folder() string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, string(g.Verdict)+" "+g.Kind)
	slug = strings.Join(strings.FieldsFunc(slug, func(r rune) bool { return r == '-' }), "-")
	h := fnv.New32a()
	h.Write([]byte(string(g.Verdict) + "\x00" + g.Kind))
	return fmt.Sprintf("%s-%08x", slug[:min(len(slug), slugMax)], h.Sum32())
}

// save writes the state and the page, each at once.
func (u *night) save() error {
	u.mu.Lock()
	u.state.ElapsedS = u.elapsed().Seconds()
	text, err := json.MarshalIndent(u.state, "", "  ")
	u.mu.Unlock()
	if err != nil {
		return fmt.Errorf("write the state of the night: %w", err)
	}
	page, err := u.summary().page()
	if err != nil {
		return fmt.Errorf("write the page of the night: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{NightStateFile, text}, {NightIndexFile, page}} {
		file := filepath.Join(u.Out, f.name)
		if err := os.WriteFile(file+".part", f.text, 0o644); err != nil {
			return fmt.Errorf("write the night: %w", err)
		}
		if err := os.Rename(file+".part", file); err != nil {
			return fmt.Errorf("write the night: %w", err)
		}
	}
	return nil
}

// worstFirst sorts groups: the worst verdict first, then the most frequent.
func worstFirst(groups []NightFailure) {
	slices.SortStableFunc(groups, func(a, b NightFailure) int {
		if a.Verdict != b.Verdict {
			if checker.Worst(a.Verdict, b.Verdict) == a.Verdict {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
}
