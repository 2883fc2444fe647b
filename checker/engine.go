package checker

import (
	"fmt"
	"slices"
	"strings"
)

// Engine names what judges the steps of a key.
type Engine string

// The engines.
const (
	// Auto asks package linear, and package frontier about what that cannot decide.
	Auto Engine = "auto"
	// Porcupine asks porcupine, which decides everything, if it has the time and the memory.
	Porcupine Engine = "porcupine"
	// Frontier asks package frontier alone.
	Frontier Engine = "frontier"
	// Fast asks package linear alone.
	Fast Engine = "fast"
)

// Engines lists all engines in the order in which messages name them.
var Engines = [...]Engine{Auto, Porcupine, Frontier, Fast}

// ParseEngine reads the name of an engine.
func ParseEngine(name string) (Engine, error) {
	if e := Engine(name); slices.Contains(Engines[:], e) {
		return e, nil
	}
	return "", fmt.Errorf("unknown checker %q: want one of %s", name, EngineNames())
}

// EngineNames is the names of all engines, joined by commas.
func EngineNames() string {
	var names []string
	for _, e := range Engines {
		names = append(names, string(e))
	}
	return strings.Join(names, ", ")
}
