package formats

import (
	"strconv"
	"strings"
)

// kind is what a value of an edn file is.
type kind uint8

const (
	kindNil kind = iota
	// kindAtom is a number, a symbol, a boolean or a character: its text is what stands in the file.
	kindAtom
	// kindWord is a keyword; its text has no colon.
	kindWord
	kindString
	// kindList is a list, a vector or a set.
	kindList
	// kindMap holds keys and values in turn.
	kindMap
)

// value is a value of an edn file. Tags are left out.
type value struct {
	kind  kind
	text  string
	items []value
}

func (v *value) word(w string) bool { return v.kind == kindWord && v.text == w }

// get returns what a map has under a keyword.
func (v *value) get(key string) (value, bool) {
	for i := 0; i+1 < len(v.items); i += 2 {
		if v.items[i].word(key) {
			return v.items[i+1], true
		}
	}
	return value{}, false
}

// number reads an integer.
func (v *value) number() (int64, bool) {
	if v.kind != kindAtom {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(v.text, "N"), 10, 64)
	return n, err == nil
}

// String prints the value as an edn file has it, on one line. That of equal values is equal.
func (v *value) String() string {
	var b strings.Builder
	v.print(&b)
	return b.String()
}

func (v *value) print(b *strings.Builder) {
	switch v.kind {
	case kindNil:
		b.WriteString("nil")
	case kindAtom:
		b.WriteString(v.text)
	case kindWord:
		b.WriteString(":" + v.text)
	case kindString:
		printString(b, v.text)
	case kindList, kindMap:
		brackets := "[]"
		if v.kind == kindMap {
			brackets = "{}"
		}
		b.WriteByte(brackets[0])
		for i := range v.items {
			if i > 0 {
				b.WriteByte(' ')
			}
			v.items[i].print(b)
		}
		b.WriteByte(brackets[1])
	}
}

func printString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}
