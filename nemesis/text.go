package nemesis

import (
	"fmt"
	"strconv"
	"strings"
)

// syntaxError says what is wrong with a text and where. Columns count bytes from 1.
type syntaxError struct {
	column int
	text   string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.column, e.text) }

// scanner reads the words of one line.
type scanner struct {
	text string
	pos  int
	// waits says that this is the fault of one that waits for a condition.
	waits bool
}

func (s *scanner) errorAt(pos int, format string, args ...any) error {
	return &syntaxError{column: pos + 1, text: fmt.Sprintf(format, args...)}
}

// space skips blanks.
func (s *scanner) space() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// rest quotes what is left, for an error.
func (s *scanner) rest() string {
	if s.pos == len(s.text) {
		return "the end of the line"
	}
	return strconv.Quote(s.text[s.pos:])
}

// end checks that nothing but blanks is left.
func (s *scanner) end() error {
	s.space()
	if s.pos < len(s.text) {
		return s.errorAt(s.pos, "unexpected %s after the fault", s.rest())
	}
	return nil
}

// accept reads lit if it comes next.
func (s *scanner) accept(lit string) bool {
	if !strings.HasPrefix(s.text[s.pos:], lit) {
		return false
	}
	s.pos += len(lit)
	return true
}

// expect reads lit or fails.
func (s *scanner) expect(lit string) error {
	if !s.accept(lit) {
		return s.errorAt(s.pos, "want %q, found %s", lit, s.rest())
	}
	return nil
}

// word reads letters, digits, underscores and inner hyphens. It is empty if something else comes next.
func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.text) {
		hyphen := s.text[s.pos] == '-' && s.pos > start && s.pos+1 < len(s.text) && isWordByte(s.text[s.pos+1])
		if !hyphen && !isWordByte(s.text[s.pos]) {
			break
		}
		s.pos++
	}
	return s.text[start:s.pos]
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// number reads a decimal number.
func (s *scanner) number(what string) (uint64, error) {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	n, err := strconv.ParseUint(s.text[start:s.pos], 10, 32)
	if err != nil {
		s.pos = start
		return 0, s.errorAt(start, "want %s, a number below 2^32, found %s", what, s.rest())
	}
	return n, nil
}

// mask reads a hexadecimal number.
func (s *scanner) mask() (uint64, error) {
	start := s.pos
	word := s.word()
	digits, ok := strings.CutPrefix(word, "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		s.pos = start
		return 0, s.errorAt(start, "want a mask of up to 64 nodes such as 0x15, found %s", s.rest())
	}
	return n, nil
}

// call reads blanks, name, a bracketed number: region(3).
func (s *scanner) call(name, what string) (uint64, error) {
	s.space()
	if err := s.expect(name + "("); err != nil {
		return 0, err
	}
	n, err := s.number(what)
	if err != nil {
		return 0, err
	}
	return n, s.expect(")")
}
