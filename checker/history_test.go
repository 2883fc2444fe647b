package checker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/world"
)

func TestRecorderAndMerge(t *testing.T) {
	t.Parallel()
	c1, c2 := NewRecorder(1), NewRecorder(2)
	first := c2.Begin(Op{Kind: Put, Key: "x", Value: "1"}, 10)
	var ops []*Op
	for i := range 3 * recorderChunk {
		ops = append(ops, c1.Begin(Op{Kind: Get, Key: "x"}, world.Time(10+i)))
	}
	for i, o := range ops {
		o.Found, o.Read = true, "1"
		c1.End(o, Ok, world.Time(2000+i))
	}
	require.Equal(t, 3*recorderChunk, c1.Len())
	h := Merge(c2, c1)
	require.Len(t, h.Ops, 3*recorderChunk+1)
	require.Equal(t, Counts{Ok: 3 * recorderChunk, Unknown: 1}, h.Count())
	require.Equal(t, 3*recorderChunk+1, h.Count().Total())
	require.Equal(t, []int{1, 2, 1}, []int{h.Ops[0].Client, h.Ops[1].Client, h.Ops[2].Client}, "by time, then by client")
	for i, o := range h.Ops {
		require.Equal(t, i+1, o.ID)
	}
	require.Equal(t, Never, h.Ops[1].Return)
	require.Equal(t, Unknown, h.Ops[1].Outcome)
	require.Equal(t, OK, Check(h, Options{}).Verdict, "an open put explains what was read")

	c2.End(first, Failed, 3000)
	require.Panics(t, func() { c2.End(first, Ok, 3001) }, "an operation ends once")
	require.Equal(t, FAIL, Check(Merge(c1, c2), Options{}).Verdict)
}

func TestJSONLRoundTrip(t *testing.T) {
	t.Parallel()
	anyText := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "b64:", "b64:!", "\xff\x00", "<&>\u2028"}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(rt *rapid.T) {
		h := &History{}
		for i := range rapid.IntRange(0, 5).Draw(rt, "ops") {
			o := Op{ID: i + 1, Client: rapid.Int().Draw(rt, "client"),
				Kind: rapid.SampledFrom(Kinds[:]).Draw(rt, "kind"), Outcome: rapid.SampledFrom(Outcomes[:]).Draw(rt, "outcome"),
				Key: anyText.Draw(rt, "key"), Value: anyText.Draw(rt, "value"), Start: anyText.Draw(rt, "start"),
				End: anyText.Draw(rt, "end"), Limit: rapid.IntRange(0, 9).Draw(rt, "limit"),
				Invoke: world.Time(rapid.Int64Range(0, 1e12).Draw(rt, "invoke")),
				Found:  rapid.Bool().Draw(rt, "found"), Read: anyText.Draw(rt, "read"), Swapped: rapid.Bool().Draw(rt, "swapped"),
				Region: rapid.Uint64().Draw(rt, "region"), Epoch: Epoch{rapid.Uint64().Draw(rt, "conf_ver"), 3}, Term: 4,
				ApplyIndex: rapid.Uint64().Draw(rt, "apply"), Err: anyText.Draw(rt, "err")}
			o.Return = o.Invoke.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(rt, "took")))
			if o.Outcome == Unknown && rapid.Bool().Draw(rt, "open") {
				o.Return = Never
			}
			if rapid.Bool().Draw(rt, "expects") {
				e := anyText.Draw(rt, "expect")
				o.Expect = &e
			}
			for range rapid.IntRange(0, 3).Draw(rt, "pairs") {
				o.Pairs = append(o.Pairs, KV{anyText.Draw(rt, "k"), anyText.Draw(rt, "v")})
			}
			h.Ops = append(h.Ops, o)
		}
		var file bytes.Buffer
		require.NoError(rt, WriteJSONL(&file, h))
		require.Equal(rt, len(h.Ops), strings.Count(file.String(), "\n"), "one line each")
		back, err := ReadJSONL(&file)
		require.NoError(rt, err)
		require.Equal(rt, h, wholeOf(back))

		one, err := json.Marshal(h.Ops)
		require.NoError(rt, err)
		var ops []Op
		require.NoError(rt, json.Unmarshal(one, &ops))
		require.Equal(rt, len(h.Ops), len(ops))
		for i := range ops {
			require.Equal(rt, h.Ops[i], ops[i])
		}
	})
}

