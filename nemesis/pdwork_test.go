package nemesis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestPDReplay(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	records := run(t, f, "+1s for 1s pd-replay late(1) again(2) old(3) within 0.500s\n")
	require.Equal(t, "of the driver's messages 1 late, 2 twice, 3 old ones again", records[0].Text)
	require.True(t, records[0].Bit)
	require.Equal(t, Tampering{}, f.tampering)

	f.inert = true
	records = run(t, f, "+1s for 1s pd-replay late(1) again(2) old(3) within 0.500s\n")
	require.False(t, records[0].Bit)

	f.inert = false
	f.Tamper(Tampering{Again: 5})
	r, err := HealAll(f.p, f)
	require.NoError(t, err)
	require.Contains(t, r.Text, "5 twice")
	require.Equal(t, Tampering{}, f.tampering)
}

func TestPDStorm(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.leaving = []world.NodeID{5}
	r, err := PDStorm{Orders: 40, Pick: 7}.Apply(f.p, f)
	require.NoError(t, err)
	require.True(t, r.Bit)
	require.Regexp(t, `^20 of 40 orders begun, the first: r100\d$`, r.Text)
	kinds := strings.Join(f.calls, "\n")
	for k := range orderKinds {
		require.Contains(t, kinds, "Kind:"+string('0'+rune(k)))
	}
	require.NotContains(t, kinds, "Kind:1 Region:1002 From:2 To:5", "it is to leave")

	// The same storm orders the same.
	again := newFake(5)
	again.leaving = f.leaving
	_, err = PDStorm{Orders: 40, Pick: 7}.Apply(again.p, again)
	require.NoError(t, err)
	require.Equal(t, f.calls, again.calls)
	other := newFake(5)
	_, err = PDStorm{Orders: 40, Pick: 8}.Apply(other.p, other)
	require.NoError(t, err)
	require.NotEqual(t, f.calls, other.calls)
}

// A driver that does not answer is not waited for longer than for two orders.
func TestPDStormMeetsSilence(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.adminErr, f.adminTime = errors.New("silent"), 500*time.Millisecond
	r, err := PDStorm{Orders: 40, Pick: 7}.Apply(f.p, f)
	require.EqualError(t, err, "silent")
	require.Equal(t, Receipt{Text: "no order was taken"}, r)
	require.Len(t, f.calls, stormSilent)
}
