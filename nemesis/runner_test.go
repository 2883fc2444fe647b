package nemesis

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// run carries out a schedule given as text.
func run(t *testing.T, target *fakeTarget, text string) []Record {
	t.Helper()
	s, err := ParseSchedule(text)
	require.NoError(t, err)
	return Run(target.p, target, s, time.Hour, nil)
}

// at is a time of the fake world, which begins at 1000 ns.
func at(d time.Duration) world.Time { return world.Time(1000).Add(d) }

func TestRunKeepsTimeAndOrder(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	var log []Record
	s, err := ParseSchedule("+2s for 1s kill store(3)\n+1s for 1s kill pd\n+2.5s transfer-leader region(0) to(0)\n")
	require.NoError(t, err)
	records := Run(f.p, f, s, time.Hour, func(r Record) { log = append(log, r) })
	require.Equal(t, []string{"crash 100", "restart 100", "crash 3", "transfer 1001 to 2", "restart 3"}, f.calls)
	require.Len(t, records, 3)
	require.Equal(t, []int{1, 0, 2}, []int{records[0].Index, records[1].Index, records[2].Index})
	require.Equal(t, at(2*time.Second), records[1].AppliedAt)
	require.Equal(t, at(3*time.Second), records[1].HealedAt)
	require.Equal(t, "2.000001s kill store(3): s3 down, 3 commits lost; s3 up again", records[1].String())
	require.Equal(t, "pd down, 100 commits lost; pd up again", records[0].Text)
	require.Equal(t, "leader of region 1001 s1 to s2 (term 5 to 6)", records[2].Text)
	require.Equal(t, records[2].AppliedAt, records[2].HealedAt)
	require.Len(t, log, 5, "lasting faults are logged twice")
	require.Equal(t, Open, log[0].HealedAt)
	for _, r := range records {
		require.True(t, r.Bit)
		require.NoError(t, r.Err)
	}
}

func TestRunIsLateAfterASlowCommand(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.adminTime = 5 * time.Second
	records := run(t, f, "+1s transfer-leader region(0) to(0)\n+2s for 1s kill store(3)\n")
	require.Equal(t, at(6*time.Second), records[1].AppliedAt)
	require.Equal(t, at(7*time.Second), records[1].HealedAt, "a late fault lasts as long as it should")
}

func TestPartitionCutsAndCounts(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	s, err := ParseSchedule("+1s for 1s partition halves(0x3) pd=out clients=0x1\n+1.5s for 3s partition isolate(store(5))\n")
	require.NoError(t, err)
	records := Run(f.p, f, s, time.Hour, func(r Record) {
		switch {
		case r.Index == 0 && r.HealedAt == Open:
			require.True(t, f.cut(1, 3) && f.cut(3, 1) && f.cut(2, 5))
			require.False(t, f.cut(1, 2) || f.cut(3, 5))
			require.True(t, f.cut(1, 100) && f.cut(100, 2))
			require.False(t, f.cut(3, 100))
			require.True(t, f.cut(1001, 3) && f.cut(1001, 100) && f.cut(1002, 1))
			require.False(t, f.cut(1001, 1) || f.cut(1002, 3))
		case r.Index == 1 && r.HealedAt == Open:
			require.True(t, f.cut(5, 4) && f.cut(1, 5))
			require.False(t, f.cut(1002, 5) || f.cut(5, 100), "by default all but stores reach everybody")
		}
	})
	require.Empty(t, f.cuts)
	require.Equal(t, []string{"heal"}, f.calls, "the first heal ends both")
	require.Equal(t, records[0].HealedAt, records[1].HealedAt)
	require.Equal(t, "s1 s2 | s3 s4 s5; 100 messages cut", records[0].Text)
	require.Equal(t, "s5 | s1 s2 s3 s4; 50 messages cut", records[1].Text)
	require.True(t, records[0].Bit && records[1].Bit)
}

func TestPartitionThatNobodyNoticesDidNotBite(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.inert = true
	records := run(t, f, "+1s for 1s partition isolate(store(1))")
	require.False(t, records[0].Bit)
	require.Equal(t, "s1 | s2 s3; 0 messages cut", records[0].Text)
}

func TestPartitionShapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"partition isolate(leader(1))":               "s2 | s1 s3 s4 s5",
		"partition isolate(leader(4))":               "s2 | s1 s3 s4 s5", // 4 mod 3 regions
		"partition isolate(any(7))":                  "s3 | s1 s2 s4 s5",
		"partition isolate(majority(0))":             "s2 s3 | s1 s4 s5",
		"partition oneway(leader(2)->rest)":          "s3 -> s1 s2 s4 s5",
		"partition oneway(rest->leader(2))":          "s1 s2 s4 s5 -> s3",
		"partition oneway(stores(0x3)->stores(0x6))": "s1 s2 -> s3", // s2 stays in the first group
	} {
		f := newFake(5)
		fault, err := ParseFault(text)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want, r.Text, text)
	}
	f := newFake(5)
	_, err := Partition{First: Leader(0), Second: Whom{Kind: WhomRest}, OneWay: true, PD: SideOut, Clients: SideBoth}.Apply(f.p, f)
	require.NoError(t, err)
	require.True(t, f.cut(1, 2) && f.cut(1, 100))
	require.False(t, f.cut(2, 1) || f.cut(100, 1))
}

func TestCommandsAndTheirReceipts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"conf-change add region(0) on(1)":      "region 1001 s1 s2 s3 to s1 s2 s3 s5 (conf_ver 1 to 2)",
		"conf-change remove region(0) from(5)": "region 1001 s1 s2 s3 to s1 s2 (conf_ver 1 to 2)",
		"conf-change replace region(1) 0->0":   "region 1002 s2 s3 s4 to s1 s3 s4 (conf_ver 1 to 3)",
		"split region(0)":                      `region 1002 split at "bm" (version 1 to 2), regions 3 to 4`, // 1001 has too little data
		"transfer-leader region(2) to(1)":      "leader of region 1003 s3 to s5 (term 5 to 6)",
		"kill all":                             "s1 s2 s3 s4 s5 down, 15 commits lost",
		"kill majority(2)":                     "s4 s5 down, 9 commits lost",
	} {
		f := newFake(5)
		fault, err := ParseFault(text)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want, r.Text, text)
		require.True(t, r.Bit)
	}
}

// TestMembershipCommands: what each fault asks of the cluster, command by command, and what it tells of it.
func TestMembershipCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault, want string
		calls       []string
	}{
		{"learner region(0) on(1) stays", "learner on s5, region 1001 s1 s2 s3 to s1 s2 s3 + s5 (conf_ver 1 to 2)",
			[]string{"change 1001: [learner on s5]"}},
		{"learner region(0) on(1) demoted", "learner on s5, region 1001 s1 s2 s3 to s1 s2 s3 (conf_ver 1 to 5)",
			[]string{"change 1001: [learner on s5]", "change 1001: [voter on s5]", "change 1001: [learner on s5]", "change 1001: [removal on s5]"}},
		{"replace region(1) 0->0", "region 1002 s2 s3 s4 to s1 s3 s4 (conf_ver 1 to 4)",
			[]string{"change 1002: [learner on s1]", "change 1002: [voter on s1]", "change 1002: [removal on s2]"}},
		{"replace region(1) 0->0 joint", "region 1002 s2 s3 s4 to s1 s3 s4 (conf_ver 1 to 5)",
			[]string{"change 1002: [learner on s1]", "change 1002: [voter on s1 learner on s2]", "change 1002: [removal on s2]"}},
		{"joint region(0) 1->0 swaps(1) explicit", "region 1001 s1 s2 s3 to s1 s3 s4 + s2, joint (conf_ver 1 to 4)",
			[]string{"change 1001: [learner on s4]", "change 1001: [voter on s4 learner on s2]"}},
		{"joint region(0) 1->0 swaps(9)", "region 1001 s1 s2 s3 to s1 s4 s5 + s2 s3 (conf_ver 1 to 7)", // there is room for two
			[]string{"change 1001: [learner on s4]", "change 1001: [learner on s5]",
				"change 1001: [voter on s4 learner on s2 voter on s5 learner on s3]"}},
		{"joint region(0) 1->0 swaps(1) kill", "region 1001 s1 s2 s3 to s1 s3 s4 + s2 (conf_ver 1 to 4); s1 down, 1 commit lost",
			[]string{"change 1001: [learner on s4]", "change 1001: [voter on s4 learner on s2]", "crash 1"}},
		{"batch-split region(0) keys(3) right", "region 1002 split at 2 keys (version 1 to 2), regions 3 to 5",
			[]string{"split at bm", "split at bmz"}},
	} {
		f := newFake(5)
		fault, err := ParseFault(c.fault)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, c.want, r.Text, c.fault)
		require.True(t, r.Bit)
		require.Equal(t, c.calls, f.calls, c.fault)
	}
}

