package formats

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
)

// lines joins lines, each with its end.
func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

func read(t *testing.T, text string) *File {
	t.Helper()
	f, err := Read(strings.NewReader(text), Auto)
	require.NoError(t, err, text)
	return f
}

// judge reads a whole file and judges it by the model that it seems to be made for.
func judge(t *testing.T, text string) (*File, checker.Result) {
	t.Helper()
	f := read(t, text)
	r, err := Check(f, ModelFor(f), checker.Options{KeyTimeout: time.Minute})
	require.NoError(t, err, text)
	return f, r
}

var (
	// logOf is a register in lines of a log, in which the last read sees what it is given.
	logOf = func(saw string) string {
		return lines(
			"INFO  jepsen.core - Running test",
			"INFO  jepsen.util - 0\t:invoke\t:read\tnil",
			"INFO  jepsen.util - 1\t:invoke\t:write\t3",
			"INFO  jepsen.util - 0\t:ok\t:read\tnil",
			"INFO  jepsen.util - :nemesis\t:info\t:start\tnil",
			"INFO  jepsen.util - 1\t:ok\t:write\t3",
			"INFO  jepsen.util - 2\t:invoke\t:cas\t[3 4]",
			"INFO  jepsen.util - 2\t:info\t:cas\t:timed-out",
			"INFO  jepsen.util - 1\t:invoke\t:write\t3",
			"INFO  jepsen.util - 1\t:ok\t:write\t3",
			"INFO  jepsen.util - 0\t:invoke\t:cas\t[0 1]",
			"INFO  jepsen.util - 0\t:fail\t:cas\t[0 1]",
			"INFO  jepsen.util - 0\t:invoke\t:read\tnil",
			"INFO  jepsen.util - 0\t:ok\t:read\t"+saw,
		)
	}
	// ednOf is two registers in a vector, with times, tags and comments.
	ednOf = func(saw string) string {
		return `[{:index 0, :time 1000, :process 0, :type :invoke, :f :write, :value ["x" 1]} ; a comment
 #jepsen.history.Op{:index 1 :time 2000 :process :nemesis :type :info :f :start :value #{:n1 "n2"}}
 {:index 2, :time 3000, :process 1, :type :invoke, :f :write, :value ["y" 1]}
 #_ {:ignored true}
 {:index 3, :time 4000, :process 0, :type :ok, :f :write,
  :value ["x" 1]}
 {:index 4, :time 5000, :process 0, :type :invoke, :f :read, :value ["x" nil]}
 {:index 5, :time 6000, :process 0, :type :ok, :f :read, :value ["x" ` + saw + `]}
]
`
	}
	// kvOf is a key of a store that strings are appended to.
	kvOf = func(saw string) string {
		return lines(
			`{:process 0, :type :invoke, :f :get, :key "k", :value nil}`,
			`{:process 1, :type :invoke, :f :append, :key "k", :value "a"}`,
			`{:process 0, :type :ok, :f :get, :key "k", :value ""}`,
			`{:process 2, :type :invoke, :f :append, :key "k", :value "b"}`,
			`{:process 1, :type :ok, :f :append, :key "k", :value "a"}`,
			`{:process 2, :type :ok, :f :append, :key "k", :value "b"}`,
			`{:process 2, :type :invoke, :f :get, :key "k", :value nil}`,
			`{:process 2, :type :ok, :f :get, :key "k", :value "`+saw+`"}`,
		)
	}
)

func TestHistoriesFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		format     Format
		want       checker.Verdict
		ops        int
	}{
		{"log", logOf("3"), Log, checker.OK, 6},
		{"log, the cas of unknown outcome acted", logOf("4"), Log, checker.OK, 6},
		{"log, a cas that failed had no effect", logOf("1"), Log, checker.FAIL, 6},
		{"log, a lost write", logOf("nil"), Log, checker.FAIL, 6},
		{"history.txt", lines("0 :invoke :write 1", "0 :ok :write 1"), Log, checker.OK, 1},
		{"edn", ednOf("1"), EDN, checker.OK, 3},
		{"edn, the value of another key", ednOf("2"), EDN, checker.FAIL, 3},
		{"edn, absent", ednOf("nil"), EDN, checker.FAIL, 3},
		{"kv", kvOf("ab"), EDN, checker.OK, 4},
		{"kv, the other order", kvOf("ba"), EDN, checker.OK, 4},
		{"kv, a lost append", kvOf("b"), EDN, checker.FAIL, 4},
		{"kv, appended twice", kvOf("abb"), EDN, checker.FAIL, 4},
	} {
		f, r := judge(t, c.text)
		require.Equal(t, c.format, f.Format, c.name)
		require.Nil(t, f.Broken, c.name)
		require.Equal(t, c.ops, f.Len(), c.name)
		require.Equal(t, c.want, r.Verdict, "%s: %v", c.name, r.Reasons)
	}
	f := read(t, logOf("3"))
	require.Equal(t, 2, f.Skipped)
	h, err := read(t, ednOf("1")).History()
	require.NoError(t, err)
	require.EqualValues(t, 4000, h.At(0, nil).Return, "times are those of the file")
	require.Equal(t, checker.Unknown, h.At(1, nil).Outcome, "it has no end")
}

