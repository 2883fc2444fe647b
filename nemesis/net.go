package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// Weather is what happens on the links from and to a node, beyond what the network does to all, in percent of what is sent:
// it is lost, comes twice, overtakes others. Everything is late by up to Slow.
type Weather struct {
	Loss, Again, Overtake uint64
	Slow                  time.Duration
}

// Weathered counts what that did.
type Weathered struct{ Lost, Again, Overtook, Slowed uint64 }

// Net makes the links of some nodes bad ones.
type Net struct {
	Whom Victims
	Weather
}

// Name is the family.
func (f Net) Name() string { return "net" }

// String is the source text.
func (f Net) String() string {
	return fmt.Sprintf("net %v loss(%d) again(%d) overtake(%d) slow(%s)", f.Whom, f.Loss, f.Again, f.Overtake, seconds(f.Slow))
}

func parseNet(s *scanner) (Fault, error) {
	var f Net
	var err error
	if f.Whom, err = s.victims(); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name string
		to   *uint64
	}{{"loss", &f.Loss}, {"again", &f.Again}, {"overtake", &f.Overtake}} {
		if *part.to, err = s.percent(part.name); err != nil {
			return nil, err
		}
	}
	f.Slow, err = s.timed("slow")
	return f, err
}

// percent reads blanks, name and a percentage in brackets.
func (s *scanner) percent(name string) (uint64, error) {
	s.space()
	start := s.pos
	n, err := s.call(name, "a percentage")
	if err == nil && n > 100 {
		return 0, s.errorAt(start, "want at most 100 percent, found %d", n)
	}
	return n, err
}

// timed reads blanks, name and a time in brackets.
func (s *scanner) timed(name string) (time.Duration, error) {
	s.space()
	if err := s.expect(name + "("); err != nil {
		return 0, err
	}
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] != ')' {
		s.pos++
	}
	d, err := time.ParseDuration(s.text[start:s.pos])
	if err != nil || d < 0 {
		s.pos = start
		return 0, s.errorAt(start, "want a time such as 1.200s, found %s", s.rest())
	}
	return d, s.expect(")")
}

// Apply begins.
func (f Net) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	for _, n := range nodes {
		if err := t.Worsen(n, f.Weather); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{Text: "links of " + f.Whom.names(t, nodes)}, nil
}

// Heal ends all bad weather. What it did is the evidence.
func (f Net) Heal(_ world.Proc, t Target) (Receipt, error) {
	done := t.EndWorsen()
	if done == (Weathered{}) {
		return Receipt{}, nil
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("%d lost, %d twice, %d overtook, %d slow", done.Lost, done.Again, done.Overtook, done.Slowed)}, nil
}

// slowMin and slowMax bound by how much what is sent is late.
const slowMin, slowMax = time.Millisecond, time.Second

// drawNet mostly draws one of the four alone: of all at once nobody would learn which it was.
func drawNet(d *drawer) Fault {
	f := Net{Whom: d.victims(6)}
	if d.rng.IntN(4) == 0 {
		f.Whom = Victims{Stores: Whom{Kind: WhomAll}}
	}
	mixed := d.rng.IntN(3) == 0
	sort := d.rng.IntN(4)
	is := func(k int) bool { return mixed || sort == k }
	if is(0) {
		f.Loss = 1 + d.rng.Uint64N(50)
	}
	if is(1) {
		f.Again = 1 + d.rng.Uint64N(50)
	}
	if is(2) {
		f.Overtake = 1 + d.rng.Uint64N(50)
	}
	if is(3) || f.Again+f.Overtake > 0 {
		f.Slow = d.logUniform(slowMin, slowMax)
	}
	return f
}
