package models

import (
	"ordeal/checker"
	"ordeal/checker/frontier"
)

// counting is a counter that is judged while operations on it go on. It has a search while any are open; at rest, a number and
// how many increments of unknown outcome have not been seen are all there is to know.
type counting struct {
	compile object
	// search is nil at rest, value then what the counter is. steps are of the operations in the search, by their places, which
	// begin at 1.
	search *frontier.Search
	value  uint64
	steps  map[int32]step
	places map[*checker.Op]int32
	last   int32
	// alike is by how much unseen operations of unknown outcome increment, which may still act; place 0 stands for each.
	alike  string
	act    step
	unseen int
	open   int
}

func newCounting() *counting {
	return &counting{compile: makeCounter()}
}

func (c *counting) call(o *checker.Op) state {
	unknown := o.Outcome == checker.Unknown
	if unknown && c.unseen == 0 {
		c.alike, c.act = o.Value, c.compile(o)
	}
	if unknown && o.Value == c.alike {
		c.unseen++
		if c.search != nil {
			c.search.Call(0, frontier.Alike)
		}
		return fine
	}
	if c.search == nil {
		c.begin()
	}
	c.last++
	c.steps[c.last] = c.compile(o)
	switch {
	case unknown:
		c.search.Call(c.last, frontier.Optional)
		return fine
	case o.Kind == checker.Get:
		c.search.Call(c.last, frontier.Reader)
	default:
		c.search.Call(c.last, frontier.Certain)
	}
	c.places[o] = c.last
	c.open++
	return fine
}

// begin makes a search that goes on from what is known.
func (c *counting) begin() {
	c.steps, c.places = map[int32]step{}, map[*checker.Op]int32{}
	c.search = frontier.New(func(state uint64, op int32) (uint64, bool) {
		if op == 0 {
			return c.act(state)
		}
		return c.steps[op](state)
	}, c.value, frontier.Usual)
	for range c.unseen {
		c.search.Call(0, frontier.Alike)
	}
}

func (c *counting) ret(o *checker.Op) state {
	place := c.places[o]
	answer := c.search.Return(place)
	delete(c.places, o)
	delete(c.steps, place)
	c.open--
	switch {
	case answer == frontier.Unexplained:
		return inexplicable
	case answer == frontier.TooWide:
		return tooWide
	case c.open == 0:
		if value, used, only := c.search.Only(); only {
			c.value, c.unseen = value, c.unseen-used
			c.search, c.steps, c.places = nil, nil, nil
		}
	}
	return fine
}

// inMotion is an object of the model that nothing was done to.
func (m *Model) inMotion() inMotion {
	if m.chain == noOrder {
		return newCounting()
	}
	return &growing{of: m.chain}
}