// lateJoint is a target in which a region has no leader for three looks, and the one that comes has a change in its log that enters a
// joint configuration.
type lateJoint struct {
	*fakeTarget
	looks int
}

func (t *lateJoint) Regions() []Region {
	switch t.looks++; t.looks {
	case 1:
		t.regions[1].Leader = 0
	case 4:
		t.regions[1].Leader, t.regions[1].Joint = 1, true
	}
	return t.fakeTarget.Regions()
}

func TestJointThatComesLateIsLeft(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	r, err := leaveAllJoints(f.p, &lateJoint{fakeTarget: f}, leaveAllWithin)
	require.NoError(t, err)
	require.Equal(t, "out of the joint configuration: [1002]", r.Text)
	require.False(t, f.regions[1].Joint)
}

// TestJointEnds: a region stays in the joint configuration as long as the fault lasts, and the heal of everything leaves
// none behind. A command that is refused is tried again, but not for ever.
func TestJointEnds(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	s, err := ParseSchedule("+1s for 2s joint region(0) 1->0 swaps(1) explicit kill\n")
	require.NoError(t, err)
	records := Run(f.p, f, s, time.Hour, func(r Record) { require.Equal(t, r.HealedAt == Open, f.regions[0].Joint) })
	require.Equal(t, "restart 1", f.calls[3])
	require.Equal(t, "leave 1001", f.calls[4])
	require.Contains(t, records[0].Text, "out of the joint configuration: [1001]; s1 up again")

	f = newFake(5)
	f.regions[2].Joint, f.adminErr = true, errors.New("busy")
	r, err := HealAll(f.p, f)
	require.ErrorIs(t, err, f.adminErr)
	require.Empty(t, r.Text)
	require.Equal(t, at(leaveAllWithin), f.p.now)
	f.adminErr = nil
	r, err = HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "out of the joint configuration: [1003]", r.Text)
	require.False(t, f.regions[2].Joint)

	f = newFake(5)
	for i := range f.regions {
		f.regions[i].Joint = true
	}
	f.adminErr, f.adminTime = errors.New("busy"), leaveWithin/2
	_, err = leaveJoints(f.p, f, leaveWithin)
	require.ErrorContains(t, err, "region 1003 stays in its joint configuration: there was no time left")
	require.Equal(t, at(leaveWithin), f.p.now)

	f = newFake(5)
	f.adminErr = errors.New("busy")
	r, err = Replace{Region: 1}.Apply(f.p, f)
	require.EqualError(t, err, "learner of region 1002 on s1: busy")
	require.Equal(t, Receipt{Text: "region 1002 stayed at conf_ver 1"}, r)
	require.Len(t, f.calls, changeTries)
}

func TestCoupsCutTheLeaderOff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"coup transfer region(0)":                         "region 1001 to s2, and s1 hears nothing",
		"coup restart region(0) clients=0x1 after 1.200s": "s2 against s1, which leads region 1001; s3 restarted",
	} {
		f := newFake(5)
		fault, err := ParseFault(text)
		require.NoError(t, err)
		began := f.p.Now()
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want, r.Text, text)
		require.True(t, f.cut(2, 1) && f.cut(5, 1))
		require.Equal(t, !fault.(Coup).Transfer, f.cut(1, 3))
		require.False(t, f.cut(2, 3) || f.cut(1001, 1) || f.cut(1002, 2), "clients and the others reach each other")
		require.Equal(t, !fault.(Coup).Transfer, f.cut(1002, 1))
		require.GreaterOrEqual(t, f.p.Now().Sub(began), fault.(Coup).After)
		require.True(t, f.Up(3))
		_, err = fault.Heal(f.p, f)
		require.NoError(t, err)
		require.False(t, f.cut(2, 1))
	}
}

