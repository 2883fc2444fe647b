package models

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

var rewriteGenerated = flag.Bool("rewrite-generated", false, "write testdata/generated_*.txt anew")

// generatedEach is how many histories are generated for each model, to accept and to reject.
const generatedEach = 40

// TestGenerated: the generated scripts are those that the generator makes. What to make of them, TestScripts says.
func TestGenerated(t *testing.T) {
	t.Parallel()
	const format = "# Generated histories of lists, sets and counters, to %s: go test ./checker/models -run TestGenerated -rewrite-generated.\n"
	var accept, reject strings.Builder
	fmt.Fprintf(&accept, format, "accept")
	fmt.Fprintf(&reject, format, "reject")
	for i := range All {
		g := &generator{r: rand.New(rand.NewPCG(11, uint64(i))), model: All[i].Name, known: map[string]bool{}}
		for n := range generatedEach {
			ops, about := g.legal(n)
			g.write(&accept, "accept", fmt.Sprintf("%d: %s", n+1, about), ops)
			ops, about = g.illegal(n)
			g.write(&reject, "reject", fmt.Sprintf("%d: %s", n+1, about), ops)
		}
	}
	for path, text := range map[string]string{"testdata/generated_accept.txt": accept.String(), "testdata/generated_reject.txt": reject.String()} {
		if *rewriteGenerated {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
		is, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(is), "%s is not what the generator makes", path)
	}
}

// generator makes small histories of a model.
type generator struct {
	r     *rand.Rand
	model string
	// known are the histories that there are.
	known map[string]bool
}

// legal plays operations on an object, one after the other, and gives each an interval around the time at which it acted. Every
// second history writes an element once and removes none, and every second of a counter only goes up by 1.
func (g *generator) legal(n int) ([]checker.Op, string) {
	for {
		ops := g.play(n%2 == 0)
		reads := func(o checker.Op) bool { return o.Kind == checker.Get && o.Outcome == checker.Ok }
		if slices.ContainsFunc(ops, reads) && refereed(g.model, ops) && g.fresh(ops) {
			return ops, g.about(ops)
		}
	}
}

// illegal changes one thing about a legal history, so that no order explains it any longer.
func (g *generator) illegal(n int) ([]checker.Op, string) {
	kinds := mutationsOf(g.model)
	m := kinds[n%len(kinds)]
	for {
		ops := g.play(n/len(kinds)%2 == 0)
		if i := g.r.IntN(len(ops)); refereed(g.model, ops) && m.do(g.r, ops, i) && !refereed(g.model, ops) && g.fresh(ops) {
			return ops, m.name
		}
	}
}

// fresh says whether no history like that has been made, and takes it down.
func (g *generator) fresh(ops []checker.Op) bool {
	text := asScript(ops)
	was := g.known[text]
	g.known[text] = true
	return !was
}

func (g *generator) about(ops []checker.Op) string {
	clients, unknown, failed := 0, 0, 0
	for _, o := range ops {
		clients = max(clients, o.Client)
		switch o.Outcome {
		case checker.Unknown:
			unknown++
		case checker.Failed:
			failed++
		}
	}
	return fmt.Sprintf("%d operations of %d clients, %d of unknown outcome, %d that failed", len(ops), clients, unknown, failed)
}

func (g *generator) write(to *strings.Builder, verdict, title string, ops []checker.Op) {
	fmt.Fprintf(to, "\n%s %s generated %s\n%s", verdict, g.model, title, asScript(ops))
}

