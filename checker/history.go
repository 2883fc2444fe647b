package checker

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ordeal/world"
)

// Never is the return time of an operation that is still open.
const Never world.Time = math.MaxInt64

// OpKind says what an operation does.
type OpKind string

// The kinds of operations.
const (
	Get    OpKind = "get"
	Put    OpKind = "put"
	Delete OpKind = "delete"
	// CAS (compare and swap) writes Value if the key holds what Expect says.
	CAS OpKind = "cas"
	// CAD (compare and delete) deletes the key if it holds what Expect says.
	CAD  OpKind = "cad"
	Scan OpKind = "scan"

	// The following are done to objects that are no registers, which package checker/models judges. A Get reads them as well.

	// Append puts Value at the end of a list.
	Append OpKind = "append"
	// Add puts Value into a set, Remove takes it out.
	Add    OpKind = "add"
	Remove OpKind = "remove"
	// Increment adds Value, a whole number, to a counter.
	Increment OpKind = "increment"
)

// Kinds lists all kinds in the order in which tables show them.
var Kinds = [...]OpKind{Get, Put, Delete, CAS, CAD, Scan, Append, Add, Remove, Increment}

// Outcome says what is known about an operation's effect.
type Outcome string

// The outcomes.
const (
	// Ok: it took effect between Invoke and Return, and its outputs are what the cluster answered.
	Ok Outcome = "ok"
	// Failed: it certainly had no effect and never will.
	Failed Outcome = "failed"
	// Unknown: it may have taken effect at any time since Invoke, may do so later, or never.
	Unknown Outcome = "unknown"
)

// Outcomes lists all outcomes in the order in which tables show them.
var Outcomes = [...]Outcome{Ok, Failed, Unknown}

// KV is a pair that a scan returned.
type KV struct {
	Key, Value string
}

// Epoch is the region epoch that an answer was given under.
type Epoch struct {
	ConfVer, Version uint64
}

// Op is one operation of one client. Inputs are given to Recorder.Begin, outputs are filled in before Recorder.End;
// which fields mean something depends on Kind. Keys and values may hold any bytes.
type Op struct {
	// ID is the operation's place in its History, from 1.
	ID     int
	Client int
	Kind   OpKind

	// Key is what all kinds but a scan work on.
	Key string
	// Value is what put and cas write, and what append, add, remove and increment are about. No value is written twice
	// to a key.
	Value string
	// Expect is what cas and cad expect; nil expects the key to be absent.
	Expect *string
	// Start and End bound a scan: [Start, End), with no end if End is empty. Limit bounds its pairs; 0 is no limit.
	Start, End string
	Limit      int

	// Invoke and Return are on the clock of the world. Return is Never while the operation is open.
	Invoke, Return world.Time
	Outcome        Outcome

	// Swapped says that cas or cad took effect.
	Swapped bool
	// Found says whether get, or a cas or cad that did not swap, saw a value; Read is that value: of a counter the number.
	Found bool
	Read  string
	// Items is what get saw in a list, in its order, or in a set.
	Items []string
	// Pairs is a scan's result in ascending order.
	Pairs []KV

	// Region, Epoch, Term and ApplyIndex are the answer's witness. The checker does not trust it.
	Region     uint64
	Epoch      Epoch
	Term       uint64
	ApplyIndex uint64

	// Err is the error that the client got, for people to read.
	Err string
}

// writes says whether an operation of this kind can change a key.
func (k OpKind) writes() bool { return k == Put || k == Delete || k == CAS || k == CAD || k.OfObject() }

// OfObject says that an operation of this kind is done to a list, a set or a counter.
func (k OpKind) OfObject() bool { return k == Append || k == Add || k == Remove || k == Increment }

// register says why an operation can't be judged as one on registers, or nil.
func (o *Op) register() error {
	if o.Kind.OfObject() || len(o.Items) > 0 {
		return fmt.Errorf("operation %d: %s, which is nothing that is done to a register", o.ID, o.Call())
	}
	return o.Validate()
}

// Validate says what is wrong with the form of an operation, or nil.
func (o *Op) Validate() error {
	if !slices.Contains(Kinds[:], o.Kind) {
		return fmt.Errorf("operation %d: unknown kind %q, want %s", o.ID, o.Kind, kindNames())
	}
	switch o.Outcome {
	case Ok, Failed, Unknown:
	default:
		return fmt.Errorf("operation %d: unknown outcome %q, want ok, failed or unknown", o.ID, o.Outcome)
	}
	if o.Return < o.Invoke {
		return fmt.Errorf("operation %d: returns at %s, before it was invoked at %s", o.ID, o.Return, o.Invoke)
	}
	if o.Outcome != Unknown && o.Return == Never {
		return fmt.Errorf("operation %d: outcome %s, but it never returned", o.ID, o.Outcome)
	}
	if o.Limit < 0 {
		return fmt.Errorf("operation %d: negative limit %d", o.ID, o.Limit)
	}
	return nil
}

func kindNames() string {
	var names []string
	for _, k := range Kinds {
		names = append(names, string(k))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// History is what the clients of one run saw. All keys are absent at the start.
type History struct {
	// Ops is sorted by invocation, then by client.
	Ops []Op
}

// Counts is a number of operations by outcome.
type Counts struct {
	Ok      int `json:"ok"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
}

// Add counts one operation.
func (c *Counts) Add(o Outcome) {
	switch o {
	case Ok:
		c.Ok++
	case Failed:
		c.Failed++
	default:
		c.Unknown++
	}
}

// Total is the number of operations counted.
func (c Counts) Total() int { return c.Ok + c.Failed + c.Unknown }

// Count counts the operations by outcome.
func (h *History) Count() Counts {
	var c Counts
	for i := range h.Ops {
		c.Add(h.Ops[i].Outcome)
	}
	return c
}
