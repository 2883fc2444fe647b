package sim

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/world"
)

// Barriers complete in order; what they release leaves before the actor hears of it, and not before the disk has it.
func TestBarrierOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Seed: 2, Net: calm()})
	disk := &memDisk{}
	var synced, sent []uint64
	add(t, w, 1, disk, func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			for i := range 50 {
				out.After(time.Duration(i)*100*time.Microsecond, uint64(i))
			}
		}
		for _, e := range in {
			switch e.Kind {
			case world.EventTimer:
				disk.commit(e.Token)
				out.Sync(e.Token, []world.Send{
					{To: world.Addr{Node: 2}, Payload: number(2 * e.Token)}, {To: world.Addr{Node: 2}, Payload: number(2*e.Token + 1)}})
			case world.EventSynced:
				require.LessOrEqual(t, e.Token, w.nodeOf[1].syncs.durable)
				synced = append(synced, e.Token)
			}
		}
	})
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			require.Less(t, numberOf(e.Payload)/2, w.nodeOf[1].syncs.durable)
			sent = append(sent, numberOf(e.Payload))
		}
	})
	w.Run(at(time.Minute))
	require.Len(t, synced, 50)
	require.IsIncreasing(t, synced)
	require.Len(t, sent, 100)
	require.IsIncreasing(t, sent)
}

// A disk slower than its writer makes groups larger, not the delay.
func TestBarriersShareAnFsync(t *testing.T) {
	t.Parallel()
	fsyncs := 0
	slow := DiskConfig{SyncMin: 5 * time.Millisecond, SyncMax: 5 * time.Millisecond}
	w := newWorld(t, Config{Disk: slow, OnEvent: func(e TraceEvent) {
		if e.Kind == KindSync {
			fsyncs++
		}
	}})
	disk := &memDisk{}
	done := 0
	add(t, w, 1, disk, func(now world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			out.After(0, 0)
		}
		for _, e := range in {
			switch {
			case e.Kind == world.EventTimer && disk.Position() < 1000:
				disk.commit(0)
				out.Sync(uint64(now), nil)
				out.After(100*time.Microsecond, 0)
			case e.Kind == world.EventSynced:
				done++
				require.LessOrEqual(t, now.Sub(world.Time(e.Token)), 10*time.Millisecond+defaultTurnDelay)
			}
		}
	})
	w.Run(at(time.Minute))
	require.Equal(t, 1000, done)
	require.Less(t, fsyncs, 50)
}

// A node without a disk has nothing to lose: its barriers complete.
func TestSyncWithoutDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	synced := false
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			out.Sync(1, nil)
		}
		synced = synced || len(in) == 1 && in[0].Kind == world.EventSynced
	})
	w.Run(at(time.Second))
	require.True(t, synced)
}

// Nothing of a life reaches the next one: no event, timer or barrier, and chance starts anew.
func TestLivesAreSeparate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	disk := &memDisk{}
	var nonces []uint64
	var rands []uint64
	require.NoError(t, w.AddNode(oneActor(1, disk, func(env world.Env) stepFunc {
		nonces, rands = append(nonces, env.Nonce), append(rands, env.Rand.Uint64())
		return func(_ world.Time, in []world.Event, out *world.Effects) {
			require.Empty(t, in)
			disk.commit(1)
			out.After(10080*time.Microsecond, env.Nonce) // due in the middle of the next life
			out.Sync(env.Nonce, []world.Send{{To: world.Addr{Node: 2}}})
			out.Send(world.Addr{Node: 2}, number(env.Nonce))
		}
	})))
	var got []uint64
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			got = append(got, numberOf(e.Payload))
		}
	})
	for range 5 {
		w.Run(w.Now().Add(100 * time.Microsecond)) // the first step was, the fsync and the timer were not
		require.NoError(t, w.Crash(1))
		w.Run(w.Now().Add(10 * time.Millisecond))
		require.NoError(t, w.Restart(1))
	}
	require.Len(t, nonces, 6)
	require.Equal(t, nonces[:5], got, "what was on the network arrives, what waited for the disk does not")
	slices.Sort(nonces)
	slices.Sort(rands)
	require.Len(t, slices.Compact(nonces), 6)
	require.Len(t, slices.Compact(rands), 6)
	require.NotZero(t, nonces[0])
}

