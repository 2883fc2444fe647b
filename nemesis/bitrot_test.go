package nemesis

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBitRot: a block is damaged where the regions have replicas enough, whoever has not noticed is made to, and what became of
// it is told.
func TestBitRot(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	records := run(t, f, "+1s for 1s bit-rot store(3) block(7)\n+3s for 1s bit-rot leader(1) block(1)\n")
	require.Equal(t, []string{"rot 3 in [1001 1002 1003]", "check 1001", "rot 2 in [1001 1002]", "check 1001"}, f.calls)
	require.Equal(t, "s3: block 7; s3 quarantined 1 replica, and is repaired", records[0].Text)
	require.Equal(t, "s2: block 1; s2 quarantined 1 replica, and is repaired", records[1].Text)
	require.True(t, records[0].Bit && records[1].Bit)

	f = newFake(3)
	f.inert = true
	records = run(t, f, "+1s for 1s bit-rot store(3) block(7)")
	require.False(t, records[0].Bit)
	require.Equal(t, "s3 has no block that holds nothing but data of regions that are well", records[0].Text)
}

// TestDamageThatNobodyNotices: a heal goes on asking for comparisons, but not for ever, and that of everything fails.
func TestDamageThatNobodyNotices(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.adminErr = errors.New("no leader")
	records := run(t, f, "+1s for 1s bit-rot store(3) block(7)")
	require.Equal(t, "s3: block 7; s3 quarantined 0 replicas, and has not noticed the damage of regions [1001]", records[0].Text)
	require.Equal(t, at(2*time.Second).Add(repairWithin), records[0].HealedAt)
	before := f.p.now
	_, err := HealAll(f.p, f)
	require.EqualError(t, err, "s3 has not noticed the damage of regions [1001] (block 7)")
	require.Equal(t, repairAllWithin+leaveLook, f.p.now.Sub(before))
	f.damages[0].Unnoticed = nil
	r, err := HealAll(f.p, f)
	require.NoError(t, err, "it is out of service, and will be replaced")
	require.Equal(t, "s3 quarantined 0 replicas, and is not repaired yet", r.Text)
	f.damages[0].Hidden, before = true, f.p.now
	r, err = HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "s3 quarantined 0 replicas: what was damaged was deleted, and nobody has come to it yet", r.Text)
	require.Equal(t, before.Add(leaveLook), f.p.now, "nothing can be done about it")
}

// TestDamageOfManyRegions: a block with data of many regions, of which none answers, does not make a heal longer than it may be
// by more than one command.
func TestDamageOfManyRegions(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.adminErr, f.adminTime = errors.New("no leader"), 300*time.Millisecond
	d := Damage{Store: 3, What: "block 7"}
	for id := range uint64(100) {
		d.Unnoticed = append(d.Unnoticed, 1001+id)
	}
	f.damages = []Damage{d}
	before := f.p.now
	repair(f.p, f, repairWithin)
	require.Equal(t, []string{"check 1001", "check 1002", "check 1003", "check 1004"}, f.calls)
	require.Less(t, f.p.now.Sub(before), repairWithin+f.adminTime+repairPause)
}
