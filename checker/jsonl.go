package checker

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"ordeal/world"
)

// lineMax bounds a line of a history file, in bytes: a scan of a whole key space fits, a file of another kind that
// has no line breaks does not fill the memory.
const lineMax = 64 << 20

// base64Prefix marks a string that JSON cannot hold as it is. A string that begins with the prefix itself is encoded
// as well, so that decoding is never in doubt.
const base64Prefix = "b64:"

// text is a string of any bytes in JSON: as it is where it is valid UTF-8, else base64Prefix and its base64.
type text string

// MarshalText implements encoding.TextMarshaler.
func (t text) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(t)) && !strings.HasPrefix(string(t), base64Prefix) {
		return []byte(t), nil
	}
	return base64.StdEncoding.AppendEncode([]byte(base64Prefix), []byte(t)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *text) UnmarshalText(b []byte) error {
	coded, ok := bytes.CutPrefix(b, []byte(base64Prefix))
	if !ok {
		*t = text(b)
		return nil
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, coded)
	if err != nil {
		return fmt.Errorf("string %q: %w", b, err)
	}
	*t = text(raw)
	return nil
}

// record is an Op as a line of JSON.
type record struct {
	ID         int          `json:"id"`
	Client     int          `json:"client"`
	Kind       OpKind       `json:"kind"`
	Key        text         `json:"key,omitempty"`
	Value      text         `json:"value,omitempty"`
	Expect     *text        `json:"expect,omitempty"`
	Start      text         `json:"start,omitempty"`
	End        text         `json:"end,omitempty"`
	Limit      int          `json:"limit,omitempty"`
	Invoke     world.Time   `json:"invoke_ns"`
	Return     *world.Time  `json:"return_ns,omitempty"`
	Outcome    Outcome      `json:"outcome"`
	Found      bool         `json:"found,omitempty"`
	Read       text         `json:"read,omitempty"`
	Items      []text       `json:"items,omitempty"`
	Swapped    bool         `json:"swapped,omitempty"`
	Pairs      []recordPair `json:"pairs,omitempty"`
	Region     uint64       `json:"region,omitempty"`
	ConfVer    uint64       `json:"conf_ver,omitempty"`
	Version    uint64       `json:"version,omitempty"`
	Term       uint64       `json:"term,omitempty"`
	ApplyIndex uint64       `json:"apply_index,omitempty"`
	Err        text         `json:"err,omitempty"`
}

type recordPair struct {
	Key   text `json:"key"`
	Value text `json:"value"`
}

func (r *record) from(o *Op) {
	*r = record{ID: o.ID, Client: o.Client, Kind: o.Kind, Key: text(o.Key), Value: text(o.Value),
		Start: text(o.Start), End: text(o.End), Limit: o.Limit, Invoke: o.Invoke, Outcome: o.Outcome,
		Found: o.Found, Read: text(o.Read), Swapped: o.Swapped, Region: o.Region, ConfVer: o.Epoch.ConfVer,
		Version: o.Epoch.Version, Term: o.Term, ApplyIndex: o.ApplyIndex, Err: text(o.Err), Pairs: r.Pairs[:0], Items: r.Items[:0]}
	if o.Expect != nil {
		expect := text(*o.Expect)
		r.Expect = &expect
	}
	if o.Return != Never {
		r.Return = &o.Return
	}
	for _, kv := range o.Pairs {
		r.Pairs = append(r.Pairs, recordPair{text(kv.Key), text(kv.Value)})
	}
	for _, item := range o.Items {
		r.Items = append(r.Items, text(item))
	}
}

