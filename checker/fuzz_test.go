package checker

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/internal/fuzzrand"
)

// historyFromBytes is a small history of real registers that bytes decide, and how often it was mutated afterwards.
func historyFromBytes(data []byte) (h *History, mutations int) {
	r := fuzzrand.New(data)
	s := shape{
		ops: 1 + r.IntN(12), clients: 1 + r.IntN(5), keys: 1 + r.IntN(2), span: []int{2, 5, 12, 40}[r.IntN(4)],
		unknown: []float64{0, 0.1, 0.3, 0.6}[r.IntN(4)], scans: r.IntN(2) == 0,
	}
	mutations = r.IntN(4)
	h = randomHistory(r, s)
	for range mutations {
		mutate(r, h)
	}
	return h, mutations
}

// FuzzHistory: bytes decide a history of registers, and what is changed in it. The checker must say of it what porcupine says of
// the history as it is, whatever is left of a violation must be one, and the file must read back as what was written.
func FuzzHistory(f *testing.F) {
	for _, seed := range []string{"", "\xff\xff\xff\xff\xff\xff\x00", "a few operations of several clients", "\x80\x40\xc0\x00\x20\x80\xff and changes to them"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, mutations := historyFromBytes(data)
		plain := plainVerdict(h)
		require.Equal(t, plain, engineVerdict(Auto, h), "porcupine says %v%s", plain, told(h))
		require.True(t, plain || mutations > 0, "linearizable by construction%s", told(h))
		res := Check(h, Options{KeyTimeout: time.Minute})
		require.Equal(t, plain, res.Verdict != FAIL, "%v%s", res.Reasons, told(h))
		require.NotEqual(t, UNKNOWN, res.Verdict, "%v%s", res.Reasons, told(h))
		for _, v := range res.Violations {
			if v.Check == checkLinear {
				require.NotEmpty(t, v.Ops, told(h))
			}
		}
		var b bytes.Buffer
		require.NoError(t, WriteJSONL(&b, h))
		again, err := ReadJSONL(&b)
		require.NoError(t, err)
		require.Equal(t, wholeOf(h), wholeOf(again))
	})
}

// FuzzJSONL: a history may come from anywhere. Whatever is in the file, it is refused, or judged without a panic, and then written
// as what reads the same; and lines that plainLine reads are what encoding/json reads.
func FuzzJSONL(f *testing.F) {
	for _, data := range []string{"", "\xff\xff", "a few operations of several clients"} {
		h, _ := historyFromBytes([]byte(data))
		var b bytes.Buffer
		require.NoError(f, WriteJSONL(&b, h))
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"id":1,"client":1,"kind":"scan","start":"b64:AA==","invoke_ns":0,"return_ns":9,"outcome":"ok","pairs":[{"key":"k","value":"b64:/w=="}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for line := range bytes.Lines(data) {
			requirePlainAgrees(t, bytes.TrimSpace(line))
		}
		h, err := ReadJSONL(bytes.NewReader(data))
		if err != nil {
			return
		}
		if h.Len() <= 16 { // more may rightly take longer than the fuzzer waits
			Check(h, Options{KeyTimeout: time.Second})
		}
		var b bytes.Buffer
		require.NoError(t, WriteJSONL(&b, h))
		again, err := ReadJSONL(&b)
		require.NoError(t, err)
		require.Equal(t, wholeOf(h), wholeOf(again))
	})
}