func TestJSONLBadInput(t *testing.T) {
	t.Parallel()
	good := `{"id":1,"client":1,"kind":"put","key":"x","value":"1","invoke_ns":5,"return_ns":9,"outcome":"ok"}`
	for _, c := range []struct{ name, line, want string }{
		{"cut", good[:40], "history line 4: the line is cut off in the middle (2 operations read before it)"},
		{"no json", "hello", "history line 4: no operation in JSON: invalid character 'h'"},
		{"two on a line", good + good, "something follows the operation"},
		{"unknown field", strings.Replace(good, "value", "vlaue", 1), `unknown field "vlaue"`},
		{"unknown kind", strings.Replace(good, "put", "pet", 1), `unknown kind "pet", want get, put`},
		{"unknown outcome", strings.Replace(good, `"ok"`, `"fine"`, 1), `unknown outcome "fine", want ok, failed or unknown`},
		{"returns before invoked", strings.Replace(good, "9", "4", 1), "before it was invoked"},
		{"ok and open", strings.Replace(good, `"return_ns":9,`, "", 1), "outcome ok, but it never returned"},
		{"bad base64", strings.Replace(good, `"x"`, `"b64:!"`, 1), "illegal base64"},
		{"negative limit", strings.Replace(good, `"key"`, `"limit":-1,"key"`, 1), "negative limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, err := ReadJSONL(strings.NewReader(good + "\n\n" + good + "\n" + c.line))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "line 4")
			require.Equal(t, 2, h.Len())
		})
	}
	h, err := ReadJSONL(strings.NewReader(good + "\n" + good)) // no line break at the end
	require.NoError(t, err)
	require.Equal(t, 2, h.Len())
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	seven := "7"
	for want, o := range map[string]Op{
		`c3 get x → "7" at [4.210 s, 4.215 s]`:                              {Client: 3, Kind: Get, Key: "x", Found: true, Read: "7"},
		`c3 get x → absent at [4.210 s, 4.215 s]`:                           {Client: 3, Kind: Get, Key: "x"},
		`c3 put "a b" = "7" → ok at [4.210 s, 4.215 s]`:                     {Client: 3, Kind: Put, Key: "a b", Value: "7"},
		`c3 cas x from "7" to "8" → swapped at [4.210 s, 4.215 s]`:          {Client: 3, Kind: CAS, Key: "x", Expect: &seven, Value: "8", Swapped: true},
		`c3 cad x from absent → not swapped, saw "7" at [4.210 s, 4.215 s]`: {Client: 3, Kind: CAD, Key: "x", Found: true, Read: "7"},
		`c3 scan [a, end) limit 5 → 1 pairs at [4.210 s, 4.215 s]`:          {Client: 3, Kind: Scan, Start: "a", Limit: 5, Pairs: []KV{{"a", "1"}}},
	} {
		o.Invoke, o.Return, o.Outcome = 4_210_000_000, 4_215_000_000, Ok
		require.Equal(t, want, o.String())
	}
	require.Equal(t, "0.000 s", Clock(0))
	require.Equal(t, "1.000001 s", Clock(1_000_001_001))
	require.Equal(t, "12.3456 s", Clock(12_345_600_000))
	require.Equal(t, `c0 delete "\xff" → unknown at [1.000 s, open)`, (&Op{Kind: Delete, Key: "\xff", Invoke: 1e9, Return: Never, Outcome: Unknown}).String())
	require.Len(t, quote(strings.Repeat("a", 1000)), textMax+2+len("…"))
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	order := []Verdict{OK, INCONCLUSIVE, UNKNOWN, FAIL}
	for i, a := range order {
		for j, b := range order {
			require.Equal(t, order[max(i, j)], Worst(a, b))
		}
	}
	require.Panics(t, func() { Worst(OK, "GREAT") })
}

