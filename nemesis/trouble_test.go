package nemesis

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestTroubles: what faults of single nodes do, and what they tell of it.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		calls []string
		want  string
	}{
		{"+1s for 1s pause leader(1)", []string{"pause 2"}, "s2 paused; 1 event waited"},
		{"+1s for 1s pause stores(0x6)", []string{"pause 2", "pause 3"}, "s2 s3 paused; 2 events waited"},
		{"+1s for 1s pause pd leader", []string{"pause 100"}, "pd paused; 1 event waited"},
		{"+1s restart rolling stores(0x6)", []string{"crash 2", "restart 2", "crash 3", "restart 3"}, "s2 s3 restarted, 5 commits lost"},
		{"+1s restart loop leader(1) times(2)", []string{"crash 2", "restart 2", "crash 2", "restart 2"}, "s2 s2 restarted, 4 commits lost"},
		{"+1s for 1s net store(2) loss(5) again(6) overtake(7) slow(0.008s)", []string{"worsen 2"}, "links of s2; 5 lost, 6 twice, 7 overtook, 8 slow"},
		{"+1s for 1s disk store(2) stalls", []string{"hurt disk 2"}, "disk of s2; 1 disk operation slow, held or refused"},
		{"+1s for 1s disk store(2) fails", []string{"hurt disk 2", "restart 2"}, "disk of s2; 1 disk operation slow, held or refused; s2 up again"},
		{"+1s for 1s disk pd all fails", []string{"hurt disk 100", "restart 100"}, "disk of pd; 1 disk operation slow, held or refused; pd up again"},
		{"+1s clock store(2) jump(1.500s)", []string{"clock 2 jumps 1.5s"}, "clock of s2 jumped by 1.500s"},
		{"+1s clock store(2) speed(30)", []string{"clock 2 at 30"}, "clock of s2 at 30 % of the drift"},
	} {
		f := newFake(5)
		records := run(t, f, c.text)
		require.Equal(t, c.calls, f.calls, c.text)
		require.Equal(t, c.want, records[0].Text, c.text)
		require.True(t, records[0].Bit, c.text)
		require.NoError(t, records[0].Err)
		require.Empty(t, f.paused)
		require.Zero(t, f.weather)
		require.Zero(t, f.troubled)
	}
}

// What touched nothing did not bite.
func TestTroublesThatNobodyNotices(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"+1s for 1s pause leader(1)", "+1s for 1s net all loss(5) again(0) overtake(0) slow(0.000s)", "+1s for 1s disk store(2) stalls",
	} {
		f := newFake(3)
		f.inert = true
		require.False(t, run(t, f, text)[0].Bit, text)
	}
}

func TestTroublesFindTheirVictimsDown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"+1s for 1s pause store(2)", "+1s for 1s net store(2) loss(5) again(0) overtake(0) slow(0.000s)", "+1s for 1s disk store(2) fails",
		"+1s clock store(2) speed(30)",
	} {
		f := newFake(3)
		f.down[2] = true
		require.Equal(t, "s2 down already", run(t, f, text)[0].Skipped, text)
	}
}

// A restart never leaves less than a majority of the stores.
func TestRestartSparesTheMajority(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.down[4], f.down[5] = true, true
	require.Equal(t, "s1 s2 s3 s4 s5 can't be spared", run(t, f, "+1s restart rolling all")[0].Skipped)
	require.Empty(t, f.calls)
}

// cutsOf returns whom each store can't reach, both ways.
func cutsOf(t *testing.T, f *fakeTarget) map[world.NodeID][]world.NodeID {
	cuts := map[world.NodeID][]world.NodeID{}
	for _, a := range f.stores {
		for _, b := range f.stores {
			require.Equal(t, f.cut(a, b), f.cut(b, a))
			if f.cut(a, b) {
				cuts[a] = append(cuts[a], b)
			}
		}
	}
	return cuts
}

func TestShapesOfPartitions(t *testing.T) {
	t.Parallel()
	ids := func(n ...world.NodeID) []world.NodeID { return n }
	for text, want := range map[string]struct {
		receipt string
		cuts    map[world.NodeID][]world.NodeID
	}{
		"partition bridge(0x3) over(4)": {"s1 s2 | s3 s4, but for s5 between them",
			map[world.NodeID][]world.NodeID{1: ids(3, 4), 2: ids(3, 4), 3: ids(1, 2), 4: ids(1, 2)}},
		"partition ring": {"each store reaches its two neighbours",
			map[world.NodeID][]world.NodeID{1: ids(3, 4), 2: ids(4, 5), 3: ids(1, 5), 4: ids(1, 2), 5: ids(2, 3)}},
		"partition flap(store(2)) times(3)": {"s2 cut off 3 times",
			map[world.NodeID][]world.NodeID{1: ids(2), 2: ids(1, 3, 4, 5), 3: ids(2), 4: ids(2), 5: ids(2)}},
		"partition swizzle(0x7)": {"s1 s2 s3 cut off one by one",
			map[world.NodeID][]world.NodeID{1: ids(3), 2: ids(3), 3: ids(1, 2, 4, 5), 4: ids(3), 5: ids(3)}},
	} {
		f := newFake(5)
		fault, err := ParseFault(text)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want.receipt, r.Text, text)
		require.Equal(t, want.cuts, cutsOf(t, f), text)
		_, err = fault.Heal(f.p, f)
		require.NoError(t, err)
		require.Empty(t, f.cuts)
	}
	f := newFake(3)
	r, err := Shape{Kind: ShapeRing}.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "a ring needs 4 stores, there are 3", r.Skipped)
}

// While links flap they are cut and whole in turn.
func TestFlapsTakeTime(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	records := run(t, f, "+1s for 1s partition flap(store(2)) times(3)")
	require.Equal(t, at(time.Second+4*flapEvery+time.Second), records[0].HealedAt)
	require.True(t, slices.Contains(f.calls, "heal"))
}
