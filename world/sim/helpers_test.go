package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// stepFunc is an actor that keeps nothing but what its closure does.
type stepFunc func(now world.Time, in []world.Event, out *world.Effects)

func (f stepFunc) Step(now world.Time, in []world.Event, out *world.Effects) { f(now, in, out) }

// oneActor describes a node with a single actor; make builds it at each boot.
func oneActor(id world.NodeID, disk world.Disk, make func(env world.Env) stepFunc) world.Node {
	return world.Node{ID: id, Name: "n", Disk: disk, Actors: 1, Boot: func(envs []world.Env) ([]world.Actor, error) {
		return []world.Actor{make(envs[0])}, nil
	}}
}

// add puts such a node into w.
func add(t testing.TB, w *World, id world.NodeID, disk world.Disk, f stepFunc) {
	t.Helper()
	require.NoError(t, w.AddNode(oneActor(id, disk, func(world.Env) stepFunc { return f })))
}

// echo replies to every request with its payload.
func echo(_ world.Time, in []world.Event, out *world.Effects) {
	for _, e := range in {
		if e.Kind == world.EventRequest {
			out.Reply(e.From, e.Call, e.Payload)
		}
	}
}

// mute answers nothing.
func mute(world.Time, []world.Event, *world.Effects) {}

// memDisk is a disk whose commits are numbers. The data outlives crashes as far as it was kept.
type memDisk struct {
	data   []uint64
	torn   bool
	closed bool
}

func (d *memDisk) commit(v uint64)  { d.data = append(d.data, v) }
func (d *memDisk) Position() uint64 { return uint64(len(d.data)) }
func (d *memDisk) Sync() error      { return errors.New("only the real world syncs") }
func (d *memDisk) Close() error     { d.closed = true; return nil }

func (d *memDisk) Crash(keep uint64, torn bool) uint64 {
	lost := uint64(len(d.data)) - keep
	d.data, d.torn = d.data[:keep], torn
	return lost
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// calm is a network that delivers everything after exactly one millisecond.
func calm() NetConfig {
	return NetConfig{LatencyMin: time.Millisecond, LatencyMax: time.Millisecond}
}

func newWorld(t testing.TB, cfg Config) *World {
	t.Helper()
	cfg.CheckPayloads = true
	w := New(cfg)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

// panicOf runs f and returns the text of its panic, empty if there was none.
func panicOf(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

func at(d time.Duration) world.Time { return world.Time(d) }
