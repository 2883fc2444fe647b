package report

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

// unpacked reads the timeline as the page's script does.
func unpacked(t *testing.T, d Data, operations int) packed {
	t.Helper()
	text, _, err := pack(&d, operations)
	require.NoError(t, err)
	zip, err := gzip.NewReader(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(text)))
	require.NoError(t, err)
	var p packed
	require.NoError(t, json.NewDecoder(zip).Decode(&p))
	return p
}

func TestPackKeepsEveryOperation(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	p := unpacked(t, d, opsDrawnMax)
	lines := strings.Split(p.Ops.Text, "\n")
	require.Len(t, p.Ops.At, len(d.History.Ops))
	at := int64(0)
	for i := range d.History.Ops {
		o := &d.History.Ops[i]
		at += p.Ops.At[i]
		require.Equal(t, micros(o.Invoke), at)
		require.Equal(t, micros(o.Return)-at, p.Ops.Took[i])
		require.Equal(t, o.Client, p.Ops.Clients[p.Ops.Client[i]])
		require.Equal(t, o.Key, p.Ops.Keys[p.Ops.Key[i]])
		require.Equal(t, string(o.Outcome), p.Ops.Outcomes[p.Ops.Outcome[i]])
		require.Equal(t, o.Call()+" → "+o.Answer(), lines[i])
	}
	require.Len(t, p.Marks, 1)
	for k, at := range p.Marks[0].Ops {
		require.Equal(t, d.Violations[0].Ops[k].ID, at+1)
	}
}

// What is thinned out is neither what went wrong nor what was not ok, and the page says how much it was.
func TestPackThinsOutWhatWasOk(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	p := unpacked(t, d, 300)
	require.Greater(t, p.Ops.Weight, 10)
	counts := d.History.Count()
	require.Less(t, len(p.Ops.At), counts.Failed+counts.Unknown+counts.Ok/p.Ops.Weight+10)
	notOk := 0
	for _, o := range p.Ops.Outcome {
		if o != 0 {
			notOk++
		}
	}
	require.Equal(t, counts.Failed+counts.Unknown, notOk)
	require.Len(t, p.Marks[0].Ops, len(d.Violations[0].Ops))
	v, err := newView(&d, sizes{operations: 300})
	require.NoError(t, err)
	require.Contains(t, v.Drawn, "operations are drawn: all that were not ok")
}

// TestRiver: region 1 is cut at m, its child 2 is led by nobody at first, changes its leader, and goes back into 1.
func TestRiver(t *testing.T) {
	t.Parallel()
	d := Data{Virtual: 10e9,
		Ranges: []Range{{Region: 1, To: 2 * second}, {Region: 1, End: []byte("m"), From: 2 * second, To: 8 * second},
			{Region: 2, Start: []byte("m"), From: 2 * second, To: 8 * second}, {Region: 1, From: 8 * second, To: Open}},
		Leaders: []Leader{{Region: 1, Store: 3, From: second, Term: 6}, {Region: 2, Store: 1, From: 3 * second, Term: 6}, {Region: 2, Store: 2, From: 5 * second, Term: 7}},
	}
	p := unpacked(t, d, 1)
	r := p.River
	require.Equal(t, []string{`"m"`}, r.Borders)
	type piece struct {
		region, low, high, from, to, store int
	}
	var got []piece
	for i := range r.Region {
		got = append(got, piece{r.Region[i] + 1, r.Low[i], r.High[i], int(r.From[i] / 1e6), int(r.To[i] / 1e6), r.Store[i]})
	}
	require.Equal(t, []piece{
		{1, 0, 2, 0, 1, 0}, {1, 0, 2, 1, 2, 3}, {1, 0, 1, 2, 8, 3},
		{2, 1, 2, 2, 3, 0}, {2, 1, 2, 3, 5, 1}, {2, 1, 2, 5, 8, 2}, {1, 0, 2, 8, 10, 3},
	}, got)
	require.Equal(t, []bool{true, false, true, true, false, false, true}, r.First)
}

// Every region of a large cluster has its piece.
func TestRiverOfManyRegions(t *testing.T) {
	t.Parallel()
	d := sample(checker.OK)
	d.Ranges, d.Regions, d.Leaders = nil, nil, nil
	for id := range uint64(10_000) {
		d.Ranges = append(d.Ranges, Range{Region: id + 1, Start: []byte{byte(id >> 8), byte(id)}, End: []byte{byte((id + 1) >> 8), byte(id + 1)}, To: Open})
		d.Leaders = append(d.Leaders, Leader{Region: id + 1, Store: 1, From: second})
	}
	p := unpacked(t, d, opsDrawnMax)
	require.Len(t, p.River.Region, 20_000)
	require.Zero(t, p.River.Lost)
	require.Less(t, len(render(t, d)), 2<<20)
}

// The answers of a counter-example tell when an older state answered later.
func TestAroundTellsOfOlderStates(t *testing.T) {
	t.Parallel()
	put := checker.Op{Client: 1, Kind: checker.Put, Key: "x", Invoke: 1, Return: 2, Outcome: checker.Ok, Region: 5, Term: 7, ApplyIndex: 9}
	get := checker.Op{Client: 2, Kind: checker.Get, Key: "x", Invoke: 3, Return: 4, Outcome: checker.Ok, Region: 5, Term: 7, ApplyIndex: 8}
	tell := func() string {
		return strings.Join(around(&Data{Faults: []Fault{{Name: "kill(s1)", From: 2, To: 3, Receipt: "down"}, {Name: "nightfall", From: world.Time(9e9), To: world.Time(9e9)}}},
			&checker.Violation{Ops: []checker.Op{put, get}}), "\n")
	}
	require.Contains(t, tell(), "an older state answered later")
	require.Contains(t, tell(), "Fault kill(s1), 0.000 s to 0.000 s: down.")
	require.NotContains(t, tell(), "nightfall")
	get.Term = 6
	require.Contains(t, tell(), "an older leader answered later")
	get.Term, get.ApplyIndex = 7, 9
	require.NotContains(t, tell(), "older")
}
