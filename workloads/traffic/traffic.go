// Package traffic is what clients do to a cluster, so that somebody can judge afterwards what the cluster did.
//
// A workload is blocking code over a world.Proc, a client and a recorder: the same in the simulated world and in the
// real one. It is written for its judge, by five rules that decide how much a checker can find and how long it takes:
//
//   - no value is written twice, so that a read names its writer;
//   - deletes say which value they expect, as a rule: a blind delete of unknown outcome excuses any later absence;
//   - conditional writes that fail report what they saw, and are recorded with it;
//   - keys are hot, but not for long: after some hundred operations a key is retired and another takes its place, since
//     a checker's work grows much faster than the history of one key;
//   - retired keys are not forgotten: they are read again now and then, and at the end, when nothing may have risen.
package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/system/client"
	"ordeal/world"
)

// Workload is one kind of traffic.
type Workload struct {
	Name string
	// About says in one line what it is good for.
	About string
	// Setup writes what the clients expect to be there. One client runs it, before the others begin; nil if nothing
	// is needed. What fails is recorded as failed and not tried again.
	Setup func(*Ctx)
	// Client is what each client does until Ctx.Stop.
	Client func(*Ctx)
	// Model is what its keys are, of package checker/models; "" for registers.
	Model string
	// busy are the buckets that clients work in first.
	busy func(Knobs) []int
}

// Busy returns the places, in the order of keys, of regions that clients work in first, if there are Knobs.Regions of them.
func (w Workload) Busy(k Knobs) []uint64 {
	k = k.withDefaults()
	var places []uint64
	for _, bucket := range w.busy(k) {
		place, _ := slices.BinarySearch(borders(k.Regions), bucket%int(gridFor(k.Regions))+1) // a border belongs behind it
		places = append(places, uint64(place))
	}
	return places
}

// All returns the workloads.
func All() []Workload {
	return []Workload{
		{
			Name:   "register",
			About:  "get, put, compare-and-swap and delete on a few hot keys, spread over all regions",
			Client: register,
			busy:   hotBuckets,
		},
		{
			Name:   "scan",
			About:  "writes on both sides of region borders, and scans across them",
			Setup:  scanSetup,
			Client: scan,
			busy:   windowBuckets,
		},
		{
			Name:   "churn",
			About:  "new keys with values of some size, until regions split; old ones are read, changed and deleted",
			Client: churn,
			busy:   churnBuckets,
		},
		{
			Name:   "batch",
			About:  "groups of keys written and deleted together, and read at one moment: no batch is ever torn",
			Client: batch,
			busy:   hotBuckets,
		},
		{
			Name:   "append",
			About:  "lists that are appended to by a read and a compare-and-swap, and read",
			Client: lists,
			Model:  modelAppend,
			busy:   hotBuckets,
		},
		{
			Name:   "set",
			About:  "sets that are added to by a read and a compare-and-swap, and read",
			Client: sets,
			Model:  modelSet,
			busy:   hotBuckets,
		},
		{
			Name:   "counter",
			About:  "counters that are incremented by a read and a compare-and-swap, and read",
			Client: counters,
			Model:  modelCounter,
			busy:   hotBuckets,
		},
	}
}

// Names returns the names of the workloads.
func Names() []string { return namesOf(func(Workload) bool { return true }) }

// Usual returns the names of those that run unless others are asked for: they use all that the store has, while lists, sets and
// counters are made of the same two operations.
func Usual() []string { return namesOf(func(w Workload) bool { return w.Model == "" }) }

func namesOf(which func(Workload) bool) []string {
	var names []string
	for _, w := range All() {
		if which(w) {
			names = append(names, w.Name)
		}
	}
	return names
}

// ByName returns the workload of that name.
func ByName(name string) (Workload, error) {
	for _, w := range All() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("unknown workload %q, want one of: %s", name, strings.Join(Names(), ", "))
}