func TestLeaderHearsOfThePast(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	began := f.p.Now()
	fault := Coup{Late: 700 * time.Millisecond, After: time.Second, Clients: 1}
	r, err := fault.Apply(f.p, f)
	require.NoError(t, err)
	require.Contains(t, r.Text, "s1, which leads region 1001, heard and was heard late, and now is not heard")
	require.Equal(t, fault.After+fault.Late, f.p.Now().Sub(began))
	require.True(t, f.cut(1, 2) && f.cut(1, 3) && f.cut(1, 1002) && f.cut(1002, 1))
	require.False(t, f.cut(2, 1) || f.cut(3, 1) || f.cut(1001, 1) || f.cut(1, 1001), "what others say comes in")
	_, err = fault.Heal(f.p, f)
	require.NoError(t, err)
	require.False(t, f.cut(1, 2))
	require.Equal(t, 700*time.Millisecond, Schedule{{Fault: fault}}.HoldUpMax())
}

func TestMergesBehindTheLeadersBack(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	r, err := Coup{Merge: true, Right: true}.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "region 1001 is to become part of region 1002, and s1 hears nothing", r.Text)
	require.True(t, f.cut(2, 1) && f.cut(3, 1))
	require.False(t, f.cut(1, 2) || f.cut(2, 3) || f.cut(1002, 1), "it is heard, and clients reach it")
}

func TestMergesAndTheirReceipts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"merge region(1) right":               "region 1002 became part of region 1003, regions 3 to 2",
		"merge region(1) right racing split":  "region 1002 became part of region 1003, regions 3 to 3",
		"merge region(1) right racing target": "region 1002 became part of region 1003, regions 3 to 2",
		"merge region(1) right racing source": "region 1002 became part of region 1003, regions 3 to 2",
		"merge region(0) left":                "region 1002 became part of region 1001, regions 3 to 2", // 1001 has none to its left
		"merge region(2) right":               "region 1001 became part of region 1002, regions 3 to 2", // nor 1003 to its right
	} {
		f := newFake(3)
		fault, err := ParseFault(text)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, want, r.Text, text)
		require.True(t, r.Bit)

		// Here no region is where its neighbour is: one has to split first.
		f = newFake(5)
		r, err = fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Contains(t, r.Text, "regions 4 to ", text)
		require.True(t, r.Bit)

		f = newFake(3)
		f.inert = true
		r, err = fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Contains(t, r.Text, "stayed at version 1")
		require.False(t, r.Bit)
	}
}

func TestCommandsWithoutEffectDidNotBite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"conf-change add region(0) on(1)": "region 1001 stayed at conf_ver 1",
		"transfer-leader region(2) to(1)": "leader of region 1003 stayed on s3",
	} {
		fault, err := ParseFault(text)
		require.NoError(t, err)

		f := newFake(5)
		f.inert = true
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, Receipt{Text: want}, r)
		require.Equal(t, at(settlePolls*settleEvery), f.p.now, "it waits, but not for ever")

		f = newFake(5)
		f.adminErr = errors.New("not leader")
		r, err = fault.Apply(f.p, f)
		require.ErrorIs(t, err, f.adminErr)
		require.Equal(t, Receipt{Text: want}, r)
		require.Equal(t, at(0), f.p.now)
	}
}

