package formats

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/checker"
	"ordeal/checker/models"
	"ordeal/world"
)

// TestEDNValues: what stands in a file, and how it is printed.
func TestEDNValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nil": "nil", "-12": "-12", "1.5e3": "1.5e3", "true": "true", ":a/b": ":a/b", "sym": "sym", `\c`: `\c`, `\newline`: `\newline`,
		`"a\n\"\\\u00e9"`: "\"a\\n\\\"\\\\é\"", "(1, 2)": "[1 2]", "#{1}": "[1]", "{:a [1 {:b nil}]}": "{:a [1 {:b nil}]}",
		"##NaN": "##NaN", `#inst "x"`: `"x"`, "#a #b 3": "3", "#_1 2": "2", "#_ #_ 1 2 3": "3", "; c\n4": "4", "[#_1]": "[]", "\\( ": `\(`,
	} {
		e := newEDN(bufio.NewReader(strings.NewReader(text)))
		v, _, ok, err := e.next(topDepth)
		require.NoError(t, err, text)
		require.True(t, ok, text)
		require.Equal(t, want, v.String(), text)
	}
}

// registerKinds are what is done to registers.
var registerKinds = []checker.OpKind{checker.Get, checker.Put, checker.Delete, checker.CAS, checker.CAD, checker.Scan}

// drawHistory is a history of clients of a few registers, or other objects; what reads saw is anything.
func drawHistory(t *rapid.T, kinds []checker.OpKind) *checker.History {
	text := func(name string) string {
		return rapid.SampledFrom([]string{"", "a", "3", "b64:x", "\xff", "q\"\\\n"}).Draw(t, name)
	}
	var recorders []*checker.Recorder
	now := world.Time(0)
	for client := range rapid.IntRange(1, 3).Draw(t, "clients") {
		r := checker.NewRecorder(client)
		recorders = append(recorders, r)
		now = 0
		for range rapid.IntRange(0, 4).Draw(t, "ops") {
			op := checker.Op{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
			if op.Kind == checker.Scan {
				op.Start, op.Limit = text("start"), rapid.IntRange(0, 2).Draw(t, "limit")
			} else {
				op.Key = rapid.SampledFrom([]string{"k", "\xff"}).Draw(t, "key")
			}
			switch {
			case op.Kind == checker.Increment:
				op.Value = fmt.Sprint(rapid.IntRange(-1, 2).Draw(t, "amount"))
			case op.Kind == checker.Put || op.Kind == checker.CAS || op.Kind.OfObject():
				op.Value = text("value")
			}
			if (op.Kind == checker.CAS || op.Kind == checker.CAD) && rapid.Bool().Draw(t, "some") {
				expect := text("expect")
				op.Expect = &expect
			}
			now += world.Time(rapid.IntRange(0, 3).Draw(t, "pause"))
			o := r.Begin(op, now)
			now += world.Time(rapid.IntRange(0, 3).Draw(t, "takes"))
			outcome := rapid.SampledFrom(checker.Outcomes[:]).Draw(t, "outcome")
			if outcome == checker.Unknown && rapid.Bool().Draw(t, "open") {
				continue
			}
			if outcome == checker.Ok {
				answer(t, o, text, kinds)
			}
			r.End(o, outcome, now)
		}
	}
	return checker.Merge(recorders...)
}

// answer fills in the outputs of an operation.
func answer(t *rapid.T, o *checker.Op, text func(string) string, kinds []checker.OpKind) {
	if o.Kind == checker.CAS || o.Kind == checker.CAD {
		o.Swapped = rapid.Bool().Draw(t, "swapped")
	}
	switch {
	case o.Kind == checker.Get && slices.Contains(kinds, checker.Increment):
		if o.Found = rapid.Bool().Draw(t, "found"); o.Found {
			o.Read = fmt.Sprint(rapid.IntRange(-1, 3).Draw(t, "count"))
		}
	case o.Kind == checker.Get && !slices.Contains(kinds, checker.Put):
		for range rapid.IntRange(0, 2).Draw(t, "items") {
			o.Found, o.Items = true, append(o.Items, text("item"))
		}
	case o.Kind == checker.Scan && rapid.Bool().Draw(t, "pair"):
		o.Pairs = []checker.KV{{Key: "k", Value: text("pair")}}
	case o.Kind == checker.Get, (o.Kind == checker.CAS || o.Kind == checker.CAD) && !o.Swapped:
		if o.Found = rapid.Bool().Draw(t, "found"); o.Found {
			o.Read = text("read")
		}
	}
}

// TestEDNIsReadBack: what is written for Jepsen has the same verdict and the same operations.
func TestEDNIsReadBack(t *testing.T) {
	t.Parallel()
	verdicts := map[checker.Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t, registerKinds)
		var b bytes.Buffer
		require.NoError(t, WriteEDN(&b, h))
		f, err := Read(bytes.NewReader(b.Bytes()), EDN)
		require.NoError(t, err)
		require.Nil(t, f.Broken, b.String())
		again, err := f.History()
		require.NoError(t, err, b.String())
		opts := checker.Options{Repeats: true, KeyTimeout: time.Minute}
		want, got := checker.Check(h, opts), checker.Check(again, opts)
		require.Equal(t, want.Verdict, got.Verdict, "%s%v\n%v", b.String(), want.Reasons, got.Reasons)
		require.Equal(t, want.OpsChecked, got.OpsChecked, b.String())
		require.Equal(t, h.Count(), again.(*checker.History).Count(), b.String())
		verdicts[want.Verdict]++
	})
	require.Positive(t, verdicts[checker.OK])
	require.Positive(t, verdicts[checker.FAIL])
}