// TestMalformedFiles: the line, what is wrong with it, and how much was read.
func TestMalformedFiles(t *testing.T) {
	t.Parallel()
	const good = "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :ok :f :write :value 1}\n"
	op := `{"id":1,"client":1,"kind":"put","key":"k","value":"v","invoke_ns":1,"return_ns":2,"outcome":"ok"}` + "\n"
	for _, c := range []struct {
		text string
		line int
		cut  bool
		what string
	}{
		{good + "{:process 0 :type :inv", 3, true, "cut off"},
		{good + "{:process 0 :value \"a", 3, true, "cut off"},
		{good + "#tag", 3, true, "cut off"},
		{"[" + good, 2, true, "not closed"},
		{good + "{:process 0 :type :inv\n\n", 3, true, "cut off"},
		{good + "{:process 0 :type :invoke :f (\n" + good + good, 3, false, "cut off"},
		{good + "\n}", 4, false, `'}' closes nothing`},
		{"[" + good + "] 1", 3, false, "follows the list"},
		{good + "{:process (0]}", 3, false, `']' closes what ')' should`},
		{good + "{:process}", 3, false, "without a value, :process"},
		{good + "[" + strings.Repeat("[", ednDepthMax), 3, false, "nested more than 64"},
		{good + `{:process "\q"}`, 3, false, `\q is no escape`},
		{good + `{:process "\u12g4"}`, 3, false, `\u12g4`},
		{good + "\x00", 3, false, "is no edn"},
		{good + "7", 3, false, "it is no map, but 7"},
		{good + "{:type :ok}", 3, false, "without :process"},
		{good + "{:process -1 :type :ok}", 3, false, "its process is -1: want 0 to 2147483647"},
		{good + "{:process 0 :type :done}", 3, false, ":type is :done: want :invoke"},
		{good + "{:process 0 :type :ok :f 1}", 3, false, ":f is 1: want a keyword"},
		{good + "{:process 0 :type :ok :f :read}", 3, false, "has invoked none"},
		{good + "{:process 0 :type :ok :f :read :time :now}", 3, false, ":time is :now: want nanoseconds"},
		{good + "{:process 0 :type :ok :f :read :time 9223372036854775807}", 3, false, "its time is"},
		{good + "{:process 1 :type :invoke :f :read}\n{:process 1 :type :invoke :f :read}", 4, false, "in line 3 is open"},
		{good + "{:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :write}", 4, false, "in line 3 it invoked a :read"},
		{strings.ReplaceAll(good, ":f", ":key 1 :f") + "{:process 1 :type :invoke :f :read :key 1}\n{:process 1 :type :ok :f :read :key 2}", 4, false, "on key 2"},
		{"1 :invoke :write 1\n1 :ok :write 1\n1 :inv", 3, true, "does not end"},
		{"1 :invoke :write 1\n1 :ok :write 1\n1 :invoke :write 12", 3, true, "does not end"},
		{"1 :invoke :write 1\n1 :ok :write 1\n1 :invoke\n", 3, false, "lacks its function"},
		{"1 :invoke :write 1\n1 :ok :write 1\n1 :invoke 5 6\n", 3, false, "the function 5"},
		{"1 :invoke :write 1\n1 :ok :write 1\n1 :invoke :write [\n", 3, false, "cut off"},
		{op + op[:20], 2, true, "cut off"},
		{op + op[:20] + "\n" + op, 2, false, "cut off"},
		{op + `{"kind":"fly"}` + "\n", 2, false, "unknown kind"},
	} {
		f := read(t, c.text)
		require.NotNil(t, f.Broken, c.text)
		require.Equal(t, c.line, f.Broken.Line, "%s: %v", c.text, f.Broken)
		require.Equal(t, c.cut, f.Broken.Cut, "%s: %v", c.text, f.Broken)
		require.ErrorContains(t, f.Broken, c.what, c.text)
		require.Positive(t, f.Len(), c.text)
		r, err := Check(f, ModelFor(f), checker.Options{})
		require.NoError(t, err, c.text)
		if !c.cut {
			require.Equal(t, checker.UNKNOWN, r.Verdict, c.text)
		}
		require.Contains(t, strings.Join(r.Reasons, "\n"), f.Broken.Error(), c.text)
	}
	for _, text := range []string{"a text\nof another kind", "\x7fELF", "<html>"} {
		_, err := Read(strings.NewReader(text), Auto)
		require.ErrorContains(t, err, "format can't be told", text)
	}
}

