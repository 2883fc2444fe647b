package checker

import (
	"fmt"
	"math"

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
)

// Kinds lists all kinds in the order in which tables show them.
var Kinds = [...]OpKind{Get, Put, Delete, CAS, CAD, Scan}

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
	// Value is what put and cas write. No value is written twice to a key.
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
	// Found says whether get, or a cas or cad that did not swap, saw a value; Read is that value.
	Found bool
	Read  string
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
func (k OpKind) writes() bool { return k == Put || k == Delete || k == CAS || k == CAD }

// Validate says what is wrong with the form of an operation, or nil.
func (o *Op) Validate() error {
	switch o.Kind {
	case Get, Put, Delete, CAS, CAD, Scan:
	default:
		return fmt.Errorf("operation %d: unknown kind %q, want get, put, delete, cas, cad or scan", o.ID, o.Kind)
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