// TestEDNOfObjectsIsReadBack: the same of lists, sets and counters.
func TestEDNOfObjectsIsReadBack(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]checker.OpKind{
		"append": {checker.Append, checker.Get}, "set": {checker.Add, checker.Remove, checker.Get}, "counter": {checker.Increment, checker.Get},
	} {
		verdicts := map[checker.Verdict]int{}
		rapid.Check(t, func(t *rapid.T) {
			h, m := drawHistory(t, kinds), models.ByName(name)
			want, err := m.Check(h, checker.Options{})
			require.NoError(t, err)
			var b, lines bytes.Buffer
			require.NoError(t, checker.WriteJSONL(&lines, h))
			ours, err := Read(&lines, Auto)
			require.NoError(t, err)
			require.NoError(t, WriteEDN(&b, h))
			f, err := Read(bytes.NewReader(b.Bytes()), EDN)
			require.NoError(t, err)
			require.Nil(t, f.Broken, b.String())
			if models.For(h) == nil {
				return // reads alone do not say of what
			}
			model, err := ParseModel(name)
			require.NoError(t, err)
			require.Equal(t, name, ModelFor(ours).Name)
			for _, file := range []*File{f, ours} {
				got, err := Check(file, model, checker.Options{})
				require.NoError(t, err, b.String())
				require.Equal(t, want.Verdict, got.Verdict, "%s%v\n%v", b.String(), want.Reasons, got.Reasons)
				require.Equal(t, want.OpsChecked, got.OpsChecked, b.String())
			}
			again, err := model.History(f)
			require.NoError(t, err)
			require.Equal(t, h.Count(), again.(*checker.History).Count(), b.String())
			verdicts[want.Verdict]++
		})
		require.Positive(t, verdicts[checker.OK], name)
		require.Positive(t, verdicts[checker.FAIL], name)
	}
}

// TestKVAgreesWithPorcupine: the search for an order of appends says what porcupine says.
func TestKVAgreesWithPorcupine(t *testing.T) {
	t.Parallel()
	type input struct{ f, text string }
	model := porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, in, out any) (bool, any) {
			switch i := in.(input); i.f {
			case "get":
				return state == out, state
			case "put":
				return true, i.text
			default:
				return true, state.(string) + i.text
			}
		},
	}
	answers := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		var calls []call
		var ops []porcupine.Operation
		texts := rapid.SampledFrom([]string{"a", "b", "ab", ""})
		for i := range rapid.IntRange(1, 7).Draw(t, "ops") {
			f := rapid.SampledFrom([]string{"get", "put", "append"}).Draw(t, "f")
			text := texts.Draw(t, "text")
			// No two events are at the same time.
			from := int64(rapid.IntRange(0, 9).Draw(t, "from"))*100 + int64(2*i)
			to := from + int64(rapid.IntRange(0, 6).Draw(t, "takes"))*100 + 1
			sure := f == "get" || rapid.IntRange(0, 3).Draw(t, "sure") > 0
			c := call{f: f, key: &value{kind: kindString, text: "k"}, outcome: checker.Ok, invoke: world.Time(from), finish: world.Time(to)}
			c.in = value{kind: kindString, text: text}
			c.out = c.in
			if !sure {
				c.outcome, to = checker.Unknown, 1<<40+int64(i)
			}
			calls = append(calls, c)
			ops = append(ops, porcupine.Operation{ClientId: i, Input: input{f, text}, Call: from, Output: text, Return: to})
		}
		want := porcupine.CheckOperations(model, ops)
		r, err := checkKV(&File{Format: EDN, calls: calls}, checker.Options{})
		require.NoError(t, err)
		require.Equal(t, want, r.Verdict != checker.FAIL, "%v", r.Reasons)
		answers[want]++
	})
	require.Positive(t, answers[true])
	require.Positive(t, answers[false])
}

// FuzzEDN: a history may come from anywhere. Whatever is in the file, it is refused, or judged without a panic, and what is written
// of it has the same verdict.
func FuzzEDN(f *testing.F) {
	for _, text := range []string{logOf("3"), ednOf("1"), kvOf("ab"), "[{:process 0 :type :inv", listOf("1 2"), setOf("2"), counterOf("2"), "#{#_#a \\c \"\\u00e9\" ##NaN}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{EDN, Log} {
			file, err := Read(bytes.NewReader(data), format)
			if err != nil || file.Len() > 16 { // more may rightly take longer than the fuzzer waits
				continue
			}
			for i := range Models {
				_, _ = Check(file, &Models[i], checker.Options{KeyTimeout: time.Second})
			}
			h, err := file.History()
			if err != nil {
				continue
			}
			opts := checker.Options{Repeats: true, KeyTimeout: time.Second}
			var b bytes.Buffer
			require.NoError(t, WriteEDN(&b, h))
			again, err := Read(bytes.NewReader(b.Bytes()), EDN)
			require.NoError(t, err)
			require.Nil(t, again.Broken, b.String())
			h2, err := again.History()
			require.NoError(t, err, b.String())
			require.Equal(t, checker.Check(h, opts).Verdict, checker.Check(h2, opts).Verdict, b.String())
		}
	})
}
