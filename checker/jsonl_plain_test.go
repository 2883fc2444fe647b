package checker

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// requirePlainAgrees: what plainLine reads is what encoding/json reads. It says whether plainLine read it.
func requirePlainAgrees(t require.TestingT, line []byte) bool {
	var o Op
	if !plainLine(line, &o) {
		return false
	}
	want, err := readJSON(line)
	if err != nil {
		require.Equal(t, want.Validate(), err, "%s", line) // it is read, and nothing but its form is wrong
	}
	require.Equal(t, want, o, "%s", line)
	return true
}

// TestPlainLines: lines that a run writes are read by plainLine, and what is read of lines that were damaged is read
// alike, if at all.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	plain, lines, damaged := 0, 0, 0
	snippets := []string{`"`, `,`, `:`, `{`, `}`, `0`, `-`, `9`, `.5`, `e3`, `null`, `true`, ` `, `\n`, "\n", "é", `b64:AA==`, `"id":7,`, `"ID":7,`,
		`"limit":1,`, `"pairs":[],`, `"expect":"v1",`, `"key":"x",`, `"term":12345678901234567890,`, `"term":-1,`, `"found":true,`, `"client":-5,`, `"client":-0,`}
	for range 300 {
		h := randomHistory(r, shape{ops: 20, clients: 3, keys: 2, span: 12, unknown: 0.2})
		for i := range h.Ops {
			o := &h.Ops[i]
			o.Region, o.Epoch, o.Term, o.ApplyIndex = r.Uint64N(3), Epoch{r.Uint64N(2), r.Uint64N(99)}, r.Uint64N(1e9), r.Uint64N(1e17)
			if o.Outcome == Unknown {
				o.Err = "timed out"
			}
		}
		var file bytes.Buffer
		require.NoError(t, WriteJSONL(&file, h))
		for line := range bytes.Lines(file.Bytes()) {
			line = bytes.TrimSpace(line)
			lines++
			if requirePlainAgrees(t, line) {
				plain++
			}
			for range 20 {
				from := r.IntN(len(line) + 1)
				to := min(len(line), from+r.IntN(3))
				if requirePlainAgrees(t, slices.Concat(line[:from], []byte(snippets[r.IntN(len(snippets))]), line[to:])) {
					damaged++
				}
			}
		}
	}
	require.Equal(t, lines, plain)
	require.Greater(t, damaged, lines/4)
}

// TestPlainLineIsSure: what it leaves to encoding/json.
func TestPlainLineIsSure(t *testing.T) {
	t.Parallel()
	var o Op
	for _, line := range []string{``, `{`, `{}`, `{"id":1`, `{"id":1,}`, `{"id":1}}`, `{"id":1} `, `{"id": 1}`, `{"id":01}`, `{"id":1.5}`, `{"id":1e3}`, `{"id":}`,
		`{"id":-}`, `{"id":1234567890123456789}`, `{"key":"b64:AA=="}`, `{"key":"a\u0041"}`, `{"key":"é"}`, `{"key":"a}`, `{"key":null}`, `{"term":-1}`,
		`{"found":1}`, `{"found":truely}`, `{"kind":"pet"}`, `{"outcome":"fine"}`, `{"limit":1}`, `{"pairs":[]}`, `{"ID":1}`, `["id":1]`, `{"id"1}`} {
		require.False(t, plainLine([]byte(line), &o), "%s", line)
	}
	require.True(t, plainLine([]byte(`{"id":1,"client":-2,"expect":"","found":false,"swapped":true}`), &o))
	require.Equal(t, Op{ID: 1, Client: -2, Expect: new(string), Swapped: true, Return: Never}, o)
}
