package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/world"
)

func anyWhom(t *rapid.T, label string) Whom {
	w := Whom{Kind: WhomKind(rapid.IntRange(int(WhomStore), int(WhomAll)).Draw(t, label))}
	switch w.Kind {
	case WhomAll:
	case WhomStores:
		w.N = rapid.Uint64().Draw(t, label+" mask")
	default:
		w.N = uint64(rapid.Uint32().Draw(t, label+" number"))
	}
	return w
}

func anySide(t *rapid.T, label string) Side {
	if rapid.Bool().Draw(t, label+" both") {
		return SideBoth
	}
	return Side{In: rapid.SampledFrom([]uint64{0, 5, 1 << 63, ^uint64(0)}).Draw(t, label)}
}

func anyPDWhom(t *rapid.T) PDWhom {
	w := PDWhom{Kind: PDKind(rapid.IntRange(int(PDAll), int(PDAny)).Draw(t, "whom"))}
	if w.Kind == PDAny {
		w.N = uint64(rapid.Uint32().Draw(t, "number"))
	}
	return w
}

func anyVictims(t *rapid.T) Victims {
	if rapid.Bool().Draw(t, "of the driver") {
		return Victims{PD: true, Members: anyPDWhom(t)}
	}
	return Victims{Stores: anyWhom(t, "whom")}
}

