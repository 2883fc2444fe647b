package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

const second = world.Time(time.Second)

// sample is a run of 20 virtual seconds with one stale read in it.
func sample(verdict checker.Verdict) Data {
	r := rand.New(rand.NewPCG(7, 7))
	d := Data{Workload: "register", Seed: 7, Flags: "-nemesis=all -stores=5 -duration=20s -bug=stale-read", Verdict: verdict,
		Replay:  "go run ./cmd/ordeal replay out/register-7\ngo test ./workloads -run TestRegister -seed=7 -nemesis=all -bug=stale-read",
		Virtual: 20 * time.Second, Wall: 1300 * time.Millisecond, Events: 1234567, TraceHash: "9f86d081884c7d65"}
	for i, name := range []string{"partition(halves)", "kill(leader 1001)", "transfer-leader(1002 to s3)", "partition(isolate s2)", "split(1001)", "conf-change(1002 add s5)", "kill(all)"} {
		from := world.Time(i*2+2) * second
		d.Faults = append(d.Faults, Fault{Name: name, From: from, To: from + second/2*world.Time(1+i%3), Receipt: fmt.Sprintf("%d messages cut, leader moved to s%d", 40*i+3, i%5+1), Bit: i != 4})
	}
	for region := uint64(1001); region < 1009; region++ {
		at, term := world.Time(region-1001)*second, uint64(5)
		for at < 20*second {
			d.Leaders = append(d.Leaders, Leader{Region: region, Store: world.NodeID(r.IntN(6)), From: at, Term: term})
			at += world.Time(r.Int64N(int64(4 * second)))
			term++
		}
		start, end := []byte(fmt.Sprintf("k%d", region-1001)), []byte(fmt.Sprintf("k%d", region-1000))
		d.Regions = append(d.Regions, Region{ID: region, Start: start, End: end, ConfVer: 3, Version: region - 1000, Peers: []world.NodeID{1, 2, 3}, Leader: 2, Term: term})
	}
	d.Regions[0].Start, d.Regions[7].End = nil, nil
	d.Ranges = sampleRanges(d.Regions)
	for i := range 9 {
		o := Operator{Kind: []string{"balance-leader", "replace-down", "merge"}[i%3], Region: uint64(1001 + i%8), Why: "s1 has more",
			Steps: "add a learner on s4, then promote it", From: world.Time(i*2) * second, To: world.Time(i*2+1) * second, Outcome: Finished}
		switch i {
		case 4:
			o.Outcome, o.End = "cancelled", "the region has changed"
		case 8:
			o.Outcome, o.To = "", Open
		}
		d.Operators = append(d.Operators, o)
	}
	d.History = sampleHistory(r)
	if verdict == checker.FAIL {
		res := checker.Check(d.History, checker.Options{})
		d.Reasons, d.Violations = res.Reasons, res.Violations
	}
	return d
}

// sampleRanges: the cluster begins as one region, is cut in two and then in eight parts.
func sampleRanges(regions []Region) []Range {
	ranges := []Range{{Region: 1001, To: second}, {Region: 1001, End: regions[3].End, From: second, To: 4 * second},
		{Region: 1005, Start: regions[3].End, From: second, To: 6 * second}}
	for i, r := range regions {
		from := 4 * second
		if i >= 4 {
			from = 6 * second
		}
		ranges = append(ranges, Range{Region: r.ID, Start: r.Start, End: r.End, From: from, To: Open})
	}
	return ranges
}

// large is a run with so many operations.
func large(operations int) Data {
	r := rand.New(rand.NewPCG(3, 3))
	d := sample(checker.OK)
	d.History = &checker.History{}
	for i := range operations {
		at := world.Time(i) * 20 * second / world.Time(operations)
		o := checker.Op{ID: i + 1, Client: i % 24, Kind: checker.Put, Key: fmt.Sprintf("k%02x/r/%d", r.IntN(256), r.IntN(9)),
			Value: fmt.Sprintf("c%d-%d", i%24, i/24), Invoke: at, Return: at + world.Time(r.ExpFloat64()*3e6) + 1, Outcome: checker.Ok, Region: uint64(1001 + r.IntN(8))}
		switch i % 5 {
		case 0, 1, 2:
			o.Kind, o.Found, o.Read, o.Value = checker.Get, true, o.Value, ""
		case 3:
			if i%500 == 3 {
				o.Outcome, o.Return = checker.Unknown, at+second
			}
		}
		d.History.Ops = append(d.History.Ops, o)
	}
	return d
}