func (g *generator) play(unique bool) []checker.Op {
	step, s := referee(g.model).Step, any(refState{})
	spread := []int{8, 20, 40}[g.r.IntN(3)]
	var ops []checker.Op
	for i := range 4 + g.r.IntN(9) {
		at := 50 + 10*i
		o := checker.Op{Key: "x", Outcome: checker.Ok, Invoke: ms(at - g.r.IntN(spread)), Return: ms(at + g.r.IntN(spread))}
		write(g.r, &o, g.model, i, unique)
		acts := true
		switch g.r.IntN(10) {
		case 0, 1, 2, 3:
			see(&o, g.model, s.(refState))
		case 4:
			o.Outcome, o.Return, acts = checker.Unknown, checker.Never, g.r.IntN(2) == 0
		case 5:
			o.Outcome, acts = checker.Failed, false
		}
		if acts {
			_, s = step(s, o, nil)
		}
		ops = append(ops, o)
	}
	slices.SortStableFunc(ops, func(a, b checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	assignClients(ops)
	return ops
}

func ms(n int) world.Time { return world.Time(n) * 1_000_000 }

// see makes a read of a state.
func see(o *checker.Op, model string, s refState) {
	o.Kind, o.Value = checker.Get, ""
	if model == "counter" {
		o.Found, o.Read = true, strconv.FormatInt(s.n, 10)
		return
	}
	o.Items = strings.Fields(s.list)
	o.Found = len(o.Items) > 0
}

// assignClients gives each operation the first client that has nothing open. Who does not learn an outcome does nothing more.
func assignClients(ops []checker.Op) {
	var free []world.Time
	for i := range ops {
		c := slices.IndexFunc(free, func(at world.Time) bool { return at < ops[i].Invoke })
		if c < 0 {
			c = len(free)
			free = append(free, 0)
		}
		free[c] = ops[i].Return
		ops[i].Client = c + 1
	}
}

// mutation changes one operation, or is false if that is nothing for it.
type mutation struct {
	name string
	do   func(r *rand.Rand, ops []checker.Op, i int) bool
}

func mutationsOf(model string) []mutation {
	all := []mutation{
		{"a read saw what another read did", otherRead},
		{"a write that acted is said to have failed", failedWrite},
		{"a read is later by some 40 ms", laterRead},
	}
	if model == "counter" {
		return append(all,
			mutation{"a read is less by 1", readOf(func(r *rand.Rand, o *checker.Op) { o.Read = shifted(o.Read, -1) })},
			mutation{"a read is more by 1", readOf(func(r *rand.Rand, o *checker.Op) { o.Read = shifted(o.Read, 1) })},
			mutation{"a read is far above", readOf(func(r *rand.Rand, o *checker.Op) { o.Read = shifted(o.Read, 5+r.Int64N(90)) })})
	}
	all = append(all,
		mutation{"a read lacks an element", readOf(func(r *rand.Rand, o *checker.Op) {
			if n := len(o.Items); n > 0 {
				i := r.IntN(n)
				o.Items = slices.Delete(o.Items, i, i+1)
			}
			o.Found = len(o.Items) > 0
		})},
		mutation{"a read has an element that nobody wrote", readOf(func(r *rand.Rand, o *checker.Op) {
			o.Items, o.Found = slices.Insert(o.Items, r.IntN(len(o.Items)+1), "w"), true
		})},
		mutation{"a read has an element once more", readOf(func(r *rand.Rand, o *checker.Op) {
			if n := len(o.Items); n > 0 {
				o.Items = append(o.Items, o.Items[r.IntN(n)])
			}
		})})
	if model == "append" {
		all = append(all, mutation{"a read has two elements in the wrong order", readOf(func(r *rand.Rand, o *checker.Op) {
			if n := len(o.Items); n > 1 {
				i := r.IntN(n - 1)
				o.Items[i], o.Items[i+1] = o.Items[i+1], o.Items[i]
			}
		})})
	}
	return all
}

// readOf changes what a read saw.
func readOf(change func(r *rand.Rand, o *checker.Op)) func(*rand.Rand, []checker.Op, int) bool {
	return func(r *rand.Rand, ops []checker.Op, i int) bool {
		if ops[i].Kind != checker.Get || ops[i].Outcome != checker.Ok {
			return false
		}
		change(r, &ops[i])
		return true
	}
}

func shifted(number string, by int64) string {
	n, _ := strconv.ParseInt(number, 10, 64) // it is what see wrote
	return strconv.FormatInt(n+by, 10)
}

func otherRead(r *rand.Rand, ops []checker.Op, i int) bool {
	from := &ops[r.IntN(len(ops))]
	if ops[i].Kind != checker.Get || from.Kind != checker.Get {
		return false
	}
	ops[i].Read, ops[i].Items, ops[i].Found = from.Read, from.Items, from.Found
	return true
}

func failedWrite(_ *rand.Rand, ops []checker.Op, i int) bool {
	if ops[i].Kind == checker.Get || ops[i].Outcome != checker.Ok {
		return false
	}
	ops[i].Outcome = checker.Failed
	return true
}

func laterRead(r *rand.Rand, ops []checker.Op, i int) bool {
	if ops[i].Kind != checker.Get || ops[i].Outcome != checker.Ok {
		return false
	}
	by := ms(30 + r.IntN(20))
	ops[i].Invoke, ops[i].Return = ops[i].Invoke+by, ops[i].Return+by
	slices.SortStableFunc(ops, func(a, b checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	assignClients(ops)
	return true
}

// asScript writes operations as parseOp reads them.
func asScript(ops []checker.Op) string {
	var b strings.Builder
	for _, o := range ops {
		words := []string{fmt.Sprint("c", o.Client), string(o.Kind)}
		for _, arg := range append([]string{o.Value, o.Read}, o.Items...) {
			if arg != "" {
				words = append(words, arg)
			}
		}
		to := "?"
		if o.Outcome != checker.Unknown {
			to = fmt.Sprint(int64(o.Return) / 1_000_000)
		}
		words = append(words, fmt.Sprintf("%d-%s", int64(o.Invoke)/1_000_000, to))
		if o.Outcome == checker.Failed {
			words = append(words, "failed")
		}
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String()
}