func TestSkipsSayWhy(t *testing.T) {
	t.Parallel()
	down := func(nodes ...world.NodeID) func(*fakeTarget) {
		return func(f *fakeTarget) {
			for _, n := range nodes {
				f.down[n] = true
			}
		}
	}
	for _, c := range []struct {
		fault  string
		stores int
		setup  func(*fakeTarget)
		want   string
	}{
		{"kill store(9)", 3, down(), "there is no store 9"},
		{"kill store(2)", 3, down(2), "s2 down already"},
		{"kill pd", 3, down(100), "pd down already"},
		{"kill any(1)", 3, down(1, 2, 3), "no store is up"},
		{"kill leader(1)", 3, down(1, 2, 3), "no region has a known leader"},
		{"kill stores(0x10)", 3, down(), "mask 0x10 names no store"},
		{"partition halves(0x7)", 3, down(), "no store is left on one of the sides"},
		{"partition isolate(majority(0))", 1, down(), "region 1001 has no replica besides its leader"},
		{"transfer-leader region(0) to(0)", 3, down(2, 3), "region 1001 has no other replica that is up"},
		{"conf-change add region(0) on(0)", 3, down(), "every store that is up holds region 1001"},
		{"conf-change remove region(0) from(0)", 2, down(), "region 1001 has only 2 replicas"},
		{"conf-change remove region(0) from(0)", 5, down(2), "without s1, region 1001 would have 1 of 2 replicas up and no quorum"},
		{"conf-change replace region(0) 0->0", 5, down(2, 3), "without s1, region 1001 would have 1 of 3 replicas up and no quorum"},
		{"conf-change add region(0) on(0)", 3, func(f *fakeTarget) { f.regions = nil }, "no region is known"},
		{"joint region(0) 0->0 swaps(1)", 3, down(), "no store that is up has room for region 1001"},
		{"joint region(0) 0->0 swaps(1)", 5, down(2, 3), "without s1, region 1001 would have 1 of 3 replicas up and no quorum"},
		{"joint region(0) 0->0 swaps(1)", 5, func(f *fakeTarget) { f.regions[0].Joint = true }, "region 1001 is in a joint configuration already"},
		{"learner region(0) on(0) stays", 3, down(), "every store that is up holds region 1001"},
		{"replace region(0) 0->0", 3, down(), "every store that is up holds region 1001"},
		{"replace region(0) 0->0", 5, down(2, 3), "without s1, region 1001 would have 1 of 3 replicas up and no quorum"},
		{"batch-split region(0) keys(3) left", 3, func(f *fakeTarget) { f.regions = f.regions[:1] },
			"no region from the 0. on has several keys to split at"},
		{"split region(0)", 3, func(f *fakeTarget) { f.regions = f.regions[:1] }, "no region from the 0. on has enough data to split"},
		{"merge region(0) right", 3, func(f *fakeTarget) { f.regions = f.regions[:1] }, "no region from the 0. on has enough data to split"},
		{"coup transfer region(0)", 5, down(2), "region 1001 has fewer than two replicas that are up beside its leader"},
		{"coup merge region(0) right", 5, down(), "no region with a known leader has its replicas on the same stores as that neighbour"},
		{"coup merge region(0) right", 3, down(3), "region 1001 has fewer than two replicas that are up beside its leader"},
		{"lag store(1) crashInSnapshot", 3, down(), "no failpoints are compiled in: build with the failpoint overlay"},
		{"bit-rot store(9) block(0)", 3, down(), "there is no store 9"},
		{"bit-rot store(1) block(0)", 3, down(2, 3), "s2 s3 down: one copy may be missing already"},
		{"bit-rot store(1) block(0)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 1, Repaired: true}, {Store: 2}} },
			"the damage on s2 is not repaired yet"},
		{"bit-rot store(1) block(0)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 1, Hidden: true}} },
			"the damage on s1 is not repaired yet"},
		{"bit-rot store(1) block(0)", 3, func(f *fakeTarget) { f.ails = "something" }, "s1 has no region with 3 voters that are all well"},
		{"bit-rot store(1) log(0)", 3, down(2), "s2 down: one copy may be missing already"},
		{"bit-rot store(1) log(0)", 3, func(f *fakeTarget) { f.ails = "region 1: something" }, "region 1: something"},
		{"bit-rot store(1) log(0)", 3, func(f *fakeTarget) { f.leaving = []world.NodeID{1} }, "s1 is to leave already"},
		{"wipe store(9)", 3, down(), "there is no store 9"},
		{"wipe store(1)", 3, down(3), "s3 down: one copy may be missing already"},
		{"wipe store(1)", 2, down(), "region 1001 on s1 has not 3 voters"},
		{"wipe store(1) blank", 3, func(f *fakeTarget) { f.ails = "region 1: something" }, "region 1: something"},
		{"wipe store(1)", 3, func(f *fakeTarget) { f.leaving = []world.NodeID{1} }, "s1 is to leave already"},
		{"wipe store(1)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 2}} }, "the damage on s2 is not repaired yet"},
		{"wipe store(1)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 2, Lost: true}} },
			"not all replicas of s2, which is lost, are replaced yet"},
		{"bit-rot store(1) block(0)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 2, Lost: true}} },
			"not all replicas of s2, which is lost, are replaced yet"},
		{"bit-rot store(1) block(0)", 2, down(), "s1 has no region with 3 voters that are all well"},
		{"bit-rot store(1) block(0)", 3, func(f *fakeTarget) {
			for i := range f.regions {
				f.regions[i].Joint = true
			}
		}, "s1 has no region with 3 voters that are all well"},
		{"conf-change remove region(0) from(0)", 3, func(f *fakeTarget) { f.damages = []Damage{{Store: 2}} },
			"the damage on s2, where region 1001 has a replica or is to get one, is not repaired yet"},
		{"crash-at crashA store(1)", 3, down(), "no failpoints are compiled in: build with the failpoint overlay"},
		{"crash-at crashA store(1)", 3, func(f *fakeTarget) { f.points = []string{"crashB", "crashC"} },
			"no failpoint crashA is compiled in, only crashB, crashC"},
		{"crash-at crashA store(1)", 3, func(f *fakeTarget) { f.points = []string{"crashA"}; f.down[1] = true }, "s1 down already"},
	} {
		f := newFake(c.stores)
		c.setup(f)
		fault, err := ParseFault(c.fault)
		require.NoError(t, err)
		r, err := fault.Apply(f.p, f)
		require.NoError(t, err)
		require.Equal(t, Receipt{Skipped: c.want}, r, c.fault)
		require.Empty(t, f.calls)
		require.Empty(t, f.cuts)
	}
}

func TestSkippedFaultsAreOverAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	records := run(t, f, "+1s for 9s kill store(9)")
	require.Equal(t, at(time.Second), records[0].HealedAt)
	require.Empty(t, f.calls)
	require.Equal(t, "1.000001s kill store(9): skipped, there is no store 9", records[0].String())
}

