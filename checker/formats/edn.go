package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on one value at the top of an edn file.
const (
	ednDepthMax = 64
	// ednBytesMax is in bytes: a read of a large set fits, a file without an end does not fill the memory.
	ednBytesMax = 64 << 20
)

// topDepth is the depth of values at the top.
const topDepth = 1

// errCut is what reading comes to where the file ends inside a value.
var errCut = errors.New("the file is cut off in the middle of it")

// ednReader reads the values of an edn file one after the other: all of edn's syntax
// (https://github.com/edn-format/edn), of which it keeps what histories need. It does not check that
// numbers and symbols are well formed, and takes no account of what tags mean.
type ednReader struct {
	r *bufio.Reader
	// line is where the reader is, from 1.
	line int
	// start is the line in which the present value at the top begins, last that of the last byte that was no blank.
	start, last int
	// used is how many bytes of the present value were read.
	used int
}

func newEDN(r *bufio.Reader) *ednReader { return &ednReader{r: r, line: 1} }

// byte reads one byte; io.EOF is the end of the file.
func (e *ednReader) byte() (byte, error) {
	c, err := e.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if !blank(c) {
		e.last = e.line
	}
	if c == '\n' {
		e.line++
	}
	if e.used++; e.used > ednBytesMax {
		return 0, fmt.Errorf("it has more than %d bytes", ednBytesMax)
	}
	return c, nil
}

// back undoes the last byte.
func (e *ednReader) back(c byte) {
	if err := e.r.UnreadByte(); err != nil {
		panic(err) // a byte was read just now
	}
	e.used--
	if c == '\n' {
		e.line--
	}
}

// skip passes over blanks, commas and comments and returns what follows them.
func (e *ednReader) skip() (byte, error) {
	for {
		c, err := e.byte()
		if err != nil {
			return 0, err
		}
		if c == ';' {
			for c != '\n' {
				if c, err = e.byte(); err != nil {
					return 0, err
				}
			}
			continue
		}
		if !blank(c) {
			return c, nil
		}
	}
}

func blank(c byte) bool {
	return c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\v'
}

// next reads a value; ok is false where there is a closing bracket instead, which is returned. io.EOF is an
// end where a value may begin.
func (e *ednReader) next(depth int) (v value, closing byte, ok bool, err error) {
	tagged := false
	for {
		c, err := e.skip()
		switch {
		case err != nil && tagged:
			return v, 0, false, inside(err)
		case err != nil:
			return v, 0, false, err
		}
		if depth == topDepth && !tagged {
			e.start = e.line
		}
		switch c {
		case ')', ']', '}':
			if tagged {
				return v, c, false, errors.New("a tag without a value")
			}
			return v, c, false, nil
		case '#':
			what, v, err := e.hash(depth)
			if what == hashValue || err != nil {
				return v, 0, err == nil, inside(err)
			}
			tagged = tagged || what == hashTag
		default:
			v, err = e.value(c, depth)
			return v, 0, err == nil, inside(err)
		}
	}
}

// inside makes an end of the file within a value a cut.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

// What may follow #.
const (
	// hashValue is a set, or a number that is none.
	hashValue = iota
	// hashTag is a tag: its value follows.
	hashTag
	// hashNothing is a value that was passed over.
	hashNothing
)

// hash reads what follows #.
func (e *ednReader) hash(depth int) (what int, v value, err error) {
	c, err := e.byte()
	switch {
	case err != nil:
		return hashValue, v, err
	case c == '{':
		v, err = e.items(kindList, '}', depth)
		return hashValue, v, err
	case c == '_':
		if depth >= ednDepthMax {
			return hashNothing, v, errDeep
		}
		_, closing, ok, err := e.next(depth + 1)
		if err == nil && !ok {
			err = fmt.Errorf("#_ is followed by %q", closing)
		}
		return hashNothing, v, err
	case c == '#': // ##Inf, ##NaN
		name, err := e.token(nil)
		return hashValue, value{kind: kindAtom, text: "##" + name}, err
	}
	_, err = e.token([]byte{c})
	return hashTag, v, err
}

