package formats

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
)

var (
	// listOf is what Elle has of two lists, in transactions of one operation, of which the last read sees what it is given.
	listOf = func(saw string) string {
		return lines(
			`{:process 0, :type :invoke, :f :txn, :value [[:append 7 1]], :time 10, :index 0}`,
			`{:process 1, :type :invoke, :f :txn, :value [[:append 7 2]], :time 20, :index 1}`,
			`{:process 0, :type :ok, :f :txn, :value [[:append 7 1]], :time 30, :index 2}`,
			`{:process 2, :type :invoke, :f :txn, :value [[:r 8 nil]], :time 40, :index 3}`,
			`{:process 2, :type :ok, :f :txn, :value [[:r 8 nil]], :time 50, :index 4}`,
			`{:process 1, :type :info, :f :txn, :value [[:append 7 2]], :time 60, :index 5, :error :timeout}`,
			`{:process 0, :type :invoke, :f :txn, :value [[:r 7 nil]], :time 70, :index 6}`,
			`{:process 0, :type :ok, :f :txn, :value [[:r 7 [`+saw+`]]], :time 80, :index 7}`,
		)
	}
	// appendOf is the same with one function for each kind, and keys as jepsen.independent has them.
	appendOf = func(saw string) string {
		return lines(
			`{:process 0, :type :invoke, :f :append, :value ["x" 1]}`,
			`{:process 1, :type :invoke, :f :append, :value ["x" 2]}`,
			`{:process 0, :type :ok, :f :append, :value ["x" 1]}`,
			`{:process 1, :type :info, :f :append, :value ["x" 2]}`,
			`{:process 0, :type :invoke, :f :read, :value ["x" nil]}`,
			`{:process 0, :type :ok, :f :read, :value ["x" [`+saw+`]]}`,
		)
	}
	// setOf is what Jepsen's set tests have.
	setOf = func(saw string) string {
		return lines(
			"INFO  jepsen.util - 0\t:invoke\t:add\t1",
			"INFO  jepsen.util - 0\t:ok\t:add\t1",
			"INFO  jepsen.util - 1\t:invoke\t:add\t2",
			"INFO  jepsen.util - 0\t:invoke\t:add\t3",
			"INFO  jepsen.util - 0\t:fail\t:add\t3",
			"INFO  jepsen.util - 1\t:info\t:add\t:timed-out",
			"INFO  jepsen.util - 0\t:invoke\t:read\tnil",
			"INFO  jepsen.util - 0\t:ok\t:read\t#{"+saw+"}",
		)
	}
	// counterOf is what Jepsen's counter tests have.
	counterOf = func(saw string) string {
		return lines(
			`{:process 0, :type :invoke, :f :add, :value 1}`,
			`{:process 1, :type :invoke, :f :add, :value 2}`,
			`{:process 0, :type :ok, :f :add, :value 1}`,
			`{:process 0, :type :invoke, :f :read, :value nil}`,
			`{:process 0, :type :ok, :f :read, :value `+saw+`}`,
			`{:process 0, :type :invoke, :f :read}`,
			`{:process 0, :type :fail, :f :read, :error :not-now}`,
		)
	}
)

// TestObjectsFromElsewhere: files say by themselves what they are about, and have their verdict.
func TestObjectsFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, model string
		want              checker.Verdict
		words             string
	}{
		{"list, the unknown one acted", listOf("1 2"), "append", checker.OK, ""},
		{"list, it came first", listOf("2 1"), "append", checker.OK, ""},
		{"list, it did not act", listOf("1"), "append", checker.OK, ""},
		{"list, a lost append", listOf("2"), "append", checker.FAIL, `["2"] at [0.000 s, 0.000 s] lacks "1"`},
		{"list, appended twice", listOf("1 2 2"), "append", checker.FAIL, `"2" twice`},
		{"append", appendOf("2 1"), "append", checker.OK, ""},
		{"append, a lost one", appendOf(""), "append", checker.FAIL, `lacks "1"`},
		{"append, one of nobody", appendOf("1 3"), "append", checker.FAIL, "nobody ever wrote"},
		{"kv", kvOf("ab"), kv, checker.OK, ""},
		{"set", setOf("1"), "set", checker.OK, ""},
		{"set, the unknown one acted", setOf("2 1"), "set", checker.OK, ""},
		{"set, a lost element", setOf("2"), "set", checker.FAIL, `lacks "1"`},
		{"set, one that failed", setOf("1 3"), "set", checker.FAIL, "failed"},
		{"counter, one of two", counterOf("1"), "counter", checker.OK, ""},
		{"counter, both", counterOf("3"), "counter", checker.OK, ""},
		{"counter, the other", counterOf("2"), "counter", checker.FAIL, "no order"},
	} {
		f, r := judge(t, c.text)
		require.Nil(t, f.Broken, c.name)
		require.Equal(t, c.model, ModelFor(f).Name, c.name)
		require.Equal(t, c.want, r.Verdict, "%s: %v", c.name, r.Reasons)
		if c.want == checker.FAIL {
			require.Contains(t, r.Reasons[0], c.words, c.name)
			require.NotEmpty(t, r.Violations[0].Ops, c.name)
		}
	}
}