func TestCrashAtBitesOnlyIfHit(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.points = []string{"crashA", "crashB"}
	r, err := CrashAt{Point: "crashA", Whom: Stores(0x6)}.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "armed on s2", r.Text, "a point is armed on one store at a time")
	f.calls = nil
	s, err := ParseSchedule("+1s for 1s crash-at crashA leader(1)\n+1.5s for 1s crash-at crashB store(3)\n")
	require.NoError(t, err)
	records := Run(f.p, f, s, time.Hour, func(r Record) {
		if r.Index == 1 && r.HealedAt == Open {
			f.hits, f.down[3] = []string{"crashB"}, true
		}
	})
	require.Equal(t, []string{"arm crashA on 2", "arm crashB on 3", "disarm", "restart 3"}, f.calls)
	require.False(t, records[0].Bit)
	require.Equal(t, "armed on s2; not reached; s3 up again", records[0].Text)
	require.True(t, records[1].Bit, "its point was hit, though the heal of another ended it")
	require.Equal(t, "armed on s3; hit; ended by the heal of crash-at crashA leader(1)", records[1].Text)
}

// A voter that is about to lose its vote is none of those that are left.
func TestVotersThatGoDoNotCount(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	r := f.regions[0]
	require.Len(t, r.Peers, 3)
	require.Empty(t, endangers(f, r, []world.NodeID{1, 2}))
	r.Joint = true
	r.Peers = append(slices.Clone(r.Peers), Peer{ID: 9, Store: 4})
	r.Peers[1].Demoting = true
	f.down[3] = true
	require.Equal(t, "without s1, region 1001 would have 1 of 2 replicas up and no quorum", endangers(f, r, []world.NodeID{2, 3, 4}))
	require.Empty(t, endangers(f, r, []world.NodeID{1, 2, 4}))
}

// Where a learner is to be replaced nobody of the voters goes.
// TestVotesStayWhereDataAreDamaged: a fault of several steps must not take a vote away when another replica may be lost, for the
// driver may have taken one as well since it began.
func TestVotesStayWhereDataAreDamaged(t *testing.T) {
	t.Parallel()
	f := newFake(4)
	f.damages = []Damage{{Store: 2}}
	fault, err := ParseFault("learner region(0) on(0) demoted")
	require.NoError(t, err)
	r, err := fault.Apply(f.p, f)
	require.ErrorContains(t, err, "the damage on s2, where region 1001 has a replica or is to get one, is not repaired yet")
	require.True(t, r.Bit)
	require.Equal(t, []world.NodeID{1, 2, 3, 4}, f.regions[0].voters(), "it keeps the vote that it was given")
}

// mishap is a target whose first change fails, and then a disk is damaged.
type mishap struct{ *fakeTarget }