var errDeep = fmt.Errorf("it is nested more than %d deep", ednDepthMax)

// value reads the value that begins with c.
func (e *ednReader) value(c byte, depth int) (value, error) {
	switch c {
	case '(':
		return e.items(kindList, ')', depth)
	case '[':
		return e.items(kindList, ']', depth)
	case '{':
		return e.items(kindMap, '}', depth)
	case '"':
		s, err := e.str()
		return value{kind: kindString, text: s}, err
	case '\\':
		c, err := e.byte()
		if err != nil {
			return value{}, err
		}
		name, err := e.token([]byte{c})
		return value{kind: kindAtom, text: `\` + name}, err
	case ':':
		name, err := e.token(nil)
		if err == nil && name == "" {
			err = errors.New("a colon without a name")
		}
		return value{kind: kindWord, text: name}, err
	}
	text, err := e.token([]byte{c})
	if text == "nil" {
		return value{}, err
	}
	return value{kind: kindAtom, text: text}, err
}

// token reads on until something that ends it. The end of the file ends it as well.
func (e *ednReader) token(b []byte) (string, error) {
	for {
		c, err := e.byte()
		if errors.Is(err, io.EOF) {
			return printable(b)
		}
		if err != nil {
			return "", err
		}
		if blank(c) || strings.IndexByte(`()[]{}";`, c) >= 0 {
			e.back(c)
			return printable(b)
		}
		b = append(b, c)
	}
}

// printable refuses what is no text at all.
func printable(b []byte) (string, error) {
	for _, r := range string(b) {
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			return "", fmt.Errorf("%q is no edn", b)
		}
	}
	return string(b), nil
}

func (e *ednReader) items(k kind, end byte, depth int) (value, error) {
	v := value{kind: k}
	if depth >= ednDepthMax {
		return v, errDeep
	}
	for {
		item, closing, ok, err := e.next(depth + 1)
		switch {
		case err != nil:
			return v, err
		case ok:
			v.items = append(v.items, item)
		case closing != end:
			return v, fmt.Errorf("%q closes what %q should close", closing, end)
		case k == kindMap && len(v.items)%2 != 0:
			return v, fmt.Errorf("a map has a key without a value, %s", &v.items[len(v.items)-1])
		default:
			return v, nil
		}
	}
}

// str reads a string up to its closing quote.
func (e *ednReader) str() (string, error) {
	var b []byte
	for {
		c, err := e.byte()
		switch {
		case err != nil:
			return "", err
		case c == '"':
			return string(b), nil
		case c == '\\':
			if b, err = e.escape(b); err != nil {
				return "", err
			}
		default:
			b = append(b, c)
		}
	}
}

func (e *ednReader) escape(b []byte) ([]byte, error) {
	c, err := e.byte()
	if err != nil {
		return b, err
	}
	switch c {
	case 'n':
		return append(b, '\n'), nil
	case 't':
		return append(b, '\t'), nil
	case 'r':
		return append(b, '\r'), nil
	case 'b':
		return append(b, '\b'), nil
	case 'f':
		return append(b, '\f'), nil
	case '"', '\\':
		return append(b, c), nil
	case 'u':
		var hex [4]byte
		for i := range hex {
			if hex[i], err = e.byte(); err != nil {
				return b, err
			}
		}
		n, err := strconv.ParseUint(string(hex[:]), 16, 32)
		if err != nil {
			return b, fmt.Errorf(`\u%s is no character`, hex[:])
		}
		return utf8.AppendRune(b, rune(n)), nil
	default:
		return b, fmt.Errorf(`\%c is no escape of a string: want one of \n \t \r \b \f \" \\ \u`, c)
	}
}