func anyFault(t *rapid.T) Fault {
	n := func(label string) uint64 { return uint64(rapid.Uint32().Draw(t, label)) }
	switch rapid.IntRange(0, 23).Draw(t, "fault") {
	case 0:
		f := Partition{First: anyWhom(t, "first"), Second: Whom{Kind: WhomRest}, PD: anySide(t, "pd"), Clients: anySide(t, "clients")}
		if f.OneWay = rapid.Bool().Draw(t, "oneway"); f.OneWay && rapid.Bool().Draw(t, "second") {
			f.Second = anyWhom(t, "second")
			if rapid.Bool().Draw(t, "rest first") {
				f.First = Whom{Kind: WhomRest}
			}
		}
		return f
	case 1:
		return Kill{anyWhom(t, "whom")}
	case 2:
		return KillPD{anyPDWhom(t)}
	case 18:
		return Pause{anyVictims(t)}
	case 19:
		percent := func(label string) uint64 { return rapid.Uint64Range(0, 100).Draw(t, label) }
		slow := time.Duration(rapid.IntRange(0, 5000).Draw(t, "slow")) * time.Millisecond
		return Net{anyVictims(t), Weather{percent("loss"), percent("again"), percent("overtake"), slow}}
	case 20:
		f := Disk{Whom: anyVictims(t)}
		switch rapid.IntRange(0, 2).Draw(t, "trouble") {
		case 0:
			f.Stalls = true
		case 1:
			f.Fails = true
		default:
			f.Slow = time.Duration(rapid.IntRange(0, 5000).Draw(t, "slow")) * time.Millisecond
		}
		return f
	case 21:
		f := Clock{Whom: anyVictims(t)}
		if rapid.Bool().Draw(t, "jumps") {
			f.Jump = time.Duration(rapid.IntRange(1, 5000).Draw(t, "jump")) * time.Millisecond
		} else {
			f.Speed = rapid.Uint64Range(0, 100).Draw(t, "speed")
		}
		return f
	case 22:
		f := Restart{Rolling: rapid.Bool().Draw(t, "rolling"), Whom: anyWhom(t, "whom")}
		if !f.Rolling {
			f.Times = rapid.Uint64Range(1, restartMax).Draw(t, "times")
		}
		return f
	case 23:
		f := Shape{Kind: ShapeKind(rapid.IntRange(int(ShapeBridge), int(ShapeSwizzle)).Draw(t, "shape"))}
		switch f.Kind {
		case ShapeBridge:
			f.Mask, f.Over = rapid.Uint64().Draw(t, "mask"), n("over")
		case ShapeFlap:
			f.Whom, f.Times = anyWhom(t, "whom"), rapid.Uint64Range(1, flapsMax).Draw(t, "times")
		case ShapeSwizzle:
			f.Mask = rapid.Uint64().Draw(t, "mask")
		}
		return f
	case 17:
		percent := func(label string) uint64 { return rapid.Uint64Range(0, 100).Draw(t, label) }
		within := time.Duration(rapid.IntRange(1, 5000).Draw(t, "within")) * time.Millisecond
		return PDReplay{Tampering{percent("late"), percent("again"), percent("old"), within}}
	case 15:
		return PDStorm{Orders: rapid.Uint64Range(0, stormMax).Draw(t, "orders"), Pick: n("pick")}
	case 16:
		return Decommission{anyWhom(t, "whom")}
	case 3:
		f := CrashAt{Point: anyPoint(t), Whom: anyWhom(t, "whom"), Act: Act{Kind: ActKind(rapid.IntRange(0, 2).Draw(t, "act"))}}
		if f.Act.Kind == ActDelay {
			f.Act.By = time.Duration(rapid.Int64Range(1, int64(delayMax)).Draw(t, "by"))
		}
		return f
	case 4:
		return TransferLeader{Region: n("region"), To: n("to")}
	case 5:
		f := ConfChange{Kind: ConfChangeKind(rapid.IntRange(1, 3).Draw(t, "kind")), Region: n("region")}
		if f.Kind != AddReplica {
			f.From = n("from")
		}
		if f.Kind != RemoveReplica {
			f.To = n("to")
		}
		return f
	case 6:
		return Merge{Region: n("region"), Right: rapid.Bool().Draw(t, "right"), Race: Race(rapid.IntRange(0, 3).Draw(t, "race"))}
	case 7:
		return Joint{Region: n("region"), From: n("from"), To: n("to"), Swaps: n("swaps"),
			Explicit: rapid.Bool().Draw(t, "explicit"), Kill: rapid.Bool().Draw(t, "kill")}
	case 8:
		end := LearnerEnd(rapid.IntRange(int(LearnerStays), int(LearnerDemoted)).Draw(t, "end"))
		return Learner{Region: n("region"), On: n("on"), End: end}
	case 9:
		return Replace{Region: n("region"), From: n("from"), To: n("to"), Joint: rapid.Bool().Draw(t, "joint")}
	case 10:
		return BatchSplit{Region: n("region"), Keys: n("keys"), Right: rapid.Bool().Draw(t, "right")}
	case 11:
		f := PDPartition{Whom: anyPDWhom(t), Members: rapid.Bool().Draw(t, "members"), OneWay: rapid.Bool().Draw(t, "oneway")}
		if !f.Members || rapid.Bool().Draw(t, "stores") {
			f.Stores = rapid.Uint64Min(1).Draw(t, "mask")
		}
		return f
	case 12:
		return TransferPD{To: n("to")}
	case 13:
		return BitRot{Whom: anyWhom(t, "whom"), Block: n("block")}
	default:
		return Split{Region: n("region")}
	}
}

func TestFaultTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyEntryFault(t)
		got, err := ParseFault(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestScheduleTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var want Schedule
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			e := Entry{At: time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "at")), Fault: anyEntryFault(t)}
			if effectOf(e.Fault) != effectInstant {
				e.For = time.Duration(rapid.Int64Range(1, 1e13).Draw(t, "for"))
			}
			want = append(want, e)
		}
		got, err := ParseSchedule(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestFaultText(t *testing.T) {
	t.Parallel()
	rest := Whom{Kind: WhomRest}
	for text, f := range map[string]Fault{
		"partition halves(0x15) pd=in":                           Partition{First: Stores(0x15), Second: rest, PD: SideIn, Clients: SideBoth},
		"partition isolate(store(3)) pd=out":                     Partition{First: Store(3), Second: rest, PD: SideOut, Clients: SideBoth},
		"partition isolate(leader(7))":                           Partition{First: Leader(7), Second: rest, PD: SideBoth, Clients: SideBoth},
		"partition oneway(leader(2)->rest)":                      Partition{First: Leader(2), Second: rest, OneWay: true, PD: SideBoth, Clients: SideBoth},
		"partition oneway(rest->any(1)) clients=0x5":             Partition{First: rest, Second: Whom{WhomAny, 1}, OneWay: true, PD: SideBoth, Clients: Side{In: 5}},
		"kill store(3)":                                          Kill{Store(3)},
		"kill all":                                               Kill{Whom{Kind: WhomAll}},
		"kill pd":                                                KillPD{},
		"kill pd leader":                                         KillPD{PDWhom{Kind: PDLeader}},
		"kill pd any(2)":                                         KillPD{PDWhom{PDAny, 2}},
		"pd-partition leader members":                            PDPartition{Whom: PDWhom{Kind: PDLeader}, Members: true},
		"pd-partition any(1) members stores=0x5 oneway":          PDPartition{Whom: PDWhom{PDAny, 1}, Members: true, Stores: 5, OneWay: true},
		"pd-partition all stores=0x3":                            PDPartition{Stores: 3},
		"pd-leader-transfer to(2)":                               TransferPD{2},
		"crash-at crashAfterApply leader(4)":                     CrashAt{Point: "crashAfterApply", Whom: Leader(4)},
		"lag store(2) crashInSnapshot":                           Lag{Store(2), "crashInSnapshot"},
		"transfer-leader region(1) to(2)":                        TransferLeader{1, 2},
		"conf-change add region(1) on(2)":                        ConfChange{Kind: AddReplica, Region: 1, To: 2},
		"conf-change remove region(1) from(2)":                   ConfChange{Kind: RemoveReplica, Region: 1, From: 2},
		"conf-change replace region(1) 2->3":                     ConfChange{Kind: ReplaceReplica, Region: 1, From: 2, To: 3},
		"pd-replay late(5) again(10) old(100) within 1.200s":     PDReplay{Tampering{5, 10, 100, 1200 * time.Millisecond}},
		"pd-storm orders(9) pick(4294967295)":                    PDStorm{9, 4294967295},
		"wipe store(2)":                                          Wipe{Whom: Store(2)},
		"wipe leader(1) blank":                                   Wipe{Whom: Leader(1), Blank: true},
		"bit-rot any(3) log(99)":                                 RotLog{Whom: Whom{Kind: WhomAny, N: 3}, Record: 99},
		"decommission store(2)":                                  Decommission{Store(2)},
		"decommission leader(3)":                                 Decommission{Leader(3)},
		"partition bridge(0x3) over(4)":                          Shape{Kind: ShapeBridge, Mask: 3, Over: 4},
		"partition ring":                                         Shape{Kind: ShapeRing},
		"partition flap(leader(2)) times(3)":                     Shape{Kind: ShapeFlap, Whom: Leader(2), Times: 3},
		"partition swizzle(0x1b)":                                Shape{Kind: ShapeSwizzle, Mask: 0x1b},
		"pause leader(3)":                                        Pause{Victims{Stores: Leader(3)}},
		"pause pd leader":                                        Pause{Victims{PD: true, Members: PDWhom{Kind: PDLeader}}},
		"restart rolling all":                                    Restart{Rolling: true, Whom: Whom{Kind: WhomAll}},
		"restart loop leader(1) times(4)":                        Restart{Whom: Leader(1), Times: 4},
		"net store(2) loss(5) again(6) overtake(7) slow(0.080s)": Net{Victims{Stores: Store(2)}, Weather{5, 6, 7, 80 * time.Millisecond}},
		"disk store(2) slow(0.080s)":                             Disk{Victims{Stores: Store(2)}, DiskTrouble{Slow: 80 * time.Millisecond}},
		"disk store(1) full":                                     Disk{Victims{Stores: Store(1)}, DiskTrouble{Full: true}},
		"disk leader(1) low":                                     Disk{Victims{Stores: Leader(1)}, DiskTrouble{Low: true}},
		"disk store(1) unreadable":                               Disk{Victims{Stores: Store(1)}, DiskTrouble{Unreadable: true}},
		"disk pd any(1) stalls":                                  Disk{Victims{PD: true, Members: PDWhom{PDAny, 1}}, DiskTrouble{Stalls: true}},
		"disk leader(2) fails":                                   Disk{Victims{Stores: Leader(2)}, DiskTrouble{Fails: true}},
		"clock store(2) jump(1.200s)":                            Clock{Whom: Victims{Stores: Store(2)}, Jump: 1200 * time.Millisecond},
		"clock pd all speed(50)":                                 Clock{Whom: Victims{PD: true}, Speed: 50},
		"split region(9)":                                        Split{9},
		"joint region(1) 2->3 swaps(2)":                          Joint{Region: 1, From: 2, To: 3, Swaps: 2},
		"joint region(1) 2->3 swaps(1) explicit":                 Joint{Region: 1, From: 2, To: 3, Swaps: 1, Explicit: true},
		"joint region(1) 2->3 swaps(1) kill":                     Joint{Region: 1, From: 2, To: 3, Swaps: 1, Kill: true},
		"learner region(1) on(2) stays":                          Learner{1, 2, LearnerStays},
		"learner region(1) on(2) demoted":                        Learner{1, 2, LearnerDemoted},
		"replace region(1) 2->3":                                 Replace{Region: 1, From: 2, To: 3},
		"replace region(1) 2->3 joint":                           Replace{Region: 1, From: 2, To: 3, Joint: true},
		"batch-split region(1) keys(3) left":                     BatchSplit{Region: 1, Keys: 3},
		"batch-split region(1) keys(3) right":                    BatchSplit{Region: 1, Keys: 3, Right: true},
		"merge region(9) left":                                   Merge{Region: 9},
		"coup transfer region(4)":                                Coup{Region: 4, Transfer: true},
		"coup merge region(4) right":                             Coup{Region: 4, Merge: true, Right: true},
		"coup late(0.700s) region(4) clients=0x1 after 1.200s":   Coup{Region: 4, Late: 700 * time.Millisecond, Clients: 1, After: 1200 * time.Millisecond},
		"coup restart region(4) clients=0x3 after 1.200s":        Coup{Region: 4, Clients: 3, After: 1200 * time.Millisecond},
		"merge region(9) right":                                  Merge{Region: 9, Right: true},
		"merge region(9) left racing source":                     Merge{Region: 9, Race: RaceSource},
	} {
		require.Equal(t, text, f.String())
		got, err := ParseFault(text)
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	same, err := ParseFault("  partition  isolate( stores(0x15)) pd=0x0 clients=both ")
	require.NoError(t, err)
	require.Equal(t, "partition halves(0x15) pd=out", same.String())
}

func TestScheduleTextForPeople(t *testing.T) {
	t.Parallel()
	s, err := ParseSchedule("# drawn by seed 7\n\n+1.25s for 800ms partition isolate(leader(3)) # a comment\r\n +1m split region(0)\n")
	require.NoError(t, err)
	require.Equal(t, "+1.250s for 0.800s partition isolate(leader(3))\n+60.000s split region(0)\n", s.String())
	require.Equal(t, time.Minute, s.Duration())
	s, err = ParseSchedule("# nothing\n")
	require.NoError(t, err)
	require.Empty(t, s)
}

func TestMalformedSchedules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1s split region(1)":                              `schedule, line 1, column 1: want a time such as +1.250s, found "1s split region(1)"`,
		"+1 split region(1)":                              `line 1, column 2: want a time such as +1.250s, found "1"`,
		"+-1s split region(1)":                            `line 1, column 2: want a time such as +1.250s, found "-1s"`,
		"++1s split region(1)":                            `line 1, column 2: want a time`,
		"+":                                               `line 1, column 2: want a time such as +1.250s, found ""`,
		"+99999999999h kill pd":                           `line 1, column 2: want a time`,
		"# x\n+1s for":                                    `line 2, column 8: want a time such as 0.800s, found ""`,
		"+1s for 0s kill all":                             `line 1, column 5: a fault that lasts no time does nothing`,
		"+1s":                                             `line 1, column 4: want a fault: partition, kill, crash-at, transfer-leader, conf-change, joint`,
		"+1s partitoin halves":                            `line 1, column 5: unknown fault "partitoin", want one of partition, kill`,
		"+1s kill all":                                    `line 1, column 5: kill lasts: say for how long, such as for 0.800s`,
		"+1s for 1s split region(1)":                      `line 1, column 5: split is done in an instant and takes no for`,
		"+1s for 1s kill":                                 `line 1, column 16: want pd, store(ID), any(K), leader(K), majority(K), stores(MASK) or all, found the end of the line`,
		"+1s for 1s kill rest":                            `line 1, column 17: want pd, store(ID)`,
		"+1s for 1s kill store":                           `line 1, column 22: want "(", found the end of the line`,
		"+1s for 1s kill store(x)":                        `line 1, column 23: want the number of store, a number below 2^32, found "x)"`,
		"+1s for 1s kill store(4294967296)":               `want the number of store, a number below 2^32, found "4294967296)"`,
		"+1s for 1s kill store(1":                         `line 1, column 24: want ")", found the end of the line`,
		"+1s for 1s kill store(1) now":                    `line 1, column 26: unexpected "now" after the fault`,
		"+1s for 1s partition":                            `line 1, column 21: want halves(MASK), isolate(WHOM), oneway(WHOM->WHOM), bridge(MASK), ring, flap(WHOM) or swizzle(MASK)`,
		"+1s for 1s partition flap(any(1)) times(11)":     `column 35: want 1 to 10 times, found 11`,
		"+1s for 1s partition bridge(0x3)":                `want "over(", found the end of the line`,
		"+1s for 1s pause":                                `column 17: want pd, store(ID)`,
		"+1s for 1s pause pd":                             `want all, leader or any(K), found the end of the line`,
		"+1s restart store(1)":                            `column 13: want rolling or loop, found "store(1)"`,
		"+1s restart loop any(1) times(0)":                `want 1 to 8 times, found 0`,
		"+1s for 1s net all loss(101)":                    `want at most 100 percent, found 101`,
		"+1s for 1s net all loss(1) again(1) overtake(1)": `want "slow(", found the end of the line`,
		"+1s for 1s net all loss(1) again(1) overtake(1) slow(x)": `want a time such as 1.200s, found "x)"`,
		"+1s for 1s disk any(1) burns":                            `want slow(TIME), stalls, low, fails, full or unreadable, found "burns"`,
		"+1s clock any(1)":                                        `want jump(TIME) or speed(PERCENT), found the end of the line`,
		"+1s clock any(1) jump(0s)":                               `want a time above 0`,
		"+1s for 1s partition thirds(0x1)":                        `line 1, column 22: want halves(MASK)`,
		"+1s for 1s partition halves(15)":                         `line 1, column 29: want a mask of up to 64 nodes such as 0x15, found "15)"`,
		"+1s for 1s partition halves(0x1ffffffffffffffff)":        `want a mask of up to 64 nodes`,
		"+1s for 1s partition isolate(rest)":                      `line 1, column 30: want store(ID)`,
		"+1s for 1s partition oneway(0x1->rest)":                  `line 1, column 29: want rest, store(ID)`,
		"+1s for 1s partition oneway(rest->rest)":                 `line 1, column 29: only one of the two groups can be the rest`,
		"+1s for 1s partition oneway(all)":                        `line 1, column 32: want "->", found ")"`,
		"+1s for 1s partition isolate(any(1)) pd=left":            `line 1, column 41: want in, out, both or a mask such as 0x15, found "left"`,
		"+1s for 1s partition isolate(any(1)) clients=in pd=in":   `line 1, column 49: want pd=SIDE, then clients=SIDE, or nothing, found "pd=in"`,
		"+1s for 1s crash-at leader(1)":                           `want store(ID)`,
		"+1s for 1s lag store(1)":                                 `want the name of a crash point, found the end`,
		"+1s for 1s crash-at (1)":                                 `want the name of a failpoint, found "(1)"`,
		"+1s for 1s kill pd store(1)":                             `line 1, column 20: want all, leader or any(K), found "store(1)"`,
		"+1s for 1s kill pd any":                                  `want "any(", found "any"`,
		"+1s for 1s pd-partition members":                         `line 1, column 25: want all, leader or any(K), found "members"`,
		"+1s for 1s pd-partition leader":                          `want members, stores=MASK with a store, or both, found the end`,
		"+1s for 1s pd-partition leader oneway":                   `want members, stores=MASK with a store, or both, found "oneway"`,
		"+1s for 1s pd-partition leader stores=0x0":               `want members, stores=MASK with a store, or both, found "stores=0x0"`,
		"+1s for 1s pd-partition leader stores=3":                 `want a mask`,
		"+1s pd-leader-transfer from(1)":                          `want "to("`,
		"+1s transfer-leader region(1)":                           `line 1, column 30: want "to(", found the end of the line`,
		"+1s conf-change swap region(1)":                          `line 1, column 17: want add, remove or replace, found "swap region(1)"`,
		"+1s conf-change add region(1) from(2)":                   `want "on(", found "from(2)"`,
		"+1s conf-change replace region(1) 1-2":                   `want "->", found "-2"`,
		"+1s conf-change replace region(1) a":                     `want the ordinal of a replica`,
		"+1s joint region(1) 1->2 swaps(1)":                       `joint lasts: say for how long`,
		"+1s for 1s joint region(1) 1 swaps(1)":                   `want "->", found " swaps(1)"`,
		"+1s for 1s joint region(1) 1->2":                         `want "swaps(", found the end of the line`,
		"+1s for 1s joint region(1) 1->2 swaps(1) kill it":        `unexpected "it" after the fault`,
		"+1s learner region(1) on(2) dies":                        `line 1, column 29: want stays, removed, promoted or demoted, found "dies"`,
		"+1s replace region(1) ->2":                               `want the ordinal of a replica`,
		"+1s batch-split region(1) left":                          `want "keys(", found "left"`,
		"+1s batch-split region(1) keys(2) up":                    `want left or right, found "up"`,
	} {
		s, err := ParseSchedule(text)
		require.ErrorContains(t, err, want, text)
		require.Nil(t, s)
	}
	_, err := ParseFault("kill everybody")
	require.ErrorContains(t, err, `fault "kill everybody": column 6: want pd, store(ID)`)
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("+1.250s for 0.800s partition isolate(leader(3)) pd=0x5\n# note\n+2s kill pd")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := ParseSchedule(s.String())
		require.NoError(t, err)
		require.Equal(t, s.String(), again.String())
	})
}