func (r *record) op() Op {
	o := Op{ID: r.ID, Client: r.Client, Kind: r.Kind, Key: string(r.Key), Value: string(r.Value),
		Start: string(r.Start), End: string(r.End), Limit: r.Limit, Invoke: r.Invoke, Return: Never,
		Outcome: r.Outcome, Found: r.Found, Read: string(r.Read), Swapped: r.Swapped, Region: r.Region,
		Epoch: Epoch{r.ConfVer, r.Version}, Term: r.Term, ApplyIndex: r.ApplyIndex, Err: string(r.Err)}
	if r.Expect != nil {
		expect := string(*r.Expect)
		o.Expect = &expect
	}
	if r.Return != nil {
		o.Return = *r.Return
	}
	for _, kv := range r.Pairs {
		o.Pairs = append(o.Pairs, KV{string(kv.Key), string(kv.Value)})
	}
	for _, item := range r.Items {
		o.Items = append(o.Items, string(item))
	}
	return o
}

// MarshalJSON writes the operation as a line of a history file has it.
func (o Op) MarshalJSON() ([]byte, error) {
	var r record
	r.from(&o)
	return json.Marshal(&r)
}

// UnmarshalJSON reads what MarshalJSON wrote. A field it does not know is an error: a misspelt one would change the
// verdict in silence.
func (o *Op) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var r record
	if err := dec.Decode(&r); err != nil {
		return err
	}
	*o = r.op()
	return o.Validate()
}

// Writer writes a history, one operation a line, as it is made.
type Writer struct {
	buf *bufio.Writer
	enc *json.Encoder
	r   record
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer {
	buf := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return &Writer{buf: buf, enc: enc}
}

// Write writes one operation. It may stay in memory until Flush.
func (w *Writer) Write(o *Op) error {
	w.r.from(o)
	if err := w.enc.Encode(&w.r); err != nil {
		return fmt.Errorf("write operation %d of the history: %w", o.ID, err)
	}
	return nil
}

// Flush hands on all that was written.
func (w *Writer) Flush() error {
	if err := w.buf.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// LineError says which line of a history file is wrong.
type LineError struct {
	// Line counts from 1, Read is how many operations were read before it.
	Line, Read int
	// Cut says that the line is cut off and that nothing follows it, as after a crash of who wrote it.
	Cut bool
	Err error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("history line %d: %v (%d operations read before it)", e.Line, e.Err, e.Read)
}

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// errLineCut is what is wrong with a line that ends too early.
var errLineCut = errors.New("the line is cut off in the middle")

// WriteJSONL writes a history, one operation a line.
func WriteJSONL(w io.Writer, h Operations) error {
	out := NewWriter(w)
	var room Room
	for i := range h.Len() {
		if err := out.Write(h.At(i, &room)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// ReadJSONL reads what WriteJSONL wrote, line by line. A line that is cut or malformed ends it with a
// *LineError; the history read so far is returned with it. Empty lines are passed over.
func ReadJSONL(r io.Reader) (*Packed, error) {
	k := newPacker()
	err := EachJSONL(r, func(o Op) { k.add(&o) })
	return k.done(), err
}

// EachJSONL is ReadJSONL for histories that need not fit into memory: each operation goes to take.
func EachJSONL(r io.Reader, take func(Op)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), lineMax)
	n, ops := 0, 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		op, err := readLine(line)
		if err != nil {
			return &LineError{Line: n, Read: ops, Cut: errors.Is(err, errLineCut) && !lines.Scan(), Err: err}
		}
		ops++
		take(op)
	}
	if err := lines.Err(); err != nil {
		return &LineError{Line: n + 1, Read: ops, Err: err}
	}
	return nil
}

func readLine(line []byte) (Op, error) {
	var op Op
	if plainLine(line, &op) {
		return op, op.Validate()
	}
	return readJSON(line)
}

// readJSON reads any line.
func readJSON(line []byte) (Op, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var r record
	switch err := dec.Decode(&r); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Op{}, errLineCut
	case err != nil:
		return Op{}, fmt.Errorf("no operation in JSON: %w", err)
	case dec.InputOffset() != int64(len(line)):
		return Op{}, errors.New("something follows the operation on its line")
	}
	op := r.op()
	return op, op.Validate()
}
