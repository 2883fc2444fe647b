package checker

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plantedBugs are mistakes that someone could make in the engines: in a file, the expression is is wrong as bug. Each is
// equal to no other, and none leaves the engine right.
var plantedBugs = []struct{ file, is, bug string }{
	{"linear/chain.go", "in := ret >= s.last", "in := planted(N, ret >= s.last, true)"},
	{"linear/chain.go", "if all.first < all.last {", "if planted(N, all.first < all.last, all.first+1 < all.last) {"},
	{"linear/chain.go", "if c.zones[i].from < c.zones[i-1].to {", "if planted(N, c.zones[i].from < c.zones[i-1].to, c.zones[i].from <= c.zones[i-1].to) {"},
	{"linear/chain.go", "it.to = c.outside(z, it.to, -1)", "it.to = planted(N, c.outside(z, it.to, -1), it.to)"},
	{"linear/chain.go", "if it.from > it.to {", "if planted(N, it.from > it.to, it.from >= it.to) {"},
	{"linear/chain.go", "return walked == c.happened", "return planted(N, walked == c.happened, true)"},
	{"linear/chain.go", "needsNil := w.Kind == register.Swap", "needsNil := planted(N, w.Kind == register.Swap, false)"},
	{"linear/chain.go", "all.add(cl.readRet, c", "all.add(planted(N, cl.readRet, register.Never), c"},
	{"linear/chain.go", "if call > s.last {", "if planted(N, call > s.last, false) {"},
	{"linear/chain.go", "if i >= 0 && c.items[i].from > c.late[l].from {", "if i >= 0 && planted(N, c.items[i].from > c.late[l].from, false) {"},
	{"linear/chain.go", "class = absentRead", "class = planted(N, absentRead, maker)"},
	{"linear/chain.go", "class = creator", "class = planted(N, creator, definer)"},
	{"linear/collect.go", "sound = sound && cl.consumer == none", "sound = planted(N, sound && cl.consumer == none, sound)"},
	{"linear/collect.go", "cl.writer, cl.happened = i, s.Sure", "cl.writer, cl.happened = i, planted(N, s.Sure, true)"},
	{"linear/collect.go", "if cl.reads == none {", "if planted(N, cl.reads == none, true) {"},
	{"linear/collect.go", "if s.Kind == register.Write || s.Expect == register.Absent {", "if s.Kind == register.Write || planted(N, s.Expect == register.Absent, false) {"},
	{"linear/collect.go", "if seen.consumer != none {", "if planted(N, seen.consumer != none, false) {"},
	{"linear/collect.go", "\tif cl.writer == none {\n\t\t\t\treturn false\n\t\t\t}", "\tif cl.writer == none {\n\t\t\t\tif planted(N, true, false) { return false }; break\n\t\t\t}"},
	{"linear/sweep.go", "if it.class == absentRead && c.absent {", "if it.class == absentRead && planted(N, c.absent, true) {"},
	{"linear/sweep.go", "items[0].from <= when &&", "planted(N, items[0].from <= when, items[0].from < when) &&"},
	{"linear/sweep.go", "len(zones) > 0 && zones[0].from < when:", "len(zones) > 0 && planted(N, zones[0].from < when, zones[0].from <= when):"},
	{"linear/sweep.go", "if !c.absent && !c.makeNil(now) {", "if planted(N, !c.absent, false) && !c.makeNil(now) {"},
	{"linear/sweep.go", "for c.absent && len(c.pending[creator]) > 0 {", "for planted(N, c.absent, false) && len(c.pending[creator]) > 0 {"},
	{"linear/sweep.go", "if z.leavesNil {", "if planted(N, z.leavesNil, false) {"},
	{"linear/sweep.go", "c.exits[c.way].from > now {", "planted(N, c.exits[c.way].from > now, false) {"},
	{"linear/sweep.go", "case len(c.pending[maker]) == 0:", "case len(c.pending[maker]) == planted(N, 0, 1):"},
	{"linear/exit.go", "cl.consumer == none && s.Call <= until {", "cl.consumer == none && planted(N, s.Call <= until, false) {"},
	{"linear/exit.go", "exit{max(way.from, s.Call), w, v}", "exit{planted(N, max(way.from, s.Call), way.from), w, v}"},
	{"linear/queue.go", "if h[up].to <= e.to {", "if planted(N, h[up].to <= e.to, h[up].to >= e.to) {"},
	{"frontier/frontier.go", "s.mode[slot] != Reader || c.has(uint8(slot)) {", "planted(N, s.mode[slot] != Reader, s.mode[slot] > Reader) || c.has(uint8(slot)) {"},
	{"frontier/frontier.go", "(next != c.state || mode == Certain)", "planted(N, next != c.state || mode == Certain, next != c.state)"},
	{"frontier/frontier.go", "used.used++", "used.used += planted(N, uint32(1), 2)"},
	{"frontier/history.go", "spans[calls[0]].Call <= spans[r].Ret {", "planted(N, spans[calls[0]].Call <= spans[r].Ret, spans[calls[0]].Call < spans[r].Ret) {"},
	{"frontier/set.go", "other.state == c.state && other.acted == c.acted", "planted(N, other.state == c.state, true) && other.acted == c.acted"},
	{"tighten.go", "keep[other] = false\n\t\t}\n\t\tt.last", "keep[other] = planted(N, false, true)\n\t\t}\n\t\tif planted(N, false, true) { t.keep[i] = false }\n\t\tt.last"},
	{"tighten.go", "if st.Call <= first ||", "if planted(N, st.Call <= first, true) ||"},
	{"stream.go", "s.returns[0].at < before", "planted(N, s.returns[0].at < before, s.returns[0].at <= before)"},
	{"stream_key.go", "if ok, _ := st.Act(k.state); ok {", "if ok, _ := st.Act(k.state); planted(N, ok, true) {"},
	{"stream_key.go", "for range k.deletes {", "for range planted(N, k.deletes, 0) {"},
	{"stream_key.go", "k.deletes -= used", "k.deletes -= planted(N, used, 0)"},
	{"stream_key.go", "for _, i := range k.cads {", "for _, i := range planted(N, k.cads, nil) {"},
	{"stream_key.go", "case other.Sure, w != nil && w.writing == forced:", "case planted(N, other.Sure, false), w != nil && w.writing == forced:"},
	{"stream_key.go", "w != nil && w.writing == optional:", "planted(N, w != nil, false) && w.writing == optional:"},
	{"stream_key.go", "if v.cad != none {\n\t\t\tk.admit(v)", "if planted(N, v.cad != none, false) {\n\t\t\tk.admit(v)"},
	{"stream_key.go", "v != nil; v = k.values.at(k.steps[v.writer].Saw()) {", "v != nil; v = k.values.at(planted(N, k.steps[v.writer].Saw(), absent)) {"},
	{"stream_key.go", "if v.writing != unwritten {\n\t\tk.admit(v)", "if planted(N, v.writing != unwritten, false) {\n\t\tk.admit(v)"},
	{"stream_forget.go", "v.writing == written\n\t}\n", "planted(N, v.writing == written, true)\n\t}\n"},
	{"stream_forget.go", "k.values.need(st.Expect)", "k.values.need(planted(N, st.Expect, absent))"},
}

