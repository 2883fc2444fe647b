package pd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/pd/schedule"
)

// asked returns the regions that stores were asked to report on since the last time, by store.
func (h *host) asked(stores ...uint64) map[uint64][]uint64 {
	regions := map[uint64][]uint64{}
	for _, id := range stores {
		for _, m := range h.messages[storeAddr(id)] {
			if hb := m.GetRegionHeartbeat(); hb != nil {
				regions[id] = append(regions[id], hb.GetRegionId())
			}
		}
		delete(h.messages, storeAddr(id))
	}
	return regions
}

func TestLeadersThatSleepAreAsked(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(4)
	const line = "r1 [,) v1 c3 {s1:2,s2:3,s3:4} leader=1 term=5"
	require.Nil(t, h.report(line))
	h.advance(9*time.Second, 1, 2, 4)
	require.Empty(t, h.asked(1, 2, 3, 4), "nothing is wanted of the region, so it may stay silent")

	// Store 3 is down for good now. The plan for the region must not wait for the leader's next report.
	h.advance(2*time.Second, 1, 2, 4)
	require.Len(t, h.m.Operators(), 1)
	asked := h.asked(1, 2, 3, 4)
	require.Subset(t, []uint64{1}, asked[1])
	require.NotEmpty(t, asked[1])
	require.Len(t, asked, 1)
	require.Equal(t, "r1 v1 c3 to s1:2: AddLearnerNode s4:1001", schedule.FormatCommand(h.report(line)))
}

func TestNobodyKnowsTheLeaderAfterARestart(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	const line = "r1 [,) v1 c3 {s1:2,s2:3,s3:4} leader=2 term=5"
	require.Nil(t, h.report(line))
	h.advance(time.Second, 1, 2, 3)
	h.crash(0)
	h.advance(time.Second, 1, 3)
	asked := h.asked(1, 2, 3)
	require.NotEmpty(t, asked[1])
	require.NotEmpty(t, asked[3])
	require.Empty(t, asked[2], "where it listens is not known yet")
	h.advance(time.Second, 2)
	require.NotEmpty(t, h.asked(1, 2, 3)[2])
	require.Nil(t, h.report(line))
	h.advance(time.Second, 1, 2, 3)
	require.Empty(t, h.asked(1, 2, 3))
}