// TestOperationsThatAModelHasNot: what a model has no place for is an error, not left out.
func TestOperationsThatAModelHasNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ model, invoke, end, want string }{
		{"register", ":f :append :value 1", "", ":append of line 1: it is no operation of a register: want one of :read"},
		{"register", ":f :txn :value [[:r 1 nil]]", "", ":txn of line 1"},
		{"register", ":f :cas :value 1", "", "want [expected new]"},
		{"register", ":f :read :value [1 nil]", ":f :read :value [2 5]", "want one of key 1"},
		{"register", ":f :read :value nil} {:process 1 :type :invoke :f :read :value [1 nil]", "", "some have none"},
		{"register", ":f :write :value 1} {:process 1 :type :invoke :f :write :value \"1\"", "", "as a string and as something else"},
		{"register", ":f :scan :value 1", "", "want a map"},
		{"register", ":f :scan :value {:limit -1}", "", ":limit is -1"},
		{"register", ":f :scan :value {}", ":f :scan :value {:pairs [1]}", "the pair 1"},
		{"kv", ":f :cas :key \"a\"", "", ":cas of line 1 is no operation of model kv"},
		{"kv", ":f :append :value \"a\"", "", "no string as its :key"},
		{"kv", ":f :append :key \"a\" :value 1", "", "has the value 1: want a string"},
	} {
		text := "{:process 0 :type :invoke " + c.invoke + "}\n"
		if c.end != "" {
			text += "{:process 0 :type :ok " + c.end + "}\n"
		}
		f := read(t, text)
		require.Nil(t, f.Broken, text)
		m, err := ParseModel(c.model)
		require.NoError(t, err)
		_, err = Check(f, m, checker.Options{})
		require.ErrorContains(t, err, c.want, text)
	}
	_, err := ParseModel("fly")
	require.ErrorContains(t, err, "register, kv")
	_, err = ParseFormat("fly")
	require.ErrorContains(t, err, "auto, jsonl, edn, log")
}

// TestCutFilesAreJudged: a read may have seen a write whose line is missing, which is no violation; and a contradiction
// among what is there is one, whatever is missing.
func TestCutFilesAreJudged(t *testing.T) {
	t.Parallel()
	history := func(read string) string {
		h := &checker.History{Ops: []checker.Op{
			{ID: 1, Client: 1, Kind: checker.Put, Key: "k", Value: "v1", Invoke: 1, Return: 2, Outcome: checker.Ok},
			{ID: 2, Client: 2, Kind: checker.Get, Key: "k", Found: true, Read: read, Invoke: 3, Return: 9, Outcome: checker.Ok},
			{ID: 3, Client: 1, Kind: checker.Get, Key: "k", Found: true, Read: "v1", Invoke: 4, Return: 5, Outcome: checker.Ok},
			{ID: 4, Client: 1, Kind: checker.Put, Key: "k", Value: "v2", Invoke: 6, Return: 8, Outcome: checker.Ok},
			{ID: 5, Client: 3, Kind: checker.Get, Key: "j", Invoke: 11, Return: 12, Outcome: checker.Ok},
		}}
		var b strings.Builder
		require.NoError(t, checker.WriteJSONL(&b, h))
		return b.String()
	}
	// cutIn ends a file in the middle of line n.
	cutIn := func(text string, n int) string {
		all := strings.SplitAfter(text, "\n")
		return strings.Join(all[:n-1], "") + all[n-1][:30]
	}
	_, r := judge(t, history("v2"))
	require.Equal(t, checker.OK, r.Verdict)
	_, r = judge(t, history("v3"))
	require.Equal(t, checker.FAIL, r.Verdict)

	f, r := judge(t, cutIn(history("v2"), 4))
	require.Equal(t, 3, f.Len())
	require.Equal(t, checker.OK, r.Verdict, "the write of v2 is missing: %v", r.Reasons)
	require.Contains(t, r.Reasons[0], "line 4: the line is cut off in the middle; the 3 operations before it were judged")
	_, r = judge(t, cutIn(history("v3"), 5))
	require.Equal(t, checker.OK, r.Verdict, "what is missing may have written v3")
	late := strings.Replace(history("v3"), `"invoke_ns":11,"return_ns":12`, `"invoke_ns":13,"return_ns":14`, 1)
	_, r = judge(t, late+late[:30])
	require.Equal(t, checker.FAIL, r.Verdict, "no write that is missing was invoked before the read of v3 returned")

	all := strings.SplitAfter(late, "\n")
	all[0], all[3] = all[3], all[0]
	_, r = judge(t, strings.Join(all, "")+late[:30])
	require.Equal(t, checker.UNKNOWN, r.Verdict, "out of order, any write may be missing")
}
