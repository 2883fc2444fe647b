package world

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Errors of Proc.Call. Only ErrRefused says that the request had no effect.
var (
	// ErrTimeout: no reply came in time. The request may have been, or may still be, executed.
	ErrTimeout = errors.New("call timed out")
	// ErrRefused: the callee's node was down. The request was never delivered.
	ErrRefused = errors.New("connection refused")
	// ErrReset: the callee's node went down after it got the request. It may have been executed.
	ErrReset = errors.New("connection reset")
)

// Proc is what blocking-style code (clients, workloads, nemeses) may do. In the simulated world it is a coroutine that
// the event loop resumes, in the real world a goroutine; the code is the same. A Proc must be used only by the function
// it was given to.
type Proc interface {
	// Now is the time on the clock of the world itself, the same for all procs: histories are recorded in it.
	Now() Time
	// Sleep lets d pass.
	Sleep(d time.Duration)
	// Rand is the proc's own seeded source.
	Rand() *rand.Rand
	// Call sends a request and waits for its reply for at most timeout. The reply must not be modified.
	Call(to Addr, request []byte, timeout time.Duration) ([]byte, error)
}

// World runs nodes and procs. world/sim and world/real implement it.
type World interface {
	// AddNode boots a node. Its address is known from then on.
	AddNode(n Node) error
	// Go starts blocking-style code on a node of its own name and kind: procs are clients, with no disk and no actor,
	// but calls from them pass the network and can be cut off.
	Go(node NodeID, name string, f func(Proc))
	// Crash takes the power from a node: its actors vanish, its disk keeps what was durable.
	Crash(id NodeID) error
	// Restart boots a crashed node again.
	Restart(id NodeID) error
}