// sampleHistory is a register with clients that are slower at some times than at others; near the end c3 reads what
// had been overwritten.
func sampleHistory(r *rand.Rand) *checker.History {
	rec := make([]*checker.Recorder, 5)
	for i := range rec {
		rec[i] = checker.NewRecorder(i + 1)
	}
	now, last, before := world.Time(0), "", ""
	for n := 0; now < 19*second; n++ {
		client := rec[r.IntN(len(rec))]
		slow := int64(1)
		if now/second%5 == 2 {
			slow = 30
		}
		done := now + world.Time(r.ExpFloat64()*float64(slow)*2e6)
		switch r.IntN(3) {
		case 0:
			v := fmt.Sprintf("c1-%d", n)
			o := client.Begin(checker.Op{Kind: checker.Put, Key: "x", Value: v}, now)
			o.Region, o.Term, o.ApplyIndex = 1003, 7, uint64(n)
			client.End(o, checker.Ok, done)
			before, last = last, v
		case 1:
			o := client.Begin(checker.Op{Kind: checker.Get, Key: "x"}, now)
			o.Found, o.Read = last != "", last
			o.Region, o.Term, o.ApplyIndex = 1003, 7, uint64(n)
			if now > 17*second && before != "" {
				o.Read, before = before, ""
			}
			client.End(o, checker.Ok, done)
		default:
			o := client.Begin(checker.Op{Kind: checker.CAS, Key: "y", Value: fmt.Sprint(n)}, now)
			client.End(o, []checker.Outcome{checker.Failed, checker.Failed, checker.Unknown}[r.IntN(3)], done)
		}
		now = done + world.Time(r.Int64N(3e6)) + 1
	}
	return checker.Merge(rec...)
}

func render(t *testing.T, d Data) string {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, Write(&buf, d))
	require.LessOrEqual(t, buf.Len(), SizeMax)
	return buf.String()
}

func TestReportOfAFailure(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	require.NotEmpty(t, d.Violations)
	html := render(t, d)
	require.Equal(t, html, render(t, sample(checker.FAIL)), "equal data give equal bytes")
	for _, want := range []string{
		`<span class="badge">FAIL</span> The cluster broke a promise.`,
		"<code>go run ./cmd/ordeal replay out/register-7</code>",
		"although", "had been acknowledged at", "linearizability", "get x", "const data = ",
		"partition(halves)", "43 messages cut", `class="dot c0"`, `<b class="warn">no</b>`, "<td class=\"num\">1008</td>", "9f86d081884c7d65",
		"-bug=stale-read", "1\u202f234\u202f567", "15 times faster", "balance-leader", "1 cancelled", "region 1003, term 7, index",
	} {
		require.Contains(t, html, want)
	}
	order := []string{`class="verdict fail"`, `id="violations"`, `id="timeline"`, `id="latency"`, `id="moves"`, `id="faults"`, `id="regions"`, `id="run"`}
	last := -1
	for _, part := range order {
		at := strings.Index(html, part)
		require.Greater(t, at, last, part)
		last = at
	}
	require.Less(t, len(html), 400<<10)
	requireSelfContained(t, html)
	requireBalanced(t, html)
	require.NoError(t, os.WriteFile(filepath.Join(t.TempDir(), "report.html"), []byte(html), 0o644))
}

// TestSampleFiles writes sample reports to a folder of the caller's choice, to be looked at in a browser.
func TestSampleFiles(t *testing.T) {
	dir := os.Getenv("ORDEAL_SAMPLE_REPORTS")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, v := range []checker.Verdict{checker.OK, checker.FAIL, checker.UNKNOWN, checker.INCONCLUSIVE} {
		d := sample(v)
		if v != checker.OK && v != checker.FAIL {
			d.Reasons = []string{"key x: the search for an order took longer than 10s", "fault split(1001) left no receipt"}
		}
		file := filepath.Join(dir, strings.ToLower(string(v))+".html")
		require.NoError(t, os.WriteFile(file, []byte(render(t, d)), 0o644))
	}
}

func TestReportVerdicts(t *testing.T) {
	t.Parallel()
	for v, want := range map[checker.Verdict]string{
		checker.OK: "no promise was broken", checker.UNKNOWN: "could not be judged", checker.INCONCLUSIVE: "did not try",
	} {
		html := render(t, sample(v))
		require.Contains(t, html, want)
		require.NotContains(t, html, `id="violations"`)
		requireBalanced(t, html)
	}
}

