// Package sim is the deterministic world: a whole cluster on one goroutine, under a virtual clock and one seed.
//
// # The idea
//
// Everything that will happen lies in one heap ordered by (time, sequence). The loop takes the earliest event, moves
// the clock to it, lets one actor step or one proc run, and turns what they want into later events. Nothing else moves
// the clock, so idle time costs nothing, and nothing runs beside the loop, so the order of everything is the order of
// the heap. Whatever the world decides by chance (latency, loss, the length of an fsync, where a crash cuts the disk,
// how wrong a clock is) is drawn from streams derived from Config.Seed, one stream for each link, disk and node, so that
// a message more on one link leaves the luck of all the others as it was.
//
// The same binary, seed and inputs therefore give the same events. TraceHash sums them up; Recorder writes them down
// and FirstDifference says where two runs part.
//
// # What a crash loses
//
// Commits reach a disk at once and become durable when the fsync behind them ends. A crash keeps a drawn number of
// commits between the last durable one and the last one made, and loses the rest: an outcome that any real disk
// may have. It never keeps less than what was acknowledged.
//
// # Use
//
// A World belongs to one goroutine. Procs, crash handlers and callbacks of After run inside its loop and may call every
// method except Run, RunWhile and Close; actors, inside Step and Boot, and Config.OnEvent may only ask for the time.
package sim