// TestObjectsThatAreNone: what a model has no place for is named, with its line.
func TestObjectsThatAreNone(t *testing.T) {
	t.Parallel()
	op := func(f, in, out string) string {
		return "{:process 0 :type :invoke :f :" + f + " :value " + in + "}\n{:process 0 :type :ok :f :" + f + " :value " + out + "}\n"
	}
	ours := `{"id":3,"client":1,"kind":"append","key":"k","value":"v","invoke_ns":1,"return_ns":2,"outcome":"ok"}` + "\n"
	for _, c := range []struct{ model, text, want string }{
		{"append", op("enqueue", "1", "1"), "the :enqueue of line 1: it is no operation of model append: want one of :append,"},
		{"append", op("write", "1", "1"), "it is no operation of model append"},
		{"set", op("append", "1", "1"), "the :append of line 1: it is no operation of model set: want one of :add, :remove"},
		{"counter", op("remove", "1", "1"), "no operation of model counter: want one of :add, :read"},
		{"counter", op("add", "1.5", "1.5"), "its value is 1.5: want a whole number"},
		{"counter", op("read", "nil", "[1]"), "its value is [1]: want a whole number"},
		{"set", op("read", "nil", "7"), "it returned 7: want a list of elements"},
		{"append", op("txn", "[[:append 1 2] [:r 1 nil]]", "nil"), "those of several are not judged"},
		{"append", op("txn", "[[:r 1 nil]]", "[[:r 2 nil]]"), "want the operation with which it began"},
		{"append", op("add", "1", "1") + op("append", "[1 2]", "[1 2]"), "the :add of line 1"},
		{"set", ours, "operation 3 is a append: want one of add, remove, get for model set"},
		{"register", ours, "it seems to be made for model append"},
		{kv, ours, "it seems to be made for model append"},
	} {
		m, err := ParseModel(c.model)
		require.NoError(t, err)
		_, err = Check(read(t, c.text), m, checker.Options{})
		require.ErrorContains(t, err, c.want)
	}
}

// TestObjectsCutOff: what was over before the cut is judged, and a file that is broken before its end is never OK.
func TestObjectsCutOff(t *testing.T) {
	t.Parallel()
	first := `{"id":1,"client":1,"kind":"append","key":"k","value":"a","invoke_ns":1,"return_ns":2,"outcome":"ok"}` + "\n"
	second := `{"id":2,"client":2,"kind":"get","key":"k","found":true,"items":["b"],"invoke_ns":3,"return_ns":4,"outcome":"ok"}` + "\n"
	third := `{"id":3,"client":1,"kind":"append","key":"k","value":"c","invoke_ns":5,"return_ns":6,"outcome":"ok"}` + "\n"
	good := strings.Replace(second, `"b"`, `"a"`, 1)
	for _, c := range []struct {
		name, text string
		want       checker.Verdict
		words      string
	}{
		{"its last line", first + good + third[:40], checker.OK, "line 3"},
		{"before its end", first + good + third[:40] + "\n" + third, checker.UNKNOWN, "line 3"},
		{"a violation before", first + second + third + third[:40], checker.FAIL, "line 4"},
		{"the other half of an append may be missing", first + second + third[:40], checker.OK, "line 3"},
	} {
		f, r := judge(t, c.text)
		require.NotNil(t, f.Broken, c.name)
		require.Equal(t, c.want, r.Verdict, "%s: %v", c.name, r.Reasons)
		require.Contains(t, strings.Join(r.Reasons, "\n"), c.words, c.name)
	}
}
