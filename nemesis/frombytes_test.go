package nemesis

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFromBytes(t *testing.T) {
	t.Parallel()
	families := Families()
	opts := Options{Clients: 3, CrashPoints: []string{"crashInSnapshot"}, PDs: 3, States: []Awaited{{State: "merging"}}}
	require.Empty(t, FromBytes(nil, families, time.Second, 5, opts))
	require.Empty(t, FromBytes(bytes.Repeat([]byte{1}, faultBytes-1), families, time.Second, 5, opts))
	require.Empty(t, FromBytes(bytes.Repeat([]byte{1}, faultBytes), nil, time.Second, 5, opts))
	seen := map[string]bool{}
	for b := range 256 {
		s := FromBytes([]byte{0, 50, byte(b), 1, 2, 3, 4, 5}, families, time.Second, 5, opts)
		require.Len(t, s, 1, "%d", b)
		seen[s[0].Fault.Name()] = true
	}
	require.Len(t, seen, len(families), "every family can be had")

	one := []byte{20, 50, 0, 1, 2, 3, 4, 5}
	first := FromBytes(one, families, time.Second, 5, opts)
	two := FromBytes(append(bytes.Clone(one), one...), families, time.Second, 5, opts)
	require.Equal(t, first[0], two[0], "what follows changes nothing")
}

// Whatever the bytes, the schedule is one that Draw could have drawn: its text is read back, and it ends in time.
func TestFromBytesKeepsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 2*faultBytes*fromBytesMax).Draw(t, "data")
		stores := rapid.IntRange(1, 6).Draw(t, "stores")
		duration := time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "duration"))
		s := FromBytes(data, Families(), duration, stores, Options{PDs: rapid.IntRange(1, 3).Draw(t, "pds"), States: []Awaited{{State: "merging"}}})
		require.LessOrEqual(t, len(s), fromBytesMax)
		again, err := ParseSchedule(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
		at := time.Duration(0)
		for _, e := range s {
			require.LessOrEqual(t, at, e.At)
			require.LessOrEqual(t, e.At+e.For, duration)
			at = e.At
		}
	})
}