func TestCheckVerdicts(t *testing.T) {
	t.Parallel()
	put := func(value string, from, to world.Time) Op {
		return Op{Client: 1, Kind: Put, Key: "x", Value: value, Invoke: from, Return: to, Outcome: Ok}
	}
	get := func(value string, from, to world.Time) Op {
		return Op{Client: 2, Kind: Get, Key: "x", Found: value != "", Read: value, Invoke: from, Return: to, Outcome: Ok}
	}
	r := Check(&History{}, Options{})
	require.Equal(t, INCONCLUSIVE, r.Verdict, "nothing was judged")
	require.Equal(t, []string{"no operation succeeded: there is nothing to judge"}, r.Reasons)

	r = Check(&History{Ops: []Op{put("1", 5, 3)}}, Options{})
	require.Equal(t, UNKNOWN, r.Verdict)
	require.Contains(t, r.Reasons[0], "malformed")

	r = Check(&History{Ops: []Op{put("1", 0, 1), put("2", 2, 3), put("1", 4, 5), get("1", 6, 7)}}, Options{})
	require.Equal(t, UNKNOWN, r.Verdict, "values are not unique")
	require.Equal(t, []string{"key x: the workload broke the unique-value rule: it wrote a value twice"}, r.Reasons)

	r = Check(&History{Ops: []Op{put("1", 0, 1), put("2", 2, 3), put("1", 4, 5), get("2", 6, 7)}}, Options{})
	require.Equal(t, FAIL, r.Verdict, "values are not unique, but nothing explains this")

	r = Check(&History{Ops: []Op{put("1", 0, 1), get("1", 2, 3), get("", 4, 5)}}, Options{})
	require.Equal(t, FAIL, r.Verdict)
	require.Equal(t, 1, r.KeysChecked)
	require.Equal(t, 3, r.OpsChecked)
	require.Equal(t, r.Violations[0].Message, r.Reasons[0])
}

// TestCheckGivesUp: a search that runs out of time is UNKNOWN and names its key.
func TestCheckGivesUp(t *testing.T) {
	t.Parallel()
	h := &History{}
	for i := range 40 { // all writes overlap, and every reader contradicts every other one about their order
		v := fmt.Sprint("v", i)
		h.Ops = append(h.Ops, Op{Client: i, Kind: Put, Key: "hot", Value: v, Return: 1_000_000, Outcome: Ok})
		h.Ops = append(h.Ops, Op{Client: i, Kind: Get, Key: "hot", Found: true, Read: v, Invoke: 500_000, Return: 500_001 + world.Time(i%2), Outcome: Ok})
	}
	r := Check(h, Options{Engine: Porcupine, KeyTimeout: 20 * time.Millisecond})
	if r.Verdict == UNKNOWN {
		require.Equal(t, []string{"key hot: the search for an order took longer than 20ms"}, r.Reasons)
		return
	}
	t.Skipf("this machine judged it in time: %s", r.Verdict)
}

func TestManyFailingKeys(t *testing.T) {
	t.Parallel()
	h := &History{}
	for i := range 60 {
		k := key(i)
		h.Ops = append(h.Ops, Op{Kind: Put, Key: k, Value: "1", Return: 1, Outcome: Ok},
			Op{Kind: Get, Key: k, Invoke: 2, Return: 3, Outcome: Ok})
	}
	r := Check(h, Options{})
	require.Equal(t, FAIL, r.Verdict)
	require.Len(t, r.Violations, violationsMax)
	require.Contains(t, r.Reasons[1], "60 violations in all")
	for i, v := range r.Violations {
		require.Equal(t, i < shrinkKeysMax, len(v.Ops) == 2)
	}
}

// TestShrinkLarge: one stale read among thousands of operations is shown with a handful of them.
func TestShrinkLarge(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	h := randomHistory(r, shape{ops: 4000, clients: 4, keys: 2, span: 1000, unknown: 0.02})
	var puts []*Op
	for i := range h.Ops[:3000] {
		if o := &h.Ops[i]; o.Kind == Put && o.Outcome == Ok && o.Key == key(0) {
			puts = append(puts, o)
		}
	}
	victim := puts[len(puts)/4]
	for i := 3000; ; i++ {
		if o := &h.Ops[i]; o.Kind == Get && o.Key == key(0) {
			o.Found, o.Read = true, victim.Value
			break
		}
	}
	a, b := Check(h, Options{}), Check(h, Options{})
	require.Equal(t, FAIL, a.Verdict)
	require.LessOrEqual(t, len(a.Violations[0].Ops), 5)
	require.Equal(t, a, b, "the same history gives the same report, picture and all")
}