// A node that crashes and boots before a planned turn or a running fsync is over starts afresh.
func TestCrashInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Disk: DiskConfig{SyncMin: time.Millisecond, SyncMax: time.Millisecond}})
	disk := &memDisk{}
	var turns, synced []world.Time
	add(t, w, 1, disk, func(_ world.Time, in []world.Event, out *world.Effects) {
		turns = append(turns, w.Now())
		if len(in) == 0 {
			disk.commit(1)
			out.Sync(1, nil)
			out.Sync(2, nil)
		}
		for range in {
			synced = append(synced, w.Now())
		}
	})
	for _, after := range []time.Duration{20 * time.Microsecond, 500 * time.Microsecond} {
		w.Run(w.Now().Add(after))
		require.NoError(t, w.Crash(1))
		require.NoError(t, w.Restart(1))
	}
	w.Run(at(time.Second))
	boot2, boot3 := at(20*time.Microsecond), at(520*time.Microsecond)
	done := boot3.Add(2*defaultTurnDelay + time.Millisecond)
	require.Equal(t, []world.Time{boot2.Add(defaultTurnDelay), boot3.Add(defaultTurnDelay), done}, turns)
	require.Equal(t, []world.Time{done, done}, synced)
}

func TestFailpointCrashInStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	disk := &memDisk{}
	armed := true
	var told []world.Crash
	w.OnCrash(func(n world.NodeID, c *world.Crash) {
		require.Equal(t, world.NodeID(1), n)
		require.False(t, w.Up(1))
		told = append(told, *c)
		w.After(time.Second, func() { require.NoError(t, w.Restart(1)) })
	})
	add(t, w, 1, disk, func(_ world.Time, in []world.Event, out *world.Effects) {
		disk.commit(1)
		out.Send(world.Addr{Node: 2}, nil)
		if armed {
			armed = false
			panic(world.Crash{Node: 1, Point: "here"})
		}
	})
	got := 0
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) { got += len(in) })
	w.Run(at(time.Minute))
	require.Equal(t, []world.Crash{{Node: 1, Point: "here"}}, told)
	require.True(t, w.Up(1))
	require.Equal(t, 1, got, "the effects of the step that crashed are gone")
	require.LessOrEqual(t, len(disk.data), 2)
}

func TestFailpointCrashInBoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	boots := 0
	node := world.Node{ID: 1, Disk: &memDisk{}, Actors: 1, Boot: func([]world.Env) ([]world.Actor, error) {
		switch boots++; boots {
		case 1, 3:
			panic(world.Crash{Node: 1, Point: "boot"})
		case 4:
			return nil, errors.New("disk full")
		}
		return []world.Actor{stepFunc(mute)}, nil
	}}
	told := 0
	w.OnCrash(func(world.NodeID, *world.Crash) { told++ })
	require.NoError(t, w.AddNode(node), "a machine that crashed while it booted was switched on all the same")
	require.False(t, w.Up(1))
	require.NoError(t, w.Restart(1))
	require.True(t, w.Up(1))
	require.NoError(t, w.Crash(1))
	require.NoError(t, w.Restart(1))
	require.False(t, w.Up(1))
	require.Equal(t, 2, told)
	require.ErrorContains(t, w.Restart(1), "booting node 1: disk full")
	require.False(t, w.Up(1))
	require.NoError(t, w.Restart(1))
	require.True(t, w.Up(1))
}

// storeActor acknowledges numbers once they are durable, by a reply and by a message to node 2.
func storeActor(disk *memDisk) stepFunc {
	type waiting struct{ ev world.Event }
	open := map[uint64]waiting{}
	return func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			switch e.Kind {
			case world.EventRequest:
				n := numberOf(e.Payload)
				disk.commit(n)
				open[n] = waiting{e}
				out.Sync(n, []world.Send{{To: world.Addr{Node: 2}, Payload: e.Payload}})
			case world.EventSynced:
				e := open[e.Token].ev
				out.Reply(e.From, e.Call, e.Payload)
			}
		}
	}
}

// survival runs clients that write numbers to a node that crashes after each of the given times. Everything that was
// acknowledged must be there at the end. It returns how many commits the crashes lost, how many they kept that were not
// durable, and how many left a torn one.
func survival(t require.TestingT, cfg Config, clients int, crashes []time.Duration) (lost, spared, torn uint64) {
	cfg.CheckPayloads = true
	w := New(cfg)
	defer w.Close()
	disk := &memDisk{}
	acked := survivalWorld(t, w, disk, clients)
	safe := uint64(0) // what survived a crash, durable or not, survives the next
	for _, after := range crashes {
		w.Run(w.Now().Add(after))
		before, durable := slices.Clone(disk.data), w.nodeOf[1].syncs.durable
		n, err := w.CrashNode(1)
		require.NoError(t, err)
		require.Equal(t, before[:uint64(len(before))-n], disk.data)
		require.GreaterOrEqual(t, disk.Position(), safe)
		safe = disk.Position()
		lost += n
		spared += disk.Position() - durable
		if disk.torn {
			require.NotZero(t, n)
			torn++
		}
		w.Run(w.Now().Add(time.Millisecond))
		require.NoError(t, w.Restart(1))
	}
	w.Run(w.Now().Add(time.Minute))
	kept := map[uint64]bool{}
	for _, n := range disk.data {
		kept[n] = true
	}
	for _, n := range *acked {
		require.True(t, kept[n], "%x was acknowledged", n)
	}
	return lost, spared, torn
}

