package driver

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

func smallGallery(t *testing.T) Gallery {
	opts, err := workloads.RegisterFlags(newFlagSet()).Options()
	require.NoError(t, err)
	return Gallery{Bugs: workloads.Bugs()[:2], Seed: 1, Bases: 3, Seeds: 4, Base: opts.Base, Out: t.TempDir()}
}

func TestSearchStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	g, p := smallGallery(t), testPool(t, 1)
	for _, c := range []struct {
		from            uint64
		runs, unknown   int
		found           bool
		seed            uint64
		reason, differs string
	}{
		{from: seedOK, runs: 2, found: true, seed: seedViolation, reason: "a stale read of k1"},
		{from: seedPanic, runs: 1, found: true, seed: seedPanic, reason: "panic: the store broke", differs: "there is no trace to compare"},
		{from: seedFickle, runs: 1, found: true, seed: seedFickle, differs: "has become process"},
		{from: 100, runs: 4},
	} {
		s := Search{Bug: "stale-read", From: c.from}
		require.NoError(t, g.search(t.Context(), p, p.binary, &s))
		require.Equal(t, c.found, s.Found)
		require.Equal(t, c.runs, s.Runs)
		require.Equal(t, c.seed, s.Seed)
		require.Contains(t, s.Reason, c.reason)
		require.Contains(t, s.Differs, c.differs)
		require.Equal(t, c.differs == "", s.Differs == "")
		if c.found {
			_, recorded, err := workloads.ReadConfig(s.RunDir)
			require.NoError(t, err)
			require.Equal(t, checker.FAIL, recorded.Verdict)
		}
	}
	s := Search{Bug: "stale-read", From: seedError}
	g.Seeds = 1
	require.NoError(t, g.search(t.Context(), p, p.binary, &s))
	require.False(t, s.Found)
	require.Equal(t, 1, s.Unknown, "a run that could not be made has not found the bug")

	require.NoError(t, g.CheckOut())
	require.NoError(t, os.MkdirAll(filepath.Join(g.Out, GalleryFolder, "thesis", "years"), 0o755))
	require.True(t, workloads.IsUsage(g.CheckOut()))
}

func TestSearchesAndTheirRuns(t *testing.T) {
	t.Parallel()
	g := smallGallery(t)
	all := g.searches()
	require.Len(t, all, 6)
	require.Equal(t, []uint64{1, 1 + baseStep, 1 + 2*baseStep}, []uint64{all[0].From, all[1].From, all[2].From})
	cfgs, err := g.configs(all[1])
	require.NoError(t, err)
	require.Len(t, cfgs, 4)
	require.Equal(t, "register", cfgs[3].Workload)
	require.Equal(t, []string{"partition", "kill", "transfer-leader"}, cfgs[3].Nemesis)
	require.Equal(t, uint64(4+baseStep), cfgs[3].Seed)
	require.Equal(t, "stale-read", cfgs[3].Bug)
	g.Workloads, g.Nemesis = []string{"scan", "churn"}, []string{"split"}
	cfgs, err = g.configs(all[1])
	require.NoError(t, err)
	require.Len(t, cfgs, 8)
	require.Equal(t, []string{"scan", "churn"}, []string{cfgs[0].Workload, cfgs[1].Workload})
	require.Equal(t, []string{"split"}, cfgs[0].Nemesis)
}

// found and missed are searches for the first bug of smallGallery.
func found(runs int, kind string) Search {
	return Search{Bug: "stale-read", Found: true, Runs: runs, VirtualS: float64(10 * runs), WallS: float64(runs) / 10, Kind: kind}
}

func missed() Search { return Search{Bug: "stale-read", Runs: 2000} }

func TestFindsAreMedians(t *testing.T) {
	t.Parallel()
	g := smallGallery(t)
	g.Bases, g.Bugs = 3, g.Bugs[:1]
	for _, c := range []struct {
		searches []Search
		found    bool
		runs     int
		kind     string
		verdict  checker.Verdict
	}{
		{[]Search{found(9, "a"), found(1, "b"), found(5, "b")}, true, 5, "b", checker.OK},
		{[]Search{found(9, "a"), missed(), found(5, "b")}, true, 9, "a", checker.OK},
		{[]Search{missed(), missed(), found(5, "b")}, false, 0, "b", checker.FAIL},
		{[]Search{missed(), missed(), missed()}, false, 0, "", checker.FAIL},
		{[]Search{found(1, "a")}, true, 1, "a", checker.INCONCLUSIVE},
		{nil, false, 0, "", checker.INCONCLUSIVE},
	} {
		finds := g.Finds(c.searches)
		require.Equal(t, c.verdict, g.GalleryVerdict(finds))
		if c.searches == nil {
			require.Empty(t, finds)
			continue
		}
		f := finds[0]
		require.Equal(t, c.found, f.Found)
		require.Equal(t, c.runs, f.Runs)
		require.Equal(t, c.kind, f.Kind)
		require.InDelta(t, float64(10*c.runs), f.VirtualS, 0)
	}
	differs := found(1, "a")
	differs.Differs, differs.RunDir = "trace 1 has become 2", "out/x"
	finds := g.Finds([]Search{found(1, "a"), differs, found(1, "a")})
	require.Equal(t, checker.FAIL, g.GalleryVerdict(finds))
	var b bytes.Buffer
	PrintFinds(&b, finds, false)
	require.Contains(t, b.String(), "DIFFERS")
	require.Contains(t, b.String(), "trace 1 has become 2")
	b.Reset()
	PrintFinds(&b, g.Finds([]Search{missed()}), true)
	require.Contains(t, b.String(), "\x1b[31m"+notFound)
}

func TestWriteGallery(t *testing.T) {
	t.Parallel()
	g := smallGallery(t)
	_, err := WriteGallery("no table", nil)
	require.True(t, workloads.IsUsage(err), "%v", err)
	page, err := WriteGallery("before\n"+galleryBegin+galleryEnd+"after\n", nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(page, "before\n") && strings.HasSuffix(page, "after\n"))
	require.Equal(t, len(workloads.Bugs()), strings.Count(page, unmeasured))

	page, err = WriteGallery(page, g.Finds([]Search{found(3, `panic: a | b`)}))
	require.NoError(t, err)
	row := "| 3 | 30 | 0.3 | panic: a \\| b |\n"
	require.Contains(t, page, row)
	require.Equal(t, len(workloads.Bugs())-1, strings.Count(page, unmeasured))
	again, err := WriteGallery(page, nil)
	require.NoError(t, err)
	require.Equal(t, page, again, "what was measured stays")

	page, err = WriteGallery(page, g.Finds([]Search{missed(), found(3, "a"), found(5, "a")}))
	require.NoError(t, err)
	require.Contains(t, page, "| 5, and in 1 of 3 searches NOT FOUND | 50 | 0.5 | a |\n")
	page, err = WriteGallery(page, g.Finds([]Search{missed(), missed(), missed()}))
	require.NoError(t, err)
	require.Contains(t, page, "| `stale-read` |")
	require.Contains(t, page, "| 🔴 **NOT FOUND** in 3 of 3 searches | | | |\n", "it is never dropped")
}

// TestGalleryPage: the table of docs/bugs.md has a row for every planted bug, which says of it what the list of bugs says.
func TestGalleryPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/bugs.md")
	require.NoError(t, err)
	written, err := WriteGallery(string(page), nil)
	require.NoError(t, err)
	require.Equal(t, string(page), written, "run: go run ./cmd/ordeal gallery NAME -write=docs/bugs.md, for any bug")
}
