package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func anyPoint(t *rapid.T) string {
	return rapid.StringMatching(`[a-zA-Z][A-Za-z0-9_]{2,9}`).Draw(t, "point")
}

// anyEntryFault is any fault, or one that waits for a condition.
func anyEntryFault(t *rapid.T) Fault {
	f := anyFault(t)
	if rapid.Bool().Draw(t, "at once") {
		return f
	}
	if rapid.Bool().Draw(t, "seen") {
		f = Kill{Whom{Kind: WhomKind(rapid.IntRange(int(WhomThere), int(WhomOtherLeader)).Draw(t, "whom"))}}
	}
	c := Condition{At: rapid.Bool().Draw(t, "at"), One: rapid.Bool().Draw(t, "one")}
	if c.State = anyPoint(t); !c.At {
		c.State += "-seen"
	}
	if c.One {
		c.Region = uint64(rapid.Uint32().Draw(t, "region"))
	}
	return When{Cond: c, Within: time.Duration(rapid.Int64Range(1, int64(whenMax)).Draw(t, "within")), Fault: f}
}

func TestConditionText(t *testing.T) {
	t.Parallel()
	rest := Whom{Kind: WhomRest}
	for text, f := range map[string]Fault{
		"delay-at crashAfterApply all by 0.080s": CrashAt{Point: "crashAfterApply", Whom: Whom{Kind: WhomAll}, Act: Act{ActDelay, 80 * time.Millisecond}},
		"error-at errorRead store(2)":            CrashAt{Point: "errorRead", Whom: Store(2), Act: Act{Kind: ActError}},
		"when merging within 2.000s: kill other-leader": When{
			Cond: Condition{State: "merging"}, Within: 2 * time.Second, Fault: Kill{Whom{Kind: WhomOtherLeader}}},
		"when snapshot-arriving region(3) within 0.500s: partition isolate(there)": When{
			Cond: Condition{State: "snapshot-arriving", One: true, Region: 3}, Within: 500 * time.Millisecond,
			Fault: Partition{First: Whom{Kind: WhomThere}, Second: rest, PD: SideBoth, Clients: SideBoth}},
		"when at crashAfterSplit within 1.000s: delay-at crashAfterCommit its-leader by 0.100s": When{
			Cond: Condition{State: "crashAfterSplit", At: true}, Within: time.Second,
			Fault: CrashAt{Point: "crashAfterCommit", Whom: Whom{Kind: WhomItsLeader}, Act: Act{ActDelay, 100 * time.Millisecond}}},
	} {
		require.Equal(t, text, f.String())
		got, err := ParseFault(text)
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
}

func TestMalformedConditions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+1s for 1s delay-at crashX all":                          `want "by", found the end of the line`,
		"+1s for 1s delay-at crashX all by 0s":                    `line 1, column 35: want a time above 0 and up to 10s`,
		"+1s for 1s kill there":                                   `want pd, store(ID), any(K), leader(K), majority(K), stores(MASK) or all, found "there"`,
		"+1s for 1s when merging within 2s: kill here":            `want pd, there, its-leader, other-leader, store(ID)`,
		"+1s when merging within 2s: kill there":                  `line 1, column 5: when lasts: say for how long`,
		"+1s for 1s when merging within 2s: split region(0)":      `when is done in an instant and takes no for`,
		"+1s when within 2s: split region(0)":                     `line 1, column 10: want the name of a state, or at and the name of a failpoint, found "within`,
		"+1s when at within 2s: split region(0)":                  `line 1, column 13: want the name of a state, or at and the name of a failpoint, found "within`,
		"+1s when at a-b within 2s: split region(0)":              `line 1, column 13: want the name of a state, or at and`,
		"+1s when merging: split region(0)":                       `want "within", found ": split`,
		"+1s when merging within : split region(0)":               `want a time such as 2.000s, found ""`,
		"+1s when merging within 0s: split region(0)":             `want a time above 0 and up to 1h0m0s`,
		"+1s when merging within 2s split region(0)":              `want ":", found " split`,
		"+1s when a within 2s: when b within 2s: split region(0)": `a fault that waits can't wait once more`,
	} {
		s, err := ParseSchedule(text)
		require.ErrorContains(t, err, want, text)
		require.Nil(t, s)
	}
}
