package nemesis

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestWipe: a store is lost, another one joins at once, and when the fault ends the driver hears of it.
func TestWipe(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	records := run(t, f, "+1s for 1s wipe store(3)\n")
	require.Equal(t, []string{"lose 3", "join 4", "leave 3"}, f.calls)
	require.True(t, records[0].Bit)
	require.Equal(t, "s3 lost its disk with 3 replicas; s4 joined; s3 is given up with 3 replicas", records[0].Text)
	require.Equal(t, []world.NodeID{1, 2, 4}, f.Stores())

	r, err := HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "s3 is lost, and not all its replicas are replaced yet", r.Text)
	require.Equal(t, []string{"lose 3", "join 4", "leave 3"}, f.calls[:3], "all was done before")
}

// TestWipeBlank: the store comes up empty, and is taken away when the fault ends.
func TestWipeBlank(t *testing.T) {
	t.Parallel()
	f := newFake(4)
	records := run(t, f, "+1s for 1s wipe store(2) blank\n")
	require.Equal(t, []string{"blank 2", "lose 2", "join 5", "leave 2"}, f.calls)
	require.True(t, records[0].Bit)
	require.Equal(t, "s2 lost its disk with 2 replicas; s2 came up empty and was refused: another disk; s5 joined; "+
		"s2 is given up with 2 replicas", records[0].Text)
}

// TestLostAndLeaving: a store joins for each that is lost and for each that leaves.
func TestLostAndLeaving(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	run(t, f, "+1s for 3s decommission store(1)\n+2s for 1s wipe store(2)\n")
	require.Equal(t, []world.NodeID{1, 3, 4, 5, 6, 7}, f.Stores())
	require.Equal(t, 2, f.joined)
	require.Equal(t, []world.NodeID{1, 2}, f.leaving)
}

// TestRotLog: a store that refuses to start with a damaged log is lost; one that does not has done wrong.
func TestRotLog(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	records := run(t, f, "+1s for 1s bit-rot store(3) log(7)\n")
	require.Equal(t, []string{"rot log 3", "join 4", "leave 3"}, f.calls)
	require.Equal(t, "s3: record 7, and did not start with its 3 replicas; s4 joined; s3 is lost, and not all its replicas are "+
		"replaced yet; s3 is given up with 3 replicas", records[0].Text)
	require.True(t, records[0].Bit)

	f = newFake(3)
	f.inert = true
	records = run(t, f, "+1s for 1s bit-rot store(3) log(7)\n")
	require.Equal(t, "s3: record 7, and started all the same", records[0].Text)

	f = newFake(3)
	f.inert, f.adminErr = true, errors.New("no power")
	records = run(t, f, "+1s for 1s bit-rot store(3) log(7)\n")
	require.ErrorContains(t, records[0].Err, "damage the log of s3: no power")
}

// TestDriverHearsOfLostStores: a driver that does not answer is told again, but not for ever.
func TestDriverHearsOfLostStores(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.lose(3)
	f.adminErr, f.adminTime = errors.New("no leader"), 300*time.Millisecond
	before := f.p.now
	_, err := giveUpLost(f.p, f, giveUpWithin)
	require.EqualError(t, err, "s3 is lost, of which the driver is to hear: no leader")
	require.Less(t, f.p.now.Sub(before), giveUpWithin+2*f.adminTime)
	require.Equal(t, []string{"join 4", "leave 3", "leave 3", "leave 3"}, f.calls)
	f.adminErr = nil
	r, err := giveUpLost(f.p, f, giveUpWithin)
	require.NoError(t, err)
	require.Equal(t, "s3 is given up with 3 replicas", r.Text)
}
