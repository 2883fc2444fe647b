package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"ordeal/world"
)

// Kind says what an event is.
type Kind uint8

// The kinds of events. The comment says what Ref and Hash of a TraceEvent hold, where they hold something other than the
// call or token and the hash of the payload.
const (
	KindMessage  Kind = iota + 1 // a one-way message reached an inbox
	KindRequest                  // a request reached an inbox
	KindReply                    // a reply reached its caller
	KindRefused                  // a caller learns that the callee was down
	KindReset                    // a caller learns that the callee went down
	KindTimer                    // a timer reached an inbox
	KindTurn                     // an actor stepped: Len events; Ref = disk position after it; Hash = counts of effects
	KindSync                     // an fsync ended: Ref = the position that is durable, Len = barriers behind it
	KindSynced                   // a barrier reached an inbox
	KindStart                    // a proc began: Ref = proc
	KindWake                     // a proc's sleep ended: Ref = proc
	KindTimeout                  // a call timed out: Ref = call
	KindCallback                 // a callback of World.After ran
	KindLost                     // the network lost something
	KindCutDrop                  // a cut link dropped something
	KindVanished                 // something came for an actor that is not there, or no longer in that life
	KindBoot                     // a node came up: Ref = life
	KindCrash                    // a node went down: Ref = commits kept, Len = commits lost, Hash = 1 if torn
	KindCut                      // From.Node to Node was cut
	KindHeal                     // all cuts were removed
	KindNet                      // the network was given another configuration
	KindPause                    // a node was paused
	KindResume                   // a node went on: Len = events that wait
	KindDisk                     // a disk was given trouble, or freed from it
	KindClock                    // a clock jumped, by Ref, or changed its speed, to Hash parts per million
)

var kindNames = [...]string{
	KindMessage: "message", KindRequest: "request", KindReply: "reply", KindRefused: "refused", KindReset: "reset",
	KindTimer: "timer", KindTurn: "turn", KindSync: "sync", KindSynced: "synced", KindStart: "start", KindWake: "wake",
	KindTimeout: "timeout", KindCallback: "callback", KindLost: "lost", KindCutDrop: "cutdrop",
	KindVanished: "vanished", KindBoot: "boot", KindCrash: "crash", KindCut: "cut", KindHeal: "heal", KindNet: "net",
	KindPause: "pause", KindResume: "resume", KindDisk: "disk", KindClock: "clock",
}

// String returns the kind's name.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "kind" + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// TraceEvent is one entry of the trace.
type TraceEvent struct {
	// N counts events from 1.
	N uint64
	// Time is the world's.
	Time world.Time
	Kind Kind
	// Node and Actor are whom it happened to.
	Node  world.NodeID
	Actor uint16
	// From is the sender, where there is one.
	From world.Addr
	// Ref is a call or token, Len the bytes and Hash the xxhash64 of the payload; see the kinds for exceptions.
	Ref  uint64
	Len  int
	Hash uint64
}

// String prints the event on one line without a line end.
func (e TraceEvent) String() string { return string(e.append(nil)) }

func (e TraceEvent) append(b []byte) []byte {
	b = strconv.AppendUint(b, e.N, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Time), 10)
	b = append(b, ' ')
	b = append(b, e.Kind.String()...)
	b = append(b, ' ')
	b = appendAddr(b, world.Addr{Node: e.Node, Actor: e.Actor})
	b = append(b, " from="...)
	b = appendAddr(b, e.From)
	b = append(b, " ref="...)
	b = strconv.AppendUint(b, e.Ref, 10)
	b = append(b, " len="...)
	b = strconv.AppendInt(b, int64(e.Len), 10)
	b = append(b, " hash="...)
	return strconv.AppendUint(b, e.Hash, 16)
}

func appendAddr(b []byte, a world.Addr) []byte {
	b = strconv.AppendUint(b, uint64(a.Node), 10)
	b = append(b, '/')
	return strconv.AppendUint(b, uint64(a.Actor), 10)
}

// Recorder writes a trace, one line an event, so that two runs can be compared by FirstDifference or diff.
type Recorder struct {
	w    *bufio.Writer
	line []byte
	err  error
}

// NewRecorder returns a recorder on w. Its Record goes into Config.OnEvent; call Flush at the end.
func NewRecorder(w io.Writer) *Recorder {
	return &Recorder{w: bufio.NewWriter(w)}
}

// Record writes one event. After an error it does nothing; Flush reports it.
func (r *Recorder) Record(e TraceEvent) {
	if r.err != nil {
		return
	}
	r.line = append(e.append(r.line[:0]), '\n')
	_, r.err = r.w.Write(r.line)
}

// Flush writes out what is buffered and returns the first error there was.
func (r *Recorder) Flush() error {
	if r.err == nil {
		r.err = r.w.Flush()
	}
	if r.err != nil {
		return fmt.Errorf("writing the trace: %w", r.err)
	}
	return nil
}

// FirstDifference compares two texts and returns the number, from 1, of the first line in which they differ, with both
// lines; the line of a text that ended earlier is empty. Line 0 means that the texts are equal.
func FirstDifference(a, b io.Reader) (line int, lineA, lineB string, err error) {
	ra, rb := bufio.NewReader(a), bufio.NewReader(b)
	for n := 1; ; n++ {
		la, endA := ra.ReadString('\n')
		lb, endB := rb.ReadString('\n')
		for _, e := range []error{endA, endB} {
			if e != nil && !errors.Is(e, io.EOF) {
				return 0, "", "", fmt.Errorf("comparing traces at line %d: %w", n, e)
			}
		}
		la, lb = strings.TrimSuffix(la, "\n"), strings.TrimSuffix(lb, "\n")
		if la != lb {
			return n, la, lb, nil
		}
		if endA != nil && endB != nil {
			return 0, "", "", nil
		}
	}
}
