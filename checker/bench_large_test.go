package checker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"ordeal/checker/register"
	"ordeal/checker/register/registertest"
	"ordeal/internal/cores"
)

// largeHistory has so many operations, spread evenly over keys, on each of which so many clients are always busy. Each
// operation has strings of its own, as in a history that was read from a file.
func largeHistory(ops, keys, clients int) *History {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	h := &History{Ops: make([]Op, ops)}
	each := ops / keys
	for k := range keys {
		s := registertest.Random(rand.New(rand.NewPCG(uint64(k), 1)),
			registertest.Shape{Ops: each, Clients: clients, Span: 1000, Unknown: 0.01, Busy: true, Mix: []int{10, 5, 1, 4, 1}})
		for i := range s.Steps {
			h.Ops[i*keys+k] = opOf(&s.Steps[i], strings.Clone(key(k)))
		}
		for i := len(s.Steps); i < each; i++ { // steps that would say nothing
			h.Ops[i*keys+k] = Op{Kind: Get, Key: key(k), Invoke: s.Steps[len(s.Steps)-1].Call, Return: Never, Outcome: Unknown}
		}
	}
	for i := range h.Ops {
		h.Ops[i].ID = i + 1
	}
	return h
}

// opOf is the operation of which a step is what an engine gets.
func opOf(s *register.Step, key string) Op {
	text := func(v value) string { return fmt.Sprintf("c%d.%d", v%64, v) }
	o := Op{Client: int(s.Op % 64), Key: key, Invoke: s.Call, Return: s.Ret, Outcome: Unknown}
	if s.Sure {
		o.Outcome = Ok
	}
	if (s.Kind == register.Swap || s.Kind == register.Read && s.Expect != anything) && s.Expect != absent {
		expect := text(s.Expect)
		o.Expect = &expect
	}
	switch {
	case s.Kind == register.Read:
		o.Kind = Get
		if s.Expect != anything {
			o.Kind = CAS
			o.Value = fmt.Sprintf("c%d.r%d", s.Op%64, s.Op)
		}
		if s.Value != absent {
			o.Found, o.Read = true, text(s.Value)
		}
	case s.Kind == register.Write && s.Value == absent:
		o.Kind = Delete
	case s.Kind == register.Write:
		o.Kind, o.Value = Put, text(s.Value)
	case s.Value == absent:
		o.Kind, o.Swapped = CAD, s.Sure
	default:
		o.Kind, o.Value, o.Swapped = CAS, text(s.Value), s.Sure
	}
	return o
}

// BenchmarkCheckLarge is all of Check, from a history in memory to a verdict. The memory is that of the whole process,
// history included.
func BenchmarkCheckLarge(b *testing.B) {
	for _, s := range []struct{ ops, keys, clients int }{
		{1_000_000, 1, 10}, {1_000_000, 1000, 10}, {10_000_000, 1000, 10}, {10_000_000, 1, 10}, {10_000_000, 1, 1000},
	} {
		b.Run(fmt.Sprintf("ops=%d/keys=%d/clients=%d", s.ops, s.keys, s.clients), func(b *testing.B) {
			benchmarkCheck(b, largeHistory(s.ops, s.keys, s.clients))
		})
	}
}

func benchmarkCheck(b *testing.B, h Operations) {
	runtime.GC()
	meter := registertest.StartMeter(b)
	for b.Loop() {
		if r := Check(h, Options{Spread: cores.Spread}); r.Verdict != OK {
			b.Fatal(r.Verdict, r.Reasons)
		}
	}
	meter.Report(b, h.Len())
}

// BenchmarkFile is what ordeal check does with a file of a million operations: it reads them, and judges them as they
// are kept then.
func BenchmarkFile(b *testing.B) {
	for _, keys := range []int{1, 1000} {
		h := largeHistory(1_000_000, keys, 10)
		sortHistory(h)
		var file bytes.Buffer
		if err := WriteJSONL(&file, h); err != nil {
			b.Fatal(err)
		}
		p := packed(h)
		b.Run(fmt.Sprintf("read/keys=%d", keys), func(b *testing.B) {
			meter := registertest.StartMeter(b)
			for b.Loop() {
				if _, err := ReadJSONL(bytes.NewReader(file.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
			meter.Report(b, len(h.Ops))
			b.ReportMetric(float64(p.bytes())/float64(p.Len()), "kept-B/op")
		})
		b.Run(fmt.Sprintf("check/keys=%d", keys), func(b *testing.B) { benchmarkCheck(b, p) })
	}
}

// bytes is how much memory a packed history takes, but for operations that are kept as they are.
func (p *Packed) bytes() int {
	n := 8*len(p.keys.slots) + 16*cap(p.keys.names) + 8*cap(p.blocks)
	for _, b := range p.blocks {
		n += len(b.text) + int(unsafe.Sizeof(*b))
	}
	return n
}

// BenchmarkStream feeds a Stream operations on 1,000 keys and says how much memory it keeps for each key at the end,
// beside the window of the newest operations, which is the same for any number of keys: of 1,000 clients that meet on keys
// by chance, and of clients that are always busy on a key of theirs.
func BenchmarkStream(b *testing.B) {
	const ops, keys = 1_000_000, 1000
	for _, s := range []struct {
		name string
		h    func() *History
	}{
		{"clients=1000", func() *History {
			return randomHistory(rand.New(rand.NewPCG(1, 1)), shape{ops: ops, clients: 1000, keys: keys, span: 1000, unknown: 0.01})
		}},
		{"busy-clients-a-key=1", func() *History { return largeHistory(ops, keys, 1) }},
		{"busy-clients-a-key=3", func() *History { return largeHistory(ops, keys, 3) }},
	} {
		b.Run(s.name, func(b *testing.B) {
			h := s.h()
			sortHistory(h)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var stream *Stream
			meter := registertest.StartMeter(b)
			for b.Loop() {
				stream = streamed(h)
			}
			meter.Report(b, ops)
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(h)
			window := float64(cap(stream.window)) * float64(unsafe.Sizeof(Op{}))
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc)-window)/keys, "B/key")
			b.ReportMetric(window, "window-B")
			if r := stream.Finish(); r.Verdict != OK {
				b.Fatal(r.Verdict, r.Reasons)
			}
		})
	}
}