func TestReportOfNothing(t *testing.T) {
	t.Parallel()
	html := render(t, Data{Workload: "scan", Verdict: checker.INCONCLUSIVE, Reasons: []string{"no operation succeeded"}})
	require.Contains(t, html, "no operation succeeded")
	require.NotContains(t, html, `id="timeline"`)
	requireBalanced(t, html)
}

// TestReportEscapes: whatever keys, values and messages hold, it does not become a part of the page.
func TestReportEscapes(t *testing.T) {
	t.Parallel()
	evil := `</script><script>alert(1)</script><img src=x onerror="alert(2)">` + "\xff'`${0}"
	d := Data{Workload: evil, Flags: evil, Verdict: checker.FAIL, Reasons: []string{evil}, Replay: evil, TraceHash: evil,
		Faults:  []Fault{{Name: evil, From: 1, To: 2, Receipt: evil}},
		Leaders: []Leader{{Region: 1, Store: 1}},
		Regions: []Region{{ID: 1, Start: []byte(evil), End: []byte(evil)}},
		Violations: []checker.Violation{{Check: evil, Key: evil, Message: evil, Notes: []string{evil}, Picture: []byte(evil + "</iframe>"),
			Ops: []checker.Op{{Kind: checker.Put, Key: evil, Value: evil, Outcome: checker.Ok, Err: evil}}}},
		History: &checker.History{Ops: []checker.Op{{Kind: checker.Put, Key: evil, Value: evil, Return: 5, Outcome: checker.Ok}}}}
	html := render(t, d)
	require.NotContains(t, html, "<script>alert")
	require.NotContains(t, html, "<img")
	require.Equal(t, 4, strings.Count(html, "<script")+strings.Count(html, "</iframe>"), "three scripts and one frame of the page's own")
	requireBalanced(t, html)
}

// TestReportIsCapped: a run however long gives a page of bounded size.
func TestReportIsCapped(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	long := strings.Repeat("long ", 1000)
	key := []byte(long)
	for i := range 20_000 {
		at := world.Time(i) * second / 1000
		d.Faults = append(d.Faults, Fault{Name: fmt.Sprintf("kind%d %s", i, long[:700]), From: at, To: at + 1, Receipt: long})
		d.Leaders = append(d.Leaders, Leader{Region: uint64(i % 40), Store: world.NodeID(i % 9), From: at})
		d.Regions = append(d.Regions, Region{ID: uint64(i), Start: key, End: key})
		d.Reasons = append(d.Reasons, long)
	}
	for range 50 {
		v := checker.Violation{Message: long, Picture: bytes.Repeat([]byte(`"<&>`), pictureMax/4)}
		for range 500 {
			v.Ops = append(v.Ops, checker.Op{Kind: checker.Put, Key: long, Value: long})
		}
		d.Violations = append(d.Violations, v)
	}
	for len(d.History.Ops) < 300_000 {
		d.History.Ops = append(d.History.Ops, d.History.Ops...)
	}
	html := render(t, d)
	require.Contains(t, html, "picture is left out to keep this file small")
	require.Contains(t, html, "more violations")
	require.Contains(t, html, "more faults")
	require.Contains(t, html, "more regions")
}

// requireSelfContained: the page asks for nothing from anywhere.
func requireSelfContained(t *testing.T, html string) {
	t.Helper()
	html = strings.ReplaceAll(html, "http://www.w3.org/2000/svg", "")            // the name of a namespace; nothing is fetched
	html = strings.ReplaceAll(html, "/*! https://github.com/leeoniya/uPlot", "") // where the library comes from
	require.NotRegexp(t, regexp.MustCompile(`(?i)https?://|@import|<link|<img|src\s*=|url\s*\(`), html)
}

// requireBalanced: every element that is opened is closed, in order.
func requireBalanced(t *testing.T, html string) {
	t.Helper()
	html = regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>`).ReplaceAllString(html, "")
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>`).FindAllStringSubmatch(html, -1) {
		switch {
		case m[2] == "meta" || m[2] == "input":
		case m[1] == "":
			open = append(open, m[2])
		default:
			require.NotEmpty(t, open, "</%s> closes nothing", m[2])
			require.Equal(t, open[len(open)-1], m[2], "closed out of order")
			open = open[:len(open)-1]
		}
	}
	require.Empty(t, open)
}
