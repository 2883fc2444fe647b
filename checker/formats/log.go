package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// logEvents reads events from the lines of a Jepsen log, such as
//
//	INFO  jepsen.util - 3	:invoke	:write	4
//
// in which what stands before the process does not matter, or nothing does.
type logEvents struct {
	r       *bufio.Reader
	line    int
	skipped int
}

func (l *logEvents) next() (*event, error) {
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if line[len(line)-1] != '\n' {
			// Half a number is a number, too.
			return nil, &Broken{l.line, true, errors.New("the line does not end, so it may be cut off")}
		}
		e, err := logEvent(line)
		switch {
		case err != nil:
			return nil, &Broken{l.line, false, err}
		case e == nil:
			l.skipped++
			continue
		}
		e.line = l.line
		return e, nil
	}
}

// read reads a line with its end.
func (l *logEvents) read() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > ednBytesMax:
			return nil, &Broken{l.line + 1, false, fmt.Errorf("it has more than %d bytes", ednBytesMax)}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			l.line++
			return line, nil
		default:
			return nil, err
		}
	}
}

// logLine finds the process, the type and the rest of a client's event.
var logLine = regexp.MustCompile(`(?s)(?:^|\s)(\d+)\s+:(invoke|ok|fail|info)(?:\s+(.*))?$`)

// logEvent reads a line; it is nil for one that is no event of a client.
func logEvent(line []byte) (*event, error) {
	m := logLine.FindSubmatch(line)
	if m == nil {
		return nil, nil
	}
	process, err := strconv.Atoi(string(m[1]))
	if err != nil || process > processMax {
		return nil, fmt.Errorf("its process is %s: want 0 to %d", m[1], processMax)
	}
	e := &event{process: process, typ: string(m[2]), time: -1}
	edn := newEDN(bufio.NewReader(bytes.NewReader(m[3])))
	var parts [2]value
	for i := range parts {
		v, closing, ok, err := edn.next(topDepth)
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("an event of process %d lacks its function or value: want such as :read nil", process)
		case err != nil:
			return nil, fmt.Errorf("an event of process %d is no edn: %w", process, err)
		case !ok:
			return nil, fmt.Errorf("an event of process %d is no edn: %q closes nothing", process, closing)
		}
		parts[i] = v
	}
	if parts[0].kind != kindWord {
		return nil, fmt.Errorf("an event of process %d has the function %.60s: want a keyword such as :read", process, &parts[0])
	}
	e.f, e.value = parts[0].text, parts[1]
	if e.typ == unsure || e.typ == failed {
		e.note = e.value
	}
	return e, nil
}