// survivalWorld puts the store, the witness of its messages and the clients into w and returns what was acknowledged.
func survivalWorld(t require.TestingT, w *World, disk *memDisk, clients int) *[]uint64 {
	acked := new([]uint64)
	require.NoError(t, w.AddNode(oneActor(1, disk, func(world.Env) stepFunc { return storeActor(disk) })))
	require.NoError(t, w.AddNode(oneActor(2, nil, func(world.Env) stepFunc {
		return func(_ world.Time, in []world.Event, _ *world.Effects) {
			for _, e := range in {
				*acked = append(*acked, numberOf(e.Payload))
			}
		}
	})))
	for c := range clients {
		w.Go(world.NodeID(1001+c), "client", func(p world.Proc) {
			for n := uint64(1); n <= 50; n++ {
				id := uint64(c)<<32 | n
				if _, err := p.Call(world.Addr{Node: 1}, number(id), 30*time.Millisecond); err == nil {
					*acked = append(*acked, id)
				} else {
					p.Sleep(time.Millisecond)
				}
			}
		})
	}
	return acked
}

// Whatever was acknowledged survives every crash.
func TestAcknowledgedWritesSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Seed: rapid.Uint64().Draw(t, "seed")}
		cfg.Disk.SyncMax = time.Duration(rapid.Int64Range(1, int64(20*time.Millisecond)).Draw(t, "sync"))
		pause := rapid.Map(rapid.Int64Range(0, int64(30*time.Millisecond)), func(n int64) time.Duration { return time.Duration(n) })
		crashes := rapid.SliceOfN(pause, 0, 10).Draw(t, "crashes")
		survival(t, cfg, rapid.IntRange(1, 8).Draw(t, "clients"), crashes)
	})
}

// Crashes lose some of what is not durable, keep some, and tear some: without that, the property above proves nothing.
func TestCrashesReachAllOutcomes(t *testing.T) {
	t.Parallel()
	var lost, spared, torn uint64
	for seed := range uint64(10) {
		l, s, n := survival(t, Config{Seed: seed, Disk: DiskConfig{SyncMin: time.Millisecond, SyncMax: 10 * time.Millisecond}},
			8, slices.Repeat([]time.Duration{5 * time.Millisecond}, 10))
		lost, spared, torn = lost+l, spared+s, torn+n
	}
	require.Greater(t, lost, uint64(20))
	require.Greater(t, spared, uint64(20))
	require.Greater(t, torn, uint64(10))
}

func TestDiskThatLiesIsCaught(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	disk := &liar{}
	add(t, w, 1, disk, func(world.Time, []world.Event, *world.Effects) { disk.commit(1) })
	w.Run(at(time.Second))
	require.Contains(t, panicOf(func() { _ = w.Crash(1) }), "was to keep")
}

// liar keeps a commit more than it was told.
type liar struct{ memDisk }

func (d *liar) Crash(keep uint64, torn bool) uint64 { return d.memDisk.Crash(keep, torn) + 1 }

// TestRemovedNode: a machine that was removed is gone for good, with its calls, its links and its id.
func TestRemovedNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	disk := &memDisk{}
	add(t, w, 1, disk, func(_ world.Time, _ []world.Event, out *world.Effects) {
		disk.commit(1)
		out.Sync(1, []world.Send{{To: world.Addr{Node: 2}}})
		out.Send(world.Addr{Node: 2}, number(1))
	})
	got := 0
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		got += len(in)
		for range in {
			out.Send(world.Addr{Node: 1}, number(2))
		}
	})
	errs := []error{nil, nil}
	for i := range errs {
		w.Go(3, "caller", func(p world.Proc) {
			p.Sleep(time.Duration(i) * 20 * time.Millisecond)
			_, errs[i] = p.Call(world.Addr{Node: 1}, nil, 50*time.Millisecond)
		})
	}
	w.Cut(1, 3) // so that the first call waits
	w.Run(world.Time(10 * time.Millisecond))
	before := got
	require.Positive(t, before)
	require.NoError(t, w.RemoveNode(1))
	require.False(t, w.Up(1))
	w.Run(world.Time(15 * time.Millisecond)) // what was on the network arrives
	before = got
	w.Run(world.Time(time.Second))
	require.Equal(t, before, got)
	require.ErrorIs(t, errs[0], world.ErrTimeout)
	require.ErrorIs(t, errs[1], world.ErrRefused)
	require.EqualError(t, w.Restart(1), "restarting node 1: it was removed")
	require.EqualError(t, w.RemoveNode(1), "removing node 1: there is no such machine")
	require.ErrorContains(t, w.AddNode(oneActor(1, nil, func(world.Env) stepFunc { return mute })), "there is one already")
	require.NoError(t, w.Close())
}
