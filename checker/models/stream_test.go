package models

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

// feed gives a history to a new stream.
func feed(m *Model, h *checker.History) *Stream {
	s := m.NewStream()
	ops := slices.Clone(h.Ops)
	slices.SortStableFunc(ops, func(a, b checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	for i := range ops {
		s.Feed(&ops[i])
	}
	return s
}

// TestStreamAgrees: a stream says of random histories what the checker of whole ones says, and confirms it.
func TestStreamAgrees(t *testing.T) {
	t.Parallel()
	for i := range All {
		m := &All[i]
		for _, unique := range []bool{true, false} {
			if !unique && m.chain != noOrder {
				continue // elements that repeat are for whole histories
			}
			r, fails := rand.New(rand.NewPCG(5, uint64(i))), 0
			const n = 6000
			for range n {
				h := random(r, m.Name, unique)
				want, err := m.Check(h, checker.Options{})
				require.NoError(t, err)
				s := feed(m, h)
				got := s.Finish()
				require.Equal(t, want.Verdict, got.Verdict, "%s: %v %v\n%s", m.Name, want.Reasons, got.Reasons, listed(h))
				require.Equal(t, want.OpsChecked, got.OpsChecked)
				require.Equal(t, h.Count(), s.Counts())
				require.Equal(t, want.Verdict == checker.FAIL, s.Violated())
				if want.Verdict != checker.FAIL {
					continue
				}
				fails++
				var file bytes.Buffer
				require.NoError(t, checker.WriteJSONL(&file, h))
				sure, err := s.Confirm(&file, checker.Options{})
				require.NoError(t, err)
				require.Equal(t, want.Verdict, sure.Verdict)
				require.Equal(t, want.Reasons, sure.Reasons)
				require.NotEmpty(t, sure.Violations[0].Ops)
			}
			t.Logf("%s: %d of %d fail", m.Name, fails, n)
			require.Greater(t, fails, n/20)
		}
	}
}

// TestStreamAgreesOnScripts: so it does of the small ones. It does not judge removals, and counts on it that no element is
// written twice: of a history in which one is, it may not know, and once it has confirmed what it found, it does not say what is wrong.
func TestStreamAgreesOnScripts(t *testing.T) {
	t.Parallel()
	judged := map[string]int{}
	for _, script := range allScripts(t) {
		name := fmt.Sprintf("%s %s", script.model, script.title)
		m := ByName(script.model)
		s := feed(m, &script.h)
		r := s.Finish()
		removes := slices.ContainsFunc(script.h.Ops, func(o checker.Op) bool { return o.Kind == checker.Remove })
		require.Equal(t, removes, s.malformed != nil, name)
		if removes || len(s.twice) > 0 {
			require.Equal(t, checker.UNKNOWN, r.Verdict, "%s: what it can't judge", name)
			continue
		}
		keys, err := m.split(&script.h)
		require.NoError(t, err)
		if repeats := m.chain != noOrder && newChain(keys[0]) == nil; repeats {
			var file bytes.Buffer
			require.NoError(t, checker.WriteJSONL(&file, &script.h))
			r, err = s.Confirm(&file, checker.Options{})
			require.NoError(t, err)
			if r.Verdict == checker.UNKNOWN {
				continue
			}
		} else {
			judged[fmt.Sprint(script.model, " ", r.Verdict)]++
		}
		want := map[bool]checker.Verdict{false: checker.OK, true: checker.FAIL}[script.reject]
		require.Equal(t, want, r.Verdict, "%s: %v", name, r.Reasons)
	}
	t.Logf("judged: %v", judged)
	for i := range All {
		require.Greater(t, judged[All[i].Name+" OK"], 25)
		require.Greater(t, judged[All[i].Name+" FAIL"], 25)
	}
}

// TestStreamForgets: what is kept of a key at rest does not depend on how much was done to it.
func TestStreamForgets(t *testing.T) {
	t.Parallel()
	for i := range All {
		m := &All[i]
		s := m.NewStream()
		at := world.Time(0)
		do := func(o checker.Op) {
			at += 10
			o.ID, o.Key, o.Invoke, o.Return, o.Outcome = int(at), "x", at, at+5, checker.Ok
			s.Feed(&o)
		}
		var items []string
		const n = 300
		for i := range n {
			write := checker.Op{Kind: m.writes[0], Value: fmt.Sprint("v", i)}
			read := checker.Op{Kind: checker.Get, Found: true}
			if items = append(items, write.Value); m.chain == noOrder {
				write.Value, read.Read = "1", fmt.Sprint(i+1)
			} else {
				read.Items = slices.Clone(items)
			}
			do(write)
			do(read)
		}
		require.Equal(t, checker.OK, s.Finish().Verdict, m.Name)
		switch is := s.byKey["x"].is.(type) {
		case *growing:
			require.Equal(t, n, is.base)
			require.Empty(t, is.levels)
			require.Nil(t, is.writes, "a map that was emptied keeps its memory")
			require.Nil(t, is.waiting)
		case *counting:
			require.Nil(t, is.search)
			require.EqualValues(t, n, is.value)
		}
		require.Empty(t, s.returns)
	}
}

// TestStreamConfirms: what the checker of whole histories explains is not a violation, and a history that is out of order is
// not OK.
func TestStreamConfirms(t *testing.T) {
	t.Parallel()
	m := ByName("append")
	h := &checker.History{Ops: []checker.Op{
		{ID: 1, Kind: checker.Append, Key: "x", Value: "a", Invoke: 1, Return: 2, Outcome: checker.Ok},
		{ID: 2, Kind: checker.Get, Key: "x", Invoke: 3, Return: 4, Outcome: checker.Ok},
	}}
	s := feed(m, h)
	require.Equal(t, checker.FAIL, s.Finish().Verdict)
	h.Ops[1].Items = []string{"a"}
	var file bytes.Buffer
	require.NoError(t, checker.WriteJSONL(&file, h))
	r, err := s.Confirm(&file, checker.Options{})
	require.NoError(t, err)
	require.Equal(t, checker.UNKNOWN, r.Verdict)
	require.Contains(t, r.Reasons[0], "THE CHECKERS DISAGREE")

	s = m.NewStream()
	s.Feed(&h.Ops[1])
	s.Feed(&h.Ops[0])
	require.Equal(t, checker.UNKNOWN, s.Finish().Verdict)
	_, err = feed(m, &checker.History{Ops: h.Ops}).Confirm(bytes.NewReader(nil), checker.Options{})
	require.NoError(t, err)
}
