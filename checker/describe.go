package checker

import (
	"fmt"
	"strconv"
	"strings"

	"ordeal/world"
)

// textMax bounds how much of a key or value a description shows, in bytes.
const textMax = 48

// quote prints a key or value for people: quoted where that helps, cut where it is long.
func quote(s string) string {
	cut := ""
	if len(s) > textMax {
		s, cut = s[:textMax], "…"
	}
	return strconv.Quote(s) + cut
}

// name prints a key: bare where it is a plain word.
func name(key string) string {
	if q := quote(key); q != `"`+key+`"` || key == "" || strings.ContainsAny(key, " →,[]") {
		return q
	}
	return key
}

// seen prints what a read saw.
func seen(found bool, value string) string {
	if !found {
		return "absent"
	}
	return quote(value)
}

// itemsShown is how many items of a list or a set are shown, the last ones.
const itemsShown = 8

// items prints what a read of a list or a set saw.
func items(all []string) string {
	var b strings.Builder
	b.WriteByte('[')
	if n := len(all) - itemsShown; n > 0 {
		fmt.Fprintf(&b, "%d more, ", n)
		all = all[n:]
	}
	for i, item := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quote(item))
	}
	return b.String() + "]"
}

// Clock prints a time in seconds, to the millisecond, or to the microsecond where it is finer: "4.210 s".
func Clock(t world.Time) string {
	if t == Never {
		return "never"
	}
	s := strconv.FormatFloat(t.Seconds(), 'f', 6, 64)
	point := strings.IndexByte(s, '.')
	for len(s) > point+4 && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return s + " s"
}

// span prints when an operation ran.
func (o *Op) span() string {
	if o.Return == Never {
		return fmt.Sprintf("at [%s, open)", Clock(o.Invoke))
	}
	return fmt.Sprintf("at [%s, %s]", Clock(o.Invoke), Clock(o.Return))
}

// Who prints the operation's client.
func (o *Op) Who() string { return "c" + strconv.Itoa(o.Client) }

// Call prints what the operation asked for, without who, when and with what result: `put x = "7"`.
func (o *Op) Call() string {
	expect := "absent"
	if o.Expect != nil {
		expect = quote(*o.Expect)
	}
	switch o.Kind {
	case Put:
		return fmt.Sprintf("put %s = %s", name(o.Key), quote(o.Value))
	case CAS:
		return fmt.Sprintf("cas %s from %s to %s", name(o.Key), expect, quote(o.Value))
	case CAD:
		return fmt.Sprintf("cad %s from %s", name(o.Key), expect)
	case Append:
		return fmt.Sprintf("append %s to %s", quote(o.Value), name(o.Key))
	case Add:
		return fmt.Sprintf("add %s to %s", quote(o.Value), name(o.Key))
	case Remove:
		return fmt.Sprintf("remove %s from %s", quote(o.Value), name(o.Key))
	case Increment:
		return fmt.Sprintf("increment %s by %s", name(o.Key), o.Value)
	case Scan:
		end := "end"
		if o.End != "" {
			end = name(o.End)
		}
		s := fmt.Sprintf("scan [%s, %s)", name(o.Start), end)
		if o.Limit > 0 {
			s += " limit " + strconv.Itoa(o.Limit)
		}
		return s
	default:
		return fmt.Sprintf("%s %s", o.Kind, name(o.Key))
	}
}

// Answer prints what came of the operation: `"7"`, "swapped", "unknown".
func (o *Op) Answer() string {
	if o.Outcome != Ok {
		return string(o.Outcome)
	}
	switch {
	case len(o.Items) > 0:
		return items(o.Items)
	case o.Kind == Get:
		return seen(o.Found, o.Read)
	case o.Kind == Scan:
		return fmt.Sprintf("%d pairs", len(o.Pairs))
	case o.Swapped:
		return "swapped"
	case o.Kind == CAS || o.Kind == CAD:
		return "not swapped, saw " + seen(o.Found, o.Read)
	default:
		return "ok"
	}
}

// String tells the operation in one line: `c3 get x → "7" at [4.210 s, 4.215 s]`.
func (o *Op) String() string {
	return fmt.Sprintf("%s %s → %s %s", o.Who(), o.Call(), o.Answer(), o.span())
}