const plantedEnv = "ORDEAL_CHECKER_BUG"

// TestPlantedBugs: TestEnginesAgree, or TestStreamAgreesOnSteps for those of the stream, finds every mistake of the list. All are compiled into one program, as choices that
// the environment makes, so that the product knows nothing of them.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	if os.Getenv(plantedEnv) != "" {
		t.Skip("this is a program with planted bugs")
	}
	program := buildPlanted(t)
	for _, finder := range []string{engineFinder, streamFinder} {
		sound, err := tryPlanted(program, finder, -1)
		require.NoError(t, err, "with no bug chosen: %s", sound)
	}
	for n, bug := range plantedBugs {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			finder := engineFinder
			if strings.HasPrefix(bug.file, "stream") {
				finder = streamFinder
			}
			out, err := tryPlanted(program, finder, n)
			require.Error(t, err, "not found: in %s, %s", bug.file, bug.bug)
			require.Contains(t, out, "history ", "it must fail by a history")
			_, what, _ := strings.Cut(out, "history ")
			what, _, _ = strings.Cut(what, "\n    ---")
			t.Logf("in %s, %s\nis found by history %s", bug.file, bug.bug, what)
		})
	}
}

// Who finds the bugs.
const (
	engineFinder = "TestEnginesAgree"
	streamFinder = "TestStreamAgreesOnSteps"
)

// tryPlanted runs one of those with one of the bugs.
func tryPlanted(program, finder string, n int) (string, error) {
	cmd := exec.Command(program, "-test.run=^"+finder+"$", "-test.failfast", "-test.parallel=1", "-histories=100000")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", plantedEnv, n))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func buildPlanted(t *testing.T) (program string) {
	dir := t.TempDir()
	here, err := os.Getwd()
	require.NoError(t, err)
	texts, replace := map[string]string{}, map[string]string{}
	for n, bug := range plantedBugs {
		if texts[bug.file] == "" {
			source, err := os.ReadFile(bug.file)
			require.NoError(t, err)
			texts[bug.file] = string(source)
		}
		is := bug.is
		require.Equal(t, 1, strings.Count(texts[bug.file], is), "bug %d: %q must be in %s once", n, is, bug.file)
		texts[bug.file] = strings.Replace(texts[bug.file], is, strings.ReplaceAll(bug.bug, "(N,", fmt.Sprintf("(%d,", n)), 1)
	}
	put := func(file, text string) {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		require.NoError(t, os.WriteFile(copied, []byte(text), 0o600))
		replace[filepath.Join(here, file)] = copied
	}
	for file, text := range texts {
		put(file, text)
	}
	for folder, pkg := range map[string]string{"linear/": "linear", "frontier/": "frontier", "": "checker"} {
		put(folder+"planted_choice.go", fmt.Sprintf(choice, pkg, plantedEnv))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	program = filepath.Join(dir, "planted.test")
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay="+filepath.Join(dir, "overlay.json"), "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// choice is a file beside those with bugs.
const choice = `package %s

import (
	"os"
	"strconv"
)

var plantedNumber, _ = strconv.Atoi(os.Getenv(%q))

func planted[T any](n int, is, bug T) T {
	if n == plantedNumber {
		return bug
	}
	return is
}
`
