package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ordeal/checker"
)

// Format names a kind of files.
type Format string

// The formats.
const (
	// Auto looks at how the file begins.
	Auto Format = "auto"
	// JSONL is Ordeal's own.
	JSONL Format = "jsonl"
	// EDN has the events of a Jepsen test, or of porcupine's key-value stores.
	EDN Format = "edn"
	// Log has lines of a Jepsen log.
	Log Format = "log"
)

// Formats lists all formats in the order in which messages name them.
var Formats = [...]Format{Auto, JSONL, EDN, Log}

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats[:], f) {
		return f, nil
	}
	var names []string
	for _, f := range Formats {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("unknown format %q: want one of %s", name, strings.Join(names, ", "))
}

// Broken says where a file could not be read any further.
type Broken struct {
	// Line counts from 1.
	Line int
	// Cut says that only the last line is missing something, as after a crash of who wrote it.
	Cut bool
	Err error
}

func (b *Broken) Error() string { return fmt.Sprintf("line %d: %v", b.Line, b.Err) }

// File is what a file holds.
type File struct {
	// Format is never Auto.
	Format Format
	// Broken is nil if the whole file was read.
	Broken *Broken
	// Skipped counts the lines of a log that hold no operation of a client.
	Skipped int
	// ops is of a JSONL file, calls of all others.
	ops   *checker.Packed
	calls []call
}

// Len is the number of operations read.
func (f *File) Len() int {
	if f.ops != nil {
		return f.ops.Len()
	}
	return len(f.calls)
}

// peekBytes is how much of a file is looked at to recognise it.
const peekBytes = 4096

// Read reads a file as far as it can be read. The error is about the reader, or about a file whose format can't be
// told; what is wrong with its content is in File.Broken.
func Read(r io.Reader, format Format) (*File, error) {
	buf := bufio.NewReaderSize(r, 1<<16)
	if format == Auto || format == "" {
		head, err := buf.Peek(peekBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read history: %w", err)
		}
		if format, err = recognise(head); err != nil {
			return nil, err
		}
	}
	f := &File{Format: format}
	var err error
	switch format {
	case JSONL:
		err = f.readJSONL(buf)
	case EDN:
		err = f.readEvents(buf, (&ednEvents{edn: newEDN(buf)}).next)
	case Log:
		lines := &logEvents{r: buf}
		err = f.readEvents(buf, lines.next)
		f.Skipped = lines.skipped
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// recognise tells a format by how a file begins.
func recognise(head []byte) (Format, error) {
	text := bytes.TrimLeft(head, " \t\r\n\ufeff")
	inner := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("{")), " \t\r\n,")
	switch {
	case len(text) == 0:
		return JSONL, nil // an empty history
	case text[0] == '{' && len(inner) > 0 && inner[0] == '"':
		return JSONL, nil
	case strings.IndexByte("{[(;#", text[0]) >= 0:
		return EDN, nil
	}
	for line := range bytes.Lines(text) {
		if logLine.Match(line) {
			return Log, nil
		}
	}
	return "", fmt.Errorf("its format can't be told: it begins with %q; want JSON lines of Ordeal, edn maps, or lines with :invoke or :ok as in a Jepsen log; -format= names it",
		text[:min(len(text), 40)])
}

func (f *File) readJSONL(r io.Reader) error {
	ops, err := checker.ReadJSONL(r)
	f.ops = ops
	var line *checker.LineError
	switch {
	case errors.As(err, &line):
		f.Broken = &Broken{line.Line, line.Cut, line.Err}
		return nil
	default:
		return err
	}
}