// Knobs tune workloads. A zero field has the default.
type Knobs struct {
	// Idle clients do nothing at all.
	Idle bool
	// ThinkMax is the longest pause between two operations of a client; pauses are drawn from 0 up to it. Without
	// it there is none.
	ThinkMax time.Duration
	// NapEvery and NapFor let all clients pause at the same time: in each NapEvery, for the last NapFor of it. Without it
	// they don't.
	NapEvery, NapFor time.Duration
	// Regions is how many regions there are at the start, cut at SplitKeys(Regions): scan goes for their borders.
	// Default 1.
	Regions int
	// HotKeys is how many keys register works on at a time. Default 16.
	HotKeys int
	// RotateAfter is after how many operations a hot key is retired. Default 500. Clients that do not share their
	// KeySet see only their own operations and should have this divided by their number.
	RotateAfter int
	// ValueMin and ValueMax bound the sizes of values, in bytes. Values without need to be larger are about 8 B.
	// Default for churn 100 and 1000, for the others 0.
	ValueMin, ValueMax int
	// Readers is how many of the clients, those with the lowest IDs, do nothing but read. A writer soon waits for a
	// leader that is cut off; a reader goes on asking it.
	Readers int
	// KeysMax is how many keys one client of churn makes. Default 4000.
	KeysMax int
	// FinalWithin is how long FinalReads tries. Default 60 s.
	FinalWithin time.Duration
}

func (k Knobs) withDefaults() Knobs {
	or := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	or(&k.Regions, 1)
	or(&k.HotKeys, 16)
	or(&k.RotateAfter, 500)
	or(&k.KeysMax, 4000)
	if k.FinalWithin <= 0 {
		k.FinalWithin = time.Minute
	}
	return k
}

// Ctx is one client of a workload.
type Ctx struct {
	Proc   world.Proc
	Client *client.Client
	// Rec records what this client does. Each ID has one recorder: values are unique by the two of them.
	Rec *checker.Recorder
	// ID counts the clients from 0; Clients is how many there are.
	ID, Clients int
	Rand        *rand.Rand
	// Stop says that it is time to return, after the operation that is going on.
	Stop  func() bool
	Keys  *KeySet
	Knobs Knobs
	// Model is that of the workload.
	Model string
	// Fail reports what no history shows but must not happen.
	Fail func(format string, args ...any)
}

// reads says whether the client is one of those that only read.
func (c *Ctx) reads() bool { return c.ID < c.Knobs.Readers }

const (
	// idlePause is how long an idle client waits before it asks again whether to stop.
	idlePause = 500 * time.Millisecond
	// standstillPause is how long a client waits after a step that took no time, so that it cannot keep the time
	// from passing.
	standstillPause = time.Millisecond
)

// loop repeats step until it is time to stop.
func (c *Ctx) loop(step func()) {
	for !c.Stop() {
		if c.Knobs.Idle {
			c.Proc.Sleep(idlePause)
			continue
		}
		c.nap()
		began := c.Proc.Now()
		step()
		if c.Knobs.ThinkMax > 0 {
			c.Proc.Sleep(time.Duration(c.Rand.Int64N(int64(c.Knobs.ThinkMax) + 1)))
		}
		if c.Proc.Now() == began {
			c.Proc.Sleep(standstillPause)
		}
	}
}

// nap sleeps until the end of the common pause, if there is one now.
func (c *Ctx) nap() {
	if c.Knobs.NapEvery <= 0 {
		return
	}
	since := time.Duration(c.Proc.Now()) % c.Knobs.NapEvery
	if left := c.Knobs.NapEvery - since; left <= c.Knobs.NapFor {
		c.Proc.Sleep(left)
	}
}

// dice choose one of several things to do, each with its percentage.
type dice int

func (c *Ctx) roll() *dice {
	d := dice(c.Rand.IntN(100))
	return &d
}

// in reports whether the roll falls into the next pct percent. It is true for one call at most, so whoever asks and then
// cannot do it comes to the default.
func (d *dice) in(pct int) bool {
	hit := *d >= 0 && *d < dice(pct)
	*d -= dice(pct)
	return hit
}

// FinalReads reads keys one by one and each of them until it is read, for at most Knobs.FinalWithin in all, and returns
// those that were not. It belongs to the end of a run, when everything is healed: a key that cannot be read then is a
// failure of its own.
func FinalReads(c *Ctx, keys []string) (unread []string) {
	deadline := c.Proc.Now().Add(c.Knobs.withDefaults().FinalWithin)
	for i, key := range keys {
		for !c.get(key).known {
			if c.Proc.Now() >= deadline {
				return keys[i:]
			}
		}
	}
	return nil
}

// Share returns what falls to client id of clients, if they share keys among them.
func Share(keys []string, id, clients int) []string {
	var mine []string
	for i := id; i < len(keys); i += clients {
		mine = append(mine, keys[i])
	}
	return mine
}
