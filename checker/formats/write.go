package formats

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"ordeal/checker"
	"ordeal/checker/models"
	"ordeal/world"
)

// scanCall is what scans are called in files that we write. Jepsen has none.
const scanCall = "scan"

// ednEnd is a beginning or an end of an operation.
type ednEnd struct {
	at  world.Time
	end bool
	op  int
}

// WriteEDN writes a history as the events of a Jepsen test with jepsen.independent: one map a line, with
// [key value] as value. A delete writes nil. An operation that was still open has no end. What was read of a list is
// a vector, of a set a set, of a counter a number, which :add changes as it adds to sets.
//
// Jepsen's processes do one thing after the other and do not go on after :info; a client that did gets further
// processes, as many numbers apart as there are clients. A cas that did not swap is :fail, with what it saw in :saw.
// What begins when another ends overlaps with it here, so beginnings come first.
func WriteEDN(w io.Writer, h checker.Operations) error {
	var room checker.Room
	var ends []ednEnd
	clients := 1
	for i := range h.Len() {
		o := h.At(i, &room)
		if o.Client < 0 || o.Client > processMax || o.Invoke < 0 || o.Return != checker.Never && o.Return > timeMax {
			return fmt.Errorf("operation %d can't be written: its client is %d and it was invoked at %d ns; want 0 to %d, and times from 0 on",
				o.ID, o.Client, int64(o.Invoke), processMax)
		}
		clients = max(clients, o.Client+1)
		ends = append(ends, ednEnd{o.Invoke, false, i})
		if o.Return != checker.Never {
			ends = append(ends, ednEnd{o.Return, true, i})
		}
	}
	slices.SortStableFunc(ends, func(a, b ednEnd) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a.end == b.end {
			return c
		}
		if a.end {
			return 1
		}
		return -1
	})
	buf := bufio.NewWriterSize(w, 1<<16)
	of := models.For(h)
	process := make([]int, h.Len())
	idle := map[int][]int{} // by client, the processes that may go on
	used := map[int]int{}   // by client, how many it has had
	for n, e := range ends {
		o := h.At(e.op, &room)
		switch free := idle[o.Client]; {
		case e.end && o.Outcome != checker.Unknown:
			idle[o.Client] = append(free, process[e.op])
		case e.end:
		case len(free) > 0:
			process[e.op], idle[o.Client] = free[len(free)-1], free[:len(free)-1]
		default:
			process[e.op] = o.Client + used[o.Client]*clients
			used[o.Client]++
		}
		if err := writeEvent(buf, n, process[e.op], e, o, of); err != nil {
			return fmt.Errorf("write operation %d of the history: %w", o.ID, err)
		}
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

func writeEvent(w io.Writer, index, process int, e ednEnd, o *checker.Op, of *models.Model) error {
	f, val := ednCall(o, e.end && o.Outcome == checker.Ok)
	if of != nil {
		f, val = ednObjectCall(of, o, e.end && o.Outcome == checker.Ok)
	}
	typ, more := invoked, ""
	if e.end {
		typ = map[checker.Outcome]string{checker.Ok: wasOk, checker.Failed: failed, checker.Unknown: unsure}[o.Outcome]
		if (o.Kind == checker.CAS || o.Kind == checker.CAD) && o.Outcome == checker.Ok && !o.Swapped {
			typ, more = failed, ", :saw "+orNil(o.Found, o.Read)
		}
		if o.Err != "" {
			more += ", :error " + stringOf(o.Err)
		}
	}
	_, err := fmt.Fprintf(w, "{:index %d, :time %d, :process %d, :type :%s, :f :%s, :value %s%s}\n",
		index, int64(e.at), process, typ, f, val, more)
	return err
}

func orNil(some bool, s string) string {
	if !some {
		return "nil"
	}
	return stringOf(s)
}

// ednCall is the function and the value of an event; answered is for the end of one that was ok.
func ednCall(o *checker.Op, answered bool) (f, val string) {
	key := stringOf(o.Key)
	switch o.Kind {
	case checker.Get:
		return "read", fmt.Sprintf("[%s %s]", key, orNil(answered && o.Found, o.Read))
	case checker.Put:
		return "write", fmt.Sprintf("[%s %s]", key, stringOf(o.Value))
	case checker.Delete:
		return "write", fmt.Sprintf("[%s nil]", key)
	case checker.CAS, checker.CAD:
		expect := "nil"
		if o.Expect != nil {
			expect = stringOf(*o.Expect)
		}
		return "cas", fmt.Sprintf("[%s [%s %s]]", key, expect, orNil(o.Kind == checker.CAS, o.Value))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{:start %s, :end %s, :limit %d", stringOf(o.Start), stringOf(o.End), o.Limit)
	if answered {
		b.WriteString(", :pairs [")
		for i, kv := range o.Pairs {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "[%s %s]", stringOf(kv.Key), stringOf(kv.Value))
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return scanCall, b.String()
}