func TestParseFamilies(t *testing.T) {
	t.Parallel()
	all, err := ParseFamilies("all")
	require.NoError(t, err)
	require.Len(t, all, len(Families()))
	none, err := ParseFamilies("none")
	require.NoError(t, err)
	require.Empty(t, none)
	some, err := ParseFamilies("split, kill,split")
	require.NoError(t, err)
	require.Len(t, some, 2)
	require.Equal(t, "kill", some[0].Name)
	require.Equal(t, "split", some[1].Name)
	_, err = ParseFamilies("kill,fire")
	require.EqualError(t, err, `unknown nemesis "fire": want all, none, or a list of partition,kill,transfer-leader,conf-change,joint,learner,replace,split,batch-split,merge,coup,lag,crash-at,bit-rot,wipe,decommission,pd-kill,pd-partition,pd-leader-transfer,pd-replay,pd-storm,pause,restart,net,disk,clock,when`)
	_, err = ParseFamilies("")
	require.ErrorContains(t, err, `unknown nemesis "": want all`)
	_, err = ParseFamilies("kill,all")
	require.EqualError(t, err, `nemesis "all" stands alone, it cannot be part of the list "kill,all"`)
	require.Contains(t, some[0].Unavailable(0, Options{}), "kill needs 1 store, there are 0")
	require.Empty(t, some[0].Unavailable(3, Options{}))
}

var _ world.Proc = (*fakeProc)(nil)
var _ Target = (*fakeTarget)(nil)
