package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waitingFake is a cluster in which region 1002 is seen merging with 1003, on store 2, after a while.
func waitingFake(after time.Duration) *fakeTarget {
	f := newFake(5)
	f.states = []string{"merging", "split"}
	f.points = []string{"crashAfterApply", "errorRead"}
	f.p.moments = []moment{{at: at(after), state: "merging", seen: Seen{Store: 2, Region: 1002, Other: 1003}}}
	return f
}

func TestWhenStrikesWhenItIsSeen(t *testing.T) {
	t.Parallel()
	f := waitingFake(1700 * time.Millisecond)
	records := run(t, f, "+1s for 1s when merging within 2s: kill other-leader\n+1.2s transfer-leader region(0) to(0)\n")
	require.Equal(t, []string{"await merging of 0", "transfer 1001 to 2", "crash 3", "restart 3"}, f.calls, "the wait holds up nothing")
	require.True(t, records[0].Bit)
	require.Equal(t, at(1700*time.Millisecond), records[0].AppliedAt)
	require.Equal(t, at(2700*time.Millisecond), records[0].HealedAt)
	require.Equal(t, "merging of region 1002 with region 1003 on s2 after 0.700s; s3 down, 3 commits lost; s3 up again", records[0].Text)
}

// TestWhenStrikesInTheMiddleOfAnotherFault: the state is seen while a slow command runs, and passes before its end.
func TestWhenStrikesInTheMiddleOfAnotherFault(t *testing.T) {
	t.Parallel()
	f := waitingFake(3 * time.Second)
	f.adminTime = 5 * time.Second
	records := run(t, f, "+1s when merging within 9s: split region(0)\n+2s transfer-leader region(0) to(0)\n")
	require.Equal(t, []string{"await merging of 0", "transfer 1001 to 2", "split at bm"}, f.calls)
	require.Equal(t, at(3*time.Second), records[0].AppliedAt)
	require.Contains(t, records[0].Text, "region 1002", "its ordinals count from the region that was seen")
}

func TestWhenNamesWhatWasSeen(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"kill there": "crash 2", "kill its-leader": "crash 2", "kill other-leader": "crash 3", "kill leader(0)": "crash 2",
		"kill leader(2)": "crash 1", "crash-at crashAfterApply there": "arm crashAfterApply on 2",
		"delay-at crashAfterApply there by 0.100s": "arm crashAfterApply on 2 by 100ms", "error-at errorRead all": "arm errorRead on 0 to fail",
	} {
		f := waitingFake(2 * time.Second)
		run(t, f, "+1s for 1s when merging region(1) within 2s: "+fault)
		require.Equal(t, []string{"await merging of 1002", want}, f.calls[:2])
	}
}

func TestWhenGivesUp(t *testing.T) {
	t.Parallel()
	f := waitingFake(4 * time.Second)
	records := run(t, f, "+1s for 1s when merging within 2s: kill there\n+1s for 1s when at crashAfterApply within 1s: kill there")
	require.Equal(t, []string{"await merging of 0", "await at crashAfterApply of 0", "forget at crashAfterApply", "forget merging"}, f.calls)
	require.Equal(t, "waited 2.000s for merging, which did not come", records[0].Skipped)
	require.Equal(t, "waited 1.000s for at crashAfterApply, which did not come", records[1].Skipped)
	require.False(t, records[0].Bit)
	require.Equal(t, at(3*time.Second), records[0].HealedAt)
}

// TestWhenIsOverWithTheRun: no wait goes on beyond the limit.
func TestWhenIsOverWithTheRun(t *testing.T) {
	t.Parallel()
	f := waitingFake(time.Hour)
	s, err := ParseSchedule("+1s for 1s when merging within 30m: kill there")
	require.NoError(t, err)
	records := Run(f.p, f, s, 5*time.Second, nil)
	require.Equal(t, at(5*time.Second), f.p.now)
	require.Contains(t, records[0].Skipped, "waited 4.000s")
}

func TestWhenSaysWhatItCannotWaitFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+1s when frozen within 2s: split region(0)":       "there is no state frozen, only merging, split",
		"+1s when at crashX within 2s: split region(0)":    "there is no failpoint crashX, only crashAfterApply, errorRead",
		"+1s for 1s error-at crashAfterApply all":          "nothing can fail at crashAfterApply, only at errorRead",
		"+1s for 1s when split within 2s: kill its-leader": "what was seen has no its-leader",
		"+1s for 1s when split within 2s: kill there":      "it was seen on no store",
	} {
		f := waitingFake(time.Hour)
		f.p.moments = []moment{{at: at(2 * time.Second), state: "split"}}
		records := run(t, f, text)
		require.Equal(t, want, records[0].Skipped, text)
		require.False(t, records[0].Bit)
	}
	f := newFake(3)
	require.Equal(t, "states are seen in the simulated world only", run(t, f, "+1s when merging within 2s: split region(0)")[0].Skipped)
	_, why := Whom{Kind: WhomThere}.resolve(f)
	require.Equal(t, "there names nobody: nothing was waited for", why)
}