func (t mishap) ChangePeers(p world.Proc, id uint64, changes []PeerChange, explicit bool) error {
	if len(t.damages) > 0 {
		return t.fakeTarget.ChangePeers(p, id, changes, explicit)
	}
	t.damages = []Damage{{Store: 2}}
	return errors.New("busy")
}

func TestEachTryLooksAgain(t *testing.T) {
	t.Parallel()
	f := newFake(4)
	err := changePeer(f.p, mishap{f}, 1001, MakeLearner, 3)
	require.ErrorContains(t, err, "the damage on s2, where region 1001 has a replica or is to get one, is not repaired yet")
	require.Equal(t, []world.NodeID{1, 2, 3}, f.regions[0].voters())
}

func TestReplacedLearnerIsNoVoter(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	r := f.regions[0]
	f.down[2], f.down[3] = true, true
	require.Equal(t, "region 1001 would have 2 of 4 replicas up and no quorum", endangers(f, r, []world.NodeID{1, 2, 3, 4}))
}

// arrival is a target in which a store comes by an armed point once the network is whole.
type arrival struct{ *fakeTarget }

func (t arrival) HealNetwork() {
	t.fakeTarget.HealNetwork()
	t.hits, t.down[2] = []string{"crashInSnapshot"}, true
}

func TestLagCrashesWhoCatchesUp(t *testing.T) {
	t.Parallel()
	const text = "+1s for 1s lag store(2) crashInSnapshot\n"
	s, err := ParseSchedule(text)
	require.NoError(t, err)
	f := newFake(3)
	f.points = []string{"crashInSnapshot"}
	records := Run(f.p, arrival{f}, s, time.Hour, func(r Record) {
		if r.HealedAt == Open {
			require.True(t, f.cut(2, 1) && f.cut(1, 2) && f.cut(2, 3) && !f.cut(1, 3))
		}
	})
	require.True(t, records[0].Bit)
	require.Equal(t, "s2 left behind; 110 messages cut; hit; s2 up again", records[0].Text)

	f = newFake(3)
	f.points, f.inert = []string{"crashInSnapshot"}, true
	r := run(t, f, text)[0]
	require.Equal(t, "s2 left behind; 0 messages cut; not reached", r.Text)
	require.False(t, r.Bit, "nothing was cut and nobody came by")
	require.Less(t, r.HealedAt.Sub(r.AppliedAt), 3*time.Second, "the wait for it is bounded")
}

// brittleTarget refuses to start one store.
type brittleTarget struct{ *fakeTarget }

func (t brittleTarget) Restart(n world.NodeID) error {
	if n == 2 {
		return errors.New("disk on fire")
	}
	return t.fakeTarget.Restart(n)
}

func TestHealAll(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.down[1], f.down[2], f.down[100] = true, true, true
	f.hits = []string{"crashA"}
	f.Cut(1, 2)
	r, err := HealAll(f.p, brittleTarget{f})
	require.EqualError(t, err, "restart node 2: disk on fire")
	require.Equal(t, []string{"crashA"}, r.Hits)
	require.Equal(t, "pd up again; s1 up again", r.Text)
	require.Empty(t, f.cuts)
	r, err = HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "s2 up again", r.Text)
	r, err = HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{}, r)
}

func TestHealErrorsAreRecorded(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	s, err := ParseSchedule("+1s for 1s kill all")
	require.NoError(t, err)
	records := Run(f.p, brittleTarget{f}, s, time.Hour, nil)
	require.EqualError(t, records[0].Err, "restart node 2: disk on fire")
	require.Equal(t, "1.000001s kill all: s1 s2 s3 down, 6 commits lost; s1 s3 up again (restart node 2: disk on fire)", records[0].String())
}

// TestOverdueFaultsWaitForHeals: where commands take long, faults that are late do not go before the end of one that lasts.
func TestOverdueFaultsWaitForHeals(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.adminTime = 5 * time.Second
	text := "+1s for 2s kill store(3)\n"
	for range 5 {
		text += "+2s transfer-leader region(0) to(0)\n"
	}
	records := run(t, f, text)
	require.Equal(t, at(7*time.Second), records[0].HealedAt, "one command was under way when it was due")
	require.Equal(t, at(22*time.Second), records[5].AppliedAt)
}
