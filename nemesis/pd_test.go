package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// newDriver is a cluster of five stores whose placement driver has three members, of which 101 leads.
func newDriver() *fakeTarget {
	f := newFake(5)
	f.pds, f.pdLeader = []world.NodeID{100, 101, 102}, 101
	return f
}

func TestKillMembers(t *testing.T) {
	t.Parallel()
	f := newDriver()
	records := run(t, f, "+1s for 1s kill pd leader\n+3s for 1s kill pd any(5)\n+5s for 1s kill pd\n")
	require.Equal(t, []string{
		"crash 101", "restart 101", "crash 102", "restart 102",
		"crash 100", "crash 101", "crash 102", "restart 100", "restart 101", "restart 102",
	}, f.calls)
	require.Equal(t, "pd2 down, 101 commits lost; pd2 up again", records[0].Text)
	require.Equal(t, "pd3 down, 102 commits lost; pd3 up again", records[1].Text)
	require.Equal(t, "pd down, 303 commits lost; pd up again", records[2].Text)
	f.pdLeader = 0
	require.Equal(t, "no member of the placement driver is known to lead", run(t, f, "+1s for 1s kill pd leader")[0].Skipped)
}

func TestPDPartitionCutsAndCounts(t *testing.T) {
	t.Parallel()
	f := newDriver()
	s, err := ParseSchedule("+1s for 1s pd-partition leader members stores=0x3\n")
	require.NoError(t, err)
	records := Run(f.p, f, s, time.Hour, func(r Record) {
		if r.HealedAt != Open {
			return
		}
		require.True(t, f.cut(101, 100) && f.cut(100, 101) && f.cut(101, 102) && f.cut(102, 101))
		require.True(t, f.cut(101, 1) && f.cut(2, 101))
		require.False(t, f.cut(100, 102) || f.cut(101, 3) || f.cut(100, 1) || f.cut(1001, 101))
	})
	require.Empty(t, f.cuts)
	require.Equal(t, "pd2 | pd1 pd3 | s1 s2; 100 messages cut", records[0].Text)
	require.True(t, records[0].Bit)
	f.inert = true
	require.False(t, run(t, f, "+1s for 1s pd-partition leader members")[0].Bit, "nobody noticed")
}

func TestPDPartitionShapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		receipt   string
		cut, kept [][2]world.NodeID
	}{
		"pd-partition all members":                  {"pd | pd", [][2]world.NodeID{{100, 101}, {102, 100}, {101, 102}}, [][2]world.NodeID{{100, 1}}},
		"pd-partition all stores=0x1":               {"pd | s1", [][2]world.NodeID{{100, 1}, {1, 102}}, [][2]world.NodeID{{100, 101}, {100, 2}}},
		"pd-partition any(3) members oneway":        {"pd1 | pd2 pd3", [][2]world.NodeID{{100, 101}, {100, 102}}, [][2]world.NodeID{{101, 100}}},
		"pd-partition leader stores=0x10 oneway":    {"pd2 | s5", [][2]world.NodeID{{101, 5}}, [][2]world.NodeID{{5, 101}, {101, 100}}},
		"pd-partition leader members stores=0x1000": {"pd2 | pd1 pd3", [][2]world.NodeID{{101, 100}}, [][2]world.NodeID{{101, 1}}},
	} {
		f := newDriver()
		fault, err := ParseFault(text)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want.receipt, r.Text, text)
		for _, l := range want.cut {
			require.True(t, f.cut(l[0], l[1]), "%s: %v", text, l)
		}
		for _, l := range want.kept {
			require.False(t, f.cut(l[0], l[1]), "%s: %v", text, l)
		}
	}
	alone, err := PDPartition{Members: true}.Apply(nil, newFake(3))
	require.NoError(t, err)
	require.Contains(t, alone.Skipped, "has one member")
}

func TestTransferPD(t *testing.T) {
	t.Parallel()
	f := newDriver()
	r := run(t, f, "+1s pd-leader-transfer to(3)")[0]
	require.Equal(t, []string{"transfer pd to 102"}, f.calls)
	require.Equal(t, "pd2 to pd3", r.Text)
	require.True(t, r.Bit)

	f.inert = true
	r = run(t, f, "+1s pd-leader-transfer to(0)")[0]
	require.False(t, r.Bit)
	require.Equal(t, "no other member than pd3 leads yet", r.Text)

	f.down = map[world.NodeID]bool{100: true, 101: true}
	require.Contains(t, run(t, f, "+1s pd-leader-transfer to(0)")[0].Skipped, "no other member that is up")
	f.pdLeader = 0
	require.Contains(t, run(t, f, "+1s pd-leader-transfer to(0)")[0].Skipped, "known to lead")
}
