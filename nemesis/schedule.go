package nemesis

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// entriesMax is the most entries that a schedule may have. One that is drawn has half as many at most, so that two can be put
// together.
const (
	entriesMax = 20_000
	drawnMax   = entriesMax / 2
)

// Entry is a fault with its time.
type Entry struct {
	// At is virtual time from the start of the chaos phase.
	At time.Duration
	// For is how long the fault lasts, 0 for one that is done in an instant.
	For   time.Duration
	Fault Fault
}

// String is the source text.
func (e Entry) String() string {
	if e.For == 0 {
		return fmt.Sprintf("+%s %v", seconds(e.At), e.Fault)
	}
	return fmt.Sprintf("+%s for %s %v", seconds(e.At), seconds(e.For), e.Fault)
}

// end is when it is over at the latest.
func (e Entry) end() time.Duration { return e.At + waitOf(e.Fault) + e.For }

// Schedule is what a nemesis does in one run. The order of entries matters only among those at the same time.
type Schedule []Entry

// String is the source text, one entry a line; ParseSchedule reads it back.
func (s Schedule) String() string {
	var b strings.Builder
	for _, e := range s {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// seconds prints a duration in seconds, to the millisecond or as exactly as it takes.
func seconds(d time.Duration) string {
	text := fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second)
	short := strings.TrimRight(text, "0")
	if msEnd := len(text) - 6; len(short) < msEnd {
		short = text[:msEnd]
	}
	return short + "s"
}

// ParseSchedule reads what Schedule.String prints, with blank lines and # comments. An error names the line and the
// column and says what is allowed there.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimRight(line, " \t\r")
		if strings.TrimLeft(line, " \t") == "" {
			continue
		}
		if len(s) == entriesMax {
			return nil, fmt.Errorf("schedule, line %d: more than %d entries", i+1, entriesMax)
		}
		e, err := (&scanner{text: line}).entry()
		if err != nil {
			return nil, fmt.Errorf("schedule, line %d, %w", i+1, err)
		}
		s = append(s, e)
	}
	return s, nil
}

// entry reads a line.
func (s *scanner) entry() (e Entry, err error) {
	s.space()
	if !s.accept("+") {
		return e, s.errorAt(s.pos, "want a time such as +1.250s, found %s", s.rest())
	}
	if e.At, err = s.duration("+1.250s"); err != nil {
		return e, err
	}
	s.space()
	forAt := s.pos
	if s.word() == "for" {
		s.space()
		if e.For, err = s.duration("0.800s"); err != nil {
			return e, err
		}
		if e.For == 0 {
			return e, s.errorAt(forAt, "a fault that lasts no time does nothing: want for 0.800s or the like")
		}
		s.space()
	} else {
		s.pos = forAt
	}
	if e.Fault, err = s.fault(); err != nil {
		return e, err
	}
	instant := effectOf(e.Fault) == effectInstant
	if instant && e.For > 0 {
		return e, s.errorAt(forAt, "%s is done in an instant and takes no for", e.Fault.Name())
	}
	if !instant && e.For == 0 {
		return e, s.errorAt(forAt, "%s lasts: say for how long, such as for 0.800s", e.Fault.Name())
	}
	return e, nil
}

// duration reads a time that is not negative.
func (s *scanner) duration(example string) (time.Duration, error) {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] != ' ' && s.text[s.pos] != '\t' && s.text[s.pos] != ':' {
		s.pos++
	}
	d, err := time.ParseDuration(s.text[start:s.pos])
	if err != nil || d < 0 || s.text[start] == '+' {
		return 0, s.errorAt(start, "want a time such as %s, found %s", example, strconv.Quote(s.text[start:s.pos]))
	}
	return d, nil
}
