// Package cores does work on all processors that is no part of a run: histories of runs that are over are judged with it.
// Packages whose code may be part of a run start no goroutines, and take a function such as Spread from who calls them.
package cores

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Spread does n pieces of work, as checker.Options.Spread asks: each once, in any order and several at a time. Every goroutine
// that takes part calls worker once and does its pieces with what that returns.
func Spread(n int, worker func() (do func(i int))) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}
