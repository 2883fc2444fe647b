// Package driver spreads simulated runs over worker processes and tells people about them.
//
// A run takes one goroutine and is the same whoever makes it, so many runs are made by one process a core, each on one
// core alone: that is faster than goroutines of one process, which share a garbage collector, and a run that panics
// takes only itself down. Workers are built with failpoints compiled in, from the source tree that the driver finds
// itself in. Driver and worker talk in lines of JSON.
//
// Everything here is outside of the runs, so clocks, goroutines and processes may be used freely.
package driver
