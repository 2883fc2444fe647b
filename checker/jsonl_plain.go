package checker

import (
	"bytes"
	"slices"

	"ordeal/world"
)

// plainLine reads an operation from a line such as a Writer writes for most operations, which takes a small part of the time
// that encoding/json takes. It is false for all others: scans, lists, strings with escapes or bytes beyond ASCII, blanks, and what
// is wrong in any way. What it reads is what encoding/json would read.
func plainLine(line []byte, o *Op) bool {
	*o = Op{Return: Never}
	c := cursor{rest: line}
	c.skip('{')
	for !c.bad {
		name := c.str()
		c.skip(':')
		if !c.field(name, o) {
			return false
		}
		if len(c.rest) == 1 && c.rest[0] == '}' {
			return true
		}
		c.skip(',')
	}
	return false
}

// field reads the field of a name.
func (c *cursor) field(name []byte, o *Op) bool {
	switch string(name) {
	case "id":
		o.ID = int(c.int())
	case "client":
		o.Client = int(c.int())
	case "kind":
		o.Kind = oneOf(c, Kinds[:])
	case "key":
		o.Key = c.text()
	case "value":
		o.Value = c.text()
	case "expect":
		expect := c.text()
		o.Expect = &expect
	case "invoke_ns":
		o.Invoke = world.Time(c.int())
	case "return_ns":
		o.Return = world.Time(c.int())
	case "outcome":
		o.Outcome = oneOf(c, Outcomes[:])
	case "found":
		o.Found = c.bool()
	case "read":
		o.Read = c.text()
	case "swapped":
		o.Swapped = c.bool()
	case "region":
		o.Region = c.uint()
	case "conf_ver":
		o.Epoch.ConfVer = c.uint()
	case "version":
		o.Epoch.Version = c.uint()
	case "term":
		o.Term = c.uint()
	case "apply_index":
		o.ApplyIndex = c.uint()
	case "err":
		o.Err = c.text()
	default:
		return false
	}
	return !c.bad
}

// cursor reads JSON without blanks.
type cursor struct {
	rest []byte
	// bad says that something else is there, or what is only for encoding/json to read.
	bad bool
}

func (c *cursor) skip(b byte) {
	if len(c.rest) == 0 || c.rest[0] != b {
		c.bad = true
		return
	}
	c.rest = c.rest[1:]
}

// str reads a string of printable ASCII without escapes.
func (c *cursor) str() []byte {
	c.skip('"')
	for i, b := range c.rest {
		switch {
		case b == '"':
			s := c.rest[:i]
			c.rest = c.rest[i+1:]
			return s
		case b < ' ' || b == '\\' || b >= 0x80:
			c.bad = true
			return nil
		}
	}
	c.bad = true
	return nil
}

// text reads a string that is not encoded.
func (c *cursor) text() string {
	s := c.str()
	c.bad = c.bad || bytes.HasPrefix(s, []byte(base64Prefix))
	return string(s)
}

// oneOf reads one of some strings.
func oneOf[S ~string](c *cursor, all []S) S {
	s := c.str()
	if i := slices.IndexFunc(all, func(known S) bool { return string(known) == string(s) }); i >= 0 {
		return all[i]
	}
	c.bad = true
	return ""
}

// digitsMax is how many digits fit into an integer whatever they are.
const digitsMax = 18

// uint reads a whole number that is not negative.
func (c *cursor) uint() (n uint64) {
	i := 0
	for ; i < len(c.rest) && c.rest[i] >= '0' && c.rest[i] <= '9'; i++ {
		n = 10*n + uint64(c.rest[i]-'0')
	}
	// What makes another number of it, a point or an e, is not what follows a field.
	c.bad = c.bad || i == 0 || i > digitsMax || i > 1 && c.rest[0] == '0'
	c.rest = c.rest[i:]
	return n
}

func (c *cursor) int() int64 {
	if len(c.rest) > 0 && c.rest[0] == '-' {
		c.rest = c.rest[1:]
		return -int64(c.uint())
	}
	return int64(c.uint())
}

func (c *cursor) bool() bool {
	for _, word := range [...]string{"true", "false"} {
		if rest, ok := bytes.CutPrefix(c.rest, []byte(word)); ok {
			c.rest = rest
			return word == "true"
		}
	}
	c.bad = true
	return false
}
