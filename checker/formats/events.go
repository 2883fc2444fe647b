package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"ordeal/checker"
	"ordeal/world"
)

// An event is the beginning or the end of an operation.
type event struct {
	line    int
	process int
	// typ is one of eventTypes.
	typ, f string
	value  value
	// key is nil where the event has none, or has it in its value.
	key *value
	// saw is what a cas that did not swap saw, in files that we wrote.
	saw *value
	// note is why it failed, or why nobody knows.
	note value
	// time is in nanoseconds, -1 if there is none.
	time int64
}

// The types of events.
const (
	invoked = "invoke"
	wasOk   = "ok"
	failed  = "fail"
	unsure  = "info"
)

func isType(w string) bool { return w == invoked || w == wasOk || w == failed || w == unsure }

// call is an operation: two events, or one if it did not end.
type call struct {
	line           int
	process        int
	f              string
	key            *value
	in, out        value
	saw            *value
	note           value
	outcome        checker.Outcome
	invoke, finish world.Time
}

const (
	// eventStep is how far events are apart in a file without times.
	eventStep = world.Time(1_000_000)
	timeMax   = math.MaxInt64 / 2
	// processMax leaves room for numbers of further processes.
	processMax = math.MaxInt32
)

// pairing makes operations of events.
type pairing struct {
	calls []call
	// open is the place of each process's open operation.
	open map[int]int
	now  world.Time
}

// readEvents reads events with next until io.EOF. next returns a *Broken where it can't go on.
func (f *File) readEvents(r *bufio.Reader, next func() (*event, error)) error {
	p := pairing{open: map[int]int{}}
	for {
		e, err := next()
		var broken *Broken
		switch {
		case errors.Is(err, io.EOF):
			f.calls = p.calls
			return nil
		case err == nil:
			if err := p.add(e); err == nil {
				continue
			} else {
				broken = &Broken{e.line, false, err}
			}
		case !errors.As(err, &broken):
			return fmt.Errorf("read history: %w", err)
		}
		f.calls, f.Broken = p.calls, broken
		return nil
	}
}

// add takes the next event. The order of the file is the truth: a time that contradicts it is moved.
func (p *pairing) add(e *event) error {
	if e.time > timeMax {
		return fmt.Errorf("its time is %d, more than %d", e.time, int64(timeMax))
	}
	switch {
	case e.time >= 0:
		p.now = max(p.now+1, world.Time(e.time))
	default:
		p.now += eventStep
	}
	i, open := p.open[e.process]
	if e.typ == invoked {
		if open {
			return fmt.Errorf("process %d invokes an operation while the one that it invoked in line %d is open", e.process, p.calls[i].line)
		}
		p.open[e.process] = len(p.calls)
		p.calls = append(p.calls, call{line: e.line, process: e.process, f: e.f, key: e.key, in: e.value,
			outcome: checker.Unknown, invoke: p.now, finish: checker.Never})
		return nil
	}
	if !open {
		return fmt.Errorf("process %d ends an operation and has invoked none", e.process)
	}
	c := &p.calls[i]
	if c.f != e.f {
		return fmt.Errorf("process %d ends a :%s, but in line %d it invoked a :%s", e.process, e.f, c.line, c.f)
	}
	if e.key != nil && c.key != nil && e.key.String() != c.key.String() {
		return fmt.Errorf("process %d ends an operation on key %s, but in line %d it invoked one on key %s", e.process, e.key, c.line, c.key)
	}
	delete(p.open, e.process)
	c.out, c.saw, c.note, c.finish = e.value, e.saw, e.note, p.now
	switch e.typ {
	case wasOk:
		c.outcome = checker.Ok
	case failed:
		c.outcome = checker.Failed
	}
	return nil
}

// ednEvents reads events from maps.
type ednEvents struct {
	edn *ednReader
	// inside says that the maps are in a vector, over that it has been closed.
	inside, over bool
	begun        bool
}

func (x *ednEvents) next() (*event, error) {
	for {
		x.edn.used = 0
		if !x.begun {
			x.begun = true
			if err := x.enter(); err != nil {
				return nil, err
			}
		}
		v, closing, ok, err := x.edn.next(topDepth)
		switch {
		case errors.Is(err, io.EOF) && x.inside && !x.over:
			return nil, &Broken{x.edn.last, true, errors.New("the file is cut off: the list of events is not closed")}
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case errors.Is(err, errCut):
			// What began before the last line may be whole lines that lack something, and swallow those that follow.
			return nil, &Broken{x.edn.start, x.edn.start == x.edn.last, fmt.Errorf("no event in edn: %w", err)}
		case err != nil:
			return nil, &Broken{x.edn.line, false, fmt.Errorf("no event in edn: %w", err)}
		case !ok && x.inside && !x.over:
			x.over = true
			continue
		case !ok:
			return nil, &Broken{x.edn.line, false, fmt.Errorf("no event in edn: %q closes nothing", closing)}
		case x.over:
			return nil, &Broken{x.edn.line, false, errors.New("something follows the list of events")}
		}
		e, err := ednEvent(&v)
		if err != nil {
			return nil, &Broken{x.edn.line, false, err}
		}
		if e != nil {
			e.line = x.edn.line
			return e, nil
		}
	}
}

// enter goes into the vector that holds the maps, if there is one.
func (x *ednEvents) enter() error {
	c, err := x.edn.skip()
	switch {
	case err != nil:
		return err
	case c == '[' || c == '(':
		x.inside = true
	default:
		x.edn.back(c)
	}
	return nil
}

// ednEvent reads a map; it is nil for what is no client's, such as what the nemesis did.
func ednEvent(v *value) (*event, error) {
	if v.kind != kindMap {
		return nil, fmt.Errorf("no event: it is no map, but %.60s", v)
	}
	e := &event{time: -1}
	process, ok := v.get("process")
	if !ok {
		return nil, errors.New("an event without :process")
	}
	n, ok := process.number()
	if !ok {
		return nil, nil
	}
	if n < 0 || n > processMax {
		return nil, fmt.Errorf("its process is %d: want 0 to %d", n, processMax)
	}
	e.process = int(n)
	typ, _ := v.get("type")
	if typ.kind != kindWord || !isType(typ.text) {
		return nil, fmt.Errorf("an event's :type is %.60s: want :invoke, :ok, :fail or :info", &typ)
	}
	f, _ := v.get("f")
	if f.kind != kindWord {
		return nil, fmt.Errorf("an event's :f is %.60s: want a keyword such as :read", &f)
	}
	e.typ, e.f = typ.text, f.text
	e.value, _ = v.get("value")
	if key, ok := v.get("key"); ok {
		e.key = &key
	}
	if saw, ok := v.get("saw"); ok {
		e.saw = &saw
	}
	e.note, _ = v.get("error")
	if at, ok := v.get("time"); ok && at.kind != kindNil {
		if e.time, ok = at.number(); !ok || e.time < 0 {
			return nil, fmt.Errorf("an event's :time is %.60s: want nanoseconds", &at)
		}
	}
	return e, nil
}
