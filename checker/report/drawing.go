package report

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ordeal/checker"
	"ordeal/world"
)

// Sizes of a drawing, in pixels.
const (
	drawnLeft  = 52 // room for the clients' names
	drawnLane  = 78 // the height of a client's lane
	drawnBox   = 60
	drawnGap   = 16  // the least distance between two moments
	drawnChar  = 7.3 // the width of a letter
	drawnSmall = 6.2 // and of a small one
	drawnPad   = 22
	// drawnTextMax bounds a line of text in a box, in letters.
	drawnTextMax = 44
)

// drawing is a counter-example as clients over time. Moments are in their order and as far apart as the text needs: what
// matters is what came before what, and the times are written down.
type drawing struct {
	Width, Height int
	Lanes         []drawnClient
	Boxes         []drawnOp
}

type drawnClient struct {
	Name    string
	Y, Text int
}

// drawnOp is an operation; Open says that it ends nowhere.
type drawnOp struct {
	X, Y, W              int
	Call, Answer, Clock  string
	Class                string
	Open                 bool
	TextX, Y1, Y2, Y3, H int
}

// newDrawing draws a violation, or returns nil if it has no operations, or more than anybody could look at.
func newDrawing(v *checker.Violation) *drawing {
	if len(v.Ops) == 0 || len(v.Ops) > opsMax {
		return nil
	}
	var clients []int
	for i := range v.Ops {
		if c := v.Ops[i].Client; !slices.Contains(clients, c) {
			clients = append(clients, c)
		}
	}
	slices.Sort(clients)
	g := &drawing{Height: drawnLane * len(clients)}
	for i, c := range clients {
		o := checker.Op{Client: c}
		g.Lanes = append(g.Lanes, drawnClient{o.Who(), drawnLane*i + drawnLane/2, drawnLane*i + drawnLane/2 + 4})
	}
	x, right := placeMoments(v)
	g.Width = right + drawnGap
	subject := subjectOf(v)
	for i := range v.Ops {
		o := &v.Ops[i]
		b := drawnOp{X: x[o.Invoke], Call: shorten(o.Call()), Answer: "→ " + shorten(o.Answer()), Clock: drawnClock(o), Class: drawnClass(o)}
		if b.Open = endless(o); b.Open {
			b.W = right + drawnGap - b.X
		} else {
			b.W = x[o.Return] - b.X
		}
		if i == subject {
			b.Class += " subject"
		}
		top := drawnLane*slices.Index(clients, o.Client) + (drawnLane-drawnBox)/2
		b.Y, b.H, b.TextX, b.Y1, b.Y2, b.Y3 = top, drawnBox, b.X+drawnPad/2, top+20, top+37, top+52
		g.Boxes = append(g.Boxes, b)
	}
	return g
}

// placeMoments gives each moment the least place at which everything that ends there has room for its text, and says
// where the last one is.
func placeMoments(v *checker.Violation) (x map[world.Time]int, right int) {
	var moments []world.Time
	for i := range v.Ops {
		moments = append(moments, v.Ops[i].Invoke)
		if !endless(&v.Ops[i]) {
			moments = append(moments, v.Ops[i].Return)
		}
	}
	slices.Sort(moments)
	x = map[world.Time]int{}
	at := drawnLeft
	for _, t := range slices.Compact(moments) {
		for i := range v.Ops {
			if o := &v.Ops[i]; !endless(o) && o.Return == t && o.Invoke < t {
				at = max(at, x[o.Invoke]+roomOf(o))
			}
		}
		x[t] = at
		at += drawnGap
	}
	right = at - drawnGap
	for i := range v.Ops {
		if o := &v.Ops[i]; endless(o) || o.Invoke == o.Return {
			right = max(right, x[o.Invoke]+roomOf(o))
		}
	}
	return x, right
}

// endless says that an operation may take effect at any later time.
func endless(o *checker.Op) bool { return o.Outcome == checker.Unknown || o.Return == checker.Never }

// roomOf is the width that an operation's text takes.
func roomOf(o *checker.Op) int {
	letters := max(utf8.RuneCountInString(shorten(o.Call())), 2+utf8.RuneCountInString(shorten(o.Answer())))
	return int(max(float64(letters)*drawnChar, float64(utf8.RuneCountInString(drawnClock(o)))*drawnSmall)) + drawnPad
}

func drawnClock(o *checker.Op) string {
	from := strings.TrimSuffix(checker.Clock(o.Invoke), " s")
	if o.Return == checker.Never {
		return from + " s, still open"
	}
	return from + " – " + checker.Clock(o.Return)
}

func drawnClass(o *checker.Op) string {
	switch {
	case o.Outcome != checker.Ok:
		return string(o.Outcome)
	case o.Kind == checker.Get || o.Kind == checker.Scan:
		return "read"
	default:
		return "write"
	}
}

// shorten cuts a line of a box.
func shorten(s string) string {
	if r := []rune(s); len(r) > drawnTextMax {
		return string(r[:drawnTextMax-1]) + "…"
	}
	return s
}

// subjectOf is the operation that the violation's sentence begins with, -1 if it begins with none: sentences name
// operations by their times.
func subjectOf(v *checker.Violation) int {
	subject, first := -1, len(v.Message)
	for i := range v.Ops {
		o := &v.Ops[i]
		if at := strings.Index(v.Message, "["+checker.Clock(o.Invoke)+", "); at >= 0 && at < first && strings.HasPrefix(v.Message, o.Who()+"'s ") {
			subject, first = i, at
		}
	}
	return subject
}
