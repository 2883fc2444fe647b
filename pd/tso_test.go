package pd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

func tso(n uint32) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Tso{Tso: &pdpb.TsoRequest{Count: n}}}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.now = world.Time(5 * time.Millisecond)
	get := func(n uint32) [2]int64 {
		ts := h.call(tso(n)).GetTso().GetTimestamp()
		return [2]int64{ts.GetPhysical(), ts.GetLogical()}
	}
	require.Equal(t, [2]int64{5, 1}, get(0))
	require.Equal(t, [2]int64{5, 11}, get(10))
	written := h.disk.Position()
	h.now = world.Time(3 * time.Millisecond)
	require.Equal(t, [2]int64{5, 12}, get(1), "clocks may go back, timestamps do not")
	for range 3 {
		get(tsoCountMax)
	}
	require.Equal(t, [2]int64{6, tsoCountMax}, get(tsoCountMax), "a millisecond that is used up is followed by the next")
	require.Equal(t, written, h.disk.Position(), "from the batch")
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, tso(tsoCountMax+1))
	h.crash(0)
	require.Equal(t, [2]int64{5 + tsoBatchMS + 1, 1}, get(1))
}

// No timestamp is given twice or out of order, whatever crashes take and clocks do.
func TestTimestampsOnlyRise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHost(t)
		last := [2]int64{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				h.crash(rapid.Uint64Range(0, 3).Draw(t, "kept"))
			case 1:
				h.now = world.Time(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "now"))
			case 2:
				h.ask(tso(1)) // not synced: nobody has seen it
			default:
				n := rapid.Uint32Range(1, tsoCountMax).Draw(t, "n")
				ts := h.call(tso(n)).GetTso().GetTimestamp()
				first := [2]int64{ts.GetPhysical(), ts.GetLogical() - int64(n) + 1}
				require.True(t, first[0] > last[0] || first[0] == last[0] && first[1] > last[1], "%v after %v", first, last)
				last = [2]int64{ts.GetPhysical(), ts.GetLogical()}
			}
		}
	})
}
