package sim

import (
	"math/rand/v2"
	"time"

	"ordeal/world"
)

// Weather is what the links from and to one node do beyond what all do, while it lasts.
type Weather struct {
	// Loss, Again and Overtake are chances: that something sent is lost; that a message comes twice; that it does not keep
	// its place.
	Loss, Again, Overtake float64
	// Slow is by how much everything takes longer at most, drawn uniformly.
	Slow time.Duration
}

// Weathered counts what that did.
type Weathered struct{ Lost, Again, Overtook, Slowed uint64 }

// Add sums up.
func (d *Weathered) Add(o Weathered) {
	d.Lost, d.Again = d.Lost+o.Lost, d.Again+o.Again
	d.Overtook, d.Slowed = d.Overtook+o.Overtook, d.Slowed+o.Slowed
}

// weather is that of one node.
type weather struct {
	rng  *rand.Rand
	what Weather
	done Weathered
}

// SetWeather changes the links of a node; the zero value ends it. It panics if what makes no sense.
func (w *World) SetWeather(id world.NodeID, what Weather) {
	w.mustNotStep("SetWeather")
	mustBeProbability("Weather.Loss", what.Loss)
	mustBeProbability("Weather.Again", what.Again)
	mustBeProbability("Weather.Overtake", what.Overtake)
	mustBeRange("Weather.Slow", 0, what.Slow)
	n := w.node(id)
	if n.weather == nil {
		n.weather = &weather{rng: stream(w.cfg.Seed, "weather", uint64(id))}
	}
	n.weather.what = what
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindNet, Node: id})
}

// EndWeather ends a node's weather and returns what it has done.
func (w *World) EndWeather(id world.NodeID) Weathered {
	n := w.node(id)
	if n.weather == nil {
		return Weathered{}
	}
	done := n.weather.done
	n.weather.done = Weathered{}
	if n.weather.what != (Weather{}) {
		w.SetWeather(id, Weather{})
	}
	return done
}

// weatherOf returns what something sent goes through, nil for nothing: where both ends have weather it is the sender's.
func weatherOf(ev *event) *weather {
	for _, n := range []*node{ev.src, ev.to} {
		if n.weather != nil && n.weather.what != (Weather{}) {
			return n.weather
		}
	}
	return nil
}

// delay is by how much something is late.
func (t *weather) delay() time.Duration {
	if t.what.Slow == 0 {
		return 0
	}
	t.done.Slowed++
	return between(t.rng, 0, t.what.Slow)
}

// strikes says whether a chance comes true, and counts it.
func (t *weather) strikes(p float64, count *uint64) bool {
	if !chance(t.rng, p) {
		return false
	}
	*count++
	return true
}
