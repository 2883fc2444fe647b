package nemesis

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/world"
)

// fakeProc is a proc in a world where nothing else happens.
type fakeProc struct {
	now     world.Time
	moments []moment
	waiters []waiter
}

// moment is when something is seen; the moments of a fakeProc are in order.
type moment struct {
	at    world.Time
	state string
	seen  Seen
}

type waiter struct {
	state  string
	region uint64
	then   func(world.Proc, Seen)
}

func (p *fakeProc) Now() world.Time { return p.now }

// Sleep comes by all moments on its way. What they bring about has a proc with the same clock, but not the same identity.
func (p *fakeProc) Sleep(d time.Duration) {
	until := p.now.Add(d)
	for len(p.moments) > 0 && p.moments[0].at <= until {
		m := p.moments[0]
		p.moments = p.moments[1:]
		p.now = max(p.now, m.at)
		for i, w := range p.waiters {
			if w.then != nil && w.state == m.state && (w.region == 0 || w.region == m.seen.Region) {
				p.waiters[i].then = nil
				w.then(otherProc{p}, m.seen)
			}
		}
	}
	p.now = max(p.now, until)
}

// otherProc is a proc of its own on the clock of another one.
type otherProc struct{ *fakeProc }

func (p *fakeProc) Rand() *rand.Rand { panic("carrying out a schedule draws nothing") }
func (p *fakeProc) Call(world.Addr, []byte, time.Duration) ([]byte, error) {
	panic("faults reach the cluster through the target only")
}

// fakeTarget is a cluster in which every command succeeds at once, takes adminTime, and is written down.
type fakeTarget struct {
	p         *fakeProc
	adminTime time.Duration
	adminErr  error
	inert     bool // commands are accepted and do nothing, and nobody talks
	calls     []string
	stores    []world.NodeID
	pds       []world.NodeID
	pdLeader  world.NodeID
	down      map[world.NodeID]bool
	regions   []Region
	cuts      map[[2]world.NodeID]bool
	points    []string
	states    []string
	armed     map[string]bool
	hits      []string
	damages   []Damage
	ails      string
	lost      []world.NodeID
	blanks    []Blank
	leaving   []world.NodeID
	joined    int
	heirs     map[world.NodeID]world.NodeID
	tampering Tampering
	paused    map[world.NodeID]bool
	weather   Weather
	troubled  uint64
}

// fakeStoresMax is how many stores a fakeTarget has room for.
const fakeStoresMax = 9

func newFake(stores int) *fakeTarget {
	t := &fakeTarget{p: &fakeProc{now: 1000}, pds: []world.NodeID{100}, pdLeader: 100, down: map[world.NodeID]bool{},
		cuts: map[[2]world.NodeID]bool{}, armed: map[string]bool{}, paused: map[world.NodeID]bool{}}
	for i := range stores {
		t.stores = append(t.stores, world.NodeID(i+1))
	}
	for i := range 3 {
		r := Region{ID: uint64(1001 + i), Start: []byte{byte('a' + i)}, End: []byte{byte('b' + i)}, ConfVer: 1, Version: 1, Term: 5}
		for j := range min(3, stores) {
			r.Peers = append(r.Peers, Peer{ID: uint64(2001 + 10*i + j), Store: t.stores[(i+j)%stores]})
		}
		r.Leader = r.Peers[0].Store
		t.regions = append(t.regions, r)
	}
	return t
}

func (t *fakeTarget) note(format string, args ...any) {
	t.calls = append(t.calls, fmt.Sprintf(format, args...))
}

func (t *fakeTarget) Stores() []world.NodeID     { return slices.Clone(t.stores) }
func (t *fakeTarget) Procs() []world.NodeID      { return []world.NodeID{1001, 1002} }
func (t *fakeTarget) PDs() []world.NodeID        { return slices.Clone(t.pds) }
func (t *fakeTarget) PDLeader() world.NodeID     { return t.pdLeader }
func (t *fakeTarget) Up(n world.NodeID) bool     { return !t.down[n] }
func (t *fakeTarget) Regions() []Region          { return slices.Clone(t.regions) }
func (t *fakeTarget) Failpoints() []string       { return t.points }
func (t *fakeTarget) Cut(a, b world.NodeID)      { t.cuts[[2]world.NodeID{a, b}] = true }
func (t *fakeTarget) HealNetwork()               { t.note("heal"); clear(t.cuts) }
func (t *fakeTarget) cut(a, b world.NodeID) bool { return t.cuts[[2]world.NodeID{a, b}] }

// MessagesCut pretends that a message is lost every 10 ms.
func (t *fakeTarget) MessagesCut() uint64 {
	if t.inert {
		return 0
	}
	return uint64(t.p.now) / uint64(10*time.Millisecond)
}

func (t *fakeTarget) Crash(n world.NodeID) (uint64, error) {
	if t.down[n] {
		return 0, errors.New("is down")
	}
	t.note("crash %d", n)
	t.down[n] = true
	return uint64(n), nil
}

func (t *fakeTarget) Restart(n world.NodeID) error {
	t.note("restart %d", n)
	delete(t.down, n)
	return nil
}

func (t *fakeTarget) admin(id uint64, change func(*Region)) error {
	t.p.Sleep(t.adminTime)
	for i := range t.regions {
		if t.regions[i].ID == id && t.adminErr == nil && !t.inert {
			t.regions[i].Peers = slices.Clone(t.regions[i].Peers)
			change(&t.regions[i])
		}
	}
	return t.adminErr
}

func (t *fakeTarget) TransferLeader(_ world.Proc, id uint64, to world.NodeID) error {
	t.note("transfer %d to %d", id, to)
	return t.admin(id, func(r *Region) { r.Leader = to; r.Term++ })
}

func (t *fakeTarget) TransferPD(_ world.Proc, to world.NodeID) error {
	t.note("transfer pd to %d", to)
	t.p.Sleep(t.adminTime)
	if t.adminErr == nil && !t.inert {
		t.pdLeader = to
	}
	return t.adminErr
}

func (t *fakeTarget) AddPeer(_ world.Proc, id uint64, on world.NodeID) error {
	t.note("add %d on %d", id, on)
	return t.admin(id, func(r *Region) { r.Peers = append(r.Peers, Peer{ID: 9000 + uint64(on), Store: on}); r.ConfVer++ })
}

func (t *fakeTarget) RemovePeer(_ world.Proc, id uint64, from world.NodeID) error {
	t.note("remove %d from %d", id, from)
	return t.admin(id, func(r *Region) {
		r.Peers = slices.DeleteFunc(r.Peers, func(p Peer) bool { return p.Store == from })
		r.ConfVer++
	})
}

func (t *fakeTarget) ChangePeers(_ world.Proc, id uint64, changes []PeerChange, explicit bool) error {
	t.note("change %d: %v", id, changes)
	return t.admin(id, func(r *Region) {
		for _, c := range changes {
			at := slices.IndexFunc(r.Peers, func(p Peer) bool { return p.Store == c.Store })
			switch {
			case c.Kind == Drop:
				r.Peers = slices.Delete(r.Peers, at, at+1)
			case at < 0:
				r.Peers = append(r.Peers, Peer{ID: 9000 + uint64(c.Store), Store: c.Store, Learner: c.Kind == MakeLearner})
			default:
				r.Peers[at].Learner = c.Kind == MakeLearner
			}
		}
		r.ConfVer += uint64(len(changes))
		r.Joint = len(changes) > 1 && explicit
	})
}

func (t *fakeTarget) LeaveJoint(_ world.Proc, id uint64) error {
	t.note("leave %d", id)
	return t.admin(id, func(r *Region) { r.Joint = false; r.ConfVer += 2 })
}

// SplitKeys knows two keys in every region but the first.
func (t *fakeTarget) SplitKeys(p world.Proc, id uint64, n int) [][]byte {
	key := t.SplitKey(p, id)
	if key == nil {
		return nil
	}
	return [][]byte{key, append(bytes.Clone(key), 'z')}[:min(n, 2)]
}

// BatchSplit splits at all keys, or at none.
func (t *fakeTarget) BatchSplit(p world.Proc, keys [][]byte, _ bool) error {
	for _, key := range keys {
		if err := t.Split(p, key); err != nil {
			return err
		}
	}
	return nil
}

func (t *fakeTarget) SplitKey(_ world.Proc, id uint64) []byte {
	for _, r := range t.regions {
		if r.ID == id && id != 1001 { // the first region has too little data
			return append(bytes.Clone(r.Start), 'm')
		}
	}
	return nil
}

func (t *fakeTarget) Split(_ world.Proc, key []byte) error {
	t.note("split at %s", key)
	for i, r := range t.regions {
		if bytes.Compare(r.Start, key) < 0 && bytes.Compare(key, r.End) < 0 {
			child := r
			child.ID, child.Start, child.Version = 5000+r.ID, key, r.Version+1
			t.regions[i].End, t.regions[i].Version = key, r.Version+1
			t.regions = slices.Insert(t.regions, i+1, child)
			return nil
		}
	}
	return errors.New("no such region")
}

func (t *fakeTarget) Merge(_ world.Proc, source, target uint64) error {
	t.note("merge %d into %d", source, target)
	t.p.Sleep(t.adminTime)
	from := slices.IndexFunc(t.regions, func(r Region) bool { return r.ID == source })
	to := slices.IndexFunc(t.regions, func(r Region) bool { return r.ID == target })
	if from < 0 || to < 0 {
		return errors.New("no such region")
	}
	if t.adminErr != nil || t.inert {
		return t.adminErr
	}
	if from < to {
		t.regions[to].Start = t.regions[from].Start
	} else {
		t.regions[to].End = t.regions[from].End
	}
	t.regions[to].Version = max(t.regions[from].Version, t.regions[to].Version) + 2
	t.regions = slices.Delete(t.regions, from, from+1)
	return nil
}

// Rot knows one block on every store, which a check of its region repairs.
func (t *fakeTarget) Rot(n world.NodeID, regions []uint64, block uint64) (string, error) {
	t.note("rot %d in %d", n, regions)
	if t.inert {
		return "", nil
	}
	what := fmt.Sprintf("block %d", block)
	t.damages = append(t.damages, Damage{Store: n, What: what, Unnoticed: regions[:1]})
	return what, nil
}

// RotLog has a store refuse to start, unless the target is inert.
func (t *fakeTarget) RotLog(n world.NodeID, record uint64) (what, refused string, err error) {
	t.note("rot log %d", n)
	what = fmt.Sprintf("record %d", record)
	if t.inert {
		return what, "", t.adminErr
	}
	t.lose(n)
	return what, "it is damaged", t.adminErr
}

func (t *fakeTarget) lose(n world.NodeID) {
	t.lost = append(t.lost, n)
	t.stores = slices.DeleteFunc(t.stores, func(x world.NodeID) bool { return x == n })
	t.damages = append(t.damages, Damage{Store: n, Lost: true})
}

func (t *fakeTarget) Lose(n world.NodeID) error {
	t.note("lose %d", n)
	t.blanks = slices.DeleteFunc(t.blanks, func(b Blank) bool { return b.Store == n })
	t.lose(n)
	return nil
}

func (t *fakeTarget) Blank(n world.NodeID) error {
	t.note("blank %d", n)
	t.blanks = append(t.blanks, Blank{Store: n, Refused: "another disk"})
	return nil
}

func (t *fakeTarget) Lost() []world.NodeID         { return slices.Clone(t.lost) }
func (t *fakeTarget) Blanks() []Blank              { return slices.Clone(t.blanks) }
func (t *fakeTarget) AilsOn(n world.NodeID) string { return t.ails }

func (t *fakeTarget) Damages() []Damage  { return slices.Clone(t.damages) }
func (t *fakeTarget) Ails(uint64) string { return t.ails }

func (t *fakeTarget) Check(_ world.Proc, id uint64) error {
	t.note("check %d", id)
	t.p.Sleep(t.adminTime)
	for i := range t.damages {
		if d := &t.damages[i]; t.adminErr == nil && slices.Contains(d.Unnoticed, id) {
			d.Unnoticed, d.Quarantined, d.Repaired = nil, d.Quarantined+1, true
		}
	}
	return t.adminErr
}

func (t *fakeTarget) ReplicasWanted() int     { return 3 }
func (t *fakeTarget) Leaving() []world.NodeID { return slices.Clone(t.leaving) }
func (t *fakeTarget) Joined() int             { return t.joined }

func (t *fakeTarget) MakeRoom() int                    { return fakeStoresMax - len(t.stores) }
func (t *fakeTarget) Heir(n world.NodeID) world.NodeID { return t.heirs[n] }

func (t *fakeTarget) Leave(_ world.Proc, n world.NodeID) error {
	t.note("leave %d", n)
	t.p.Sleep(t.adminTime)
	if t.adminErr == nil {
		t.leaving = append(t.leaving, n)
	}
	return t.adminErr
}

// Order takes every other order.
func (t *fakeTarget) Order(_ world.Proc, o Order) (string, error) {
	t.note("order %+v", o)
	t.p.Sleep(t.adminTime)
	if t.adminErr != nil || len(t.calls)%2 == 0 {
		return "", t.adminErr
	}
	return fmt.Sprintf("r%d", o.Region), nil
}

func (t *fakeTarget) Tamper(w Tampering) { t.tampering = w }

func (t *fakeTarget) EndTamper() Tampered {
	if t.tampering == (Tampering{}) || t.inert {
		return Tampered{}
	}
	done := Tampered{Late: t.tampering.Late, Again: t.tampering.Again, Old: t.tampering.Old}
	t.tampering = Tampering{}
	return done
}

func (t *fakeTarget) Uncut(a, b world.NodeID) { delete(t.cuts, [2]world.NodeID{a, b}) }

func (t *fakeTarget) Pause(n world.NodeID) error {
	t.note("pause %d", n)
	t.paused[n] = true
	return nil
}

func (t *fakeTarget) Resume() uint64 {
	n := uint64(len(t.paused))
	clear(t.paused)
	if t.inert {
		return 0
	}
	return n
}

func (t *fakeTarget) Worsen(n world.NodeID, w Weather) error {
	t.note("worsen %d", n)
	t.weather = w
	return nil
}

func (t *fakeTarget) EndWorsen() Weathered {
	w := t.weather
	if t.weather = (Weather{}); t.inert {
		return Weathered{}
	}
	return Weathered{Lost: w.Loss, Again: w.Again, Overtook: w.Overtake, Slowed: uint64(w.Slow / time.Millisecond)}
}

// HurtDisk lets a node go down at once if its fsync fails.
func (t *fakeTarget) HurtDisk(n world.NodeID, d DiskTrouble) error {
	t.note("hurt disk %d", n)
	if t.troubled++; d.Fails {
		t.down[n] = true
	}
	return nil
}

func (t *fakeTarget) HealDisks() uint64 {
	n := t.troubled
	if t.troubled = 0; t.inert {
		return 0
	}
	return n
}

func (t *fakeTarget) JumpClock(n world.NodeID, by time.Duration) error {
	t.note("clock %d jumps %v", n, by)
	return t.adminErr
}

func (t *fakeTarget) SpeedClock(n world.NodeID, percent uint64) error {
	t.note("clock %d at %d", n, percent)
	return t.adminErr
}

func (t *fakeTarget) Join(world.Proc) (world.NodeID, error) {
	n := world.NodeID(len(t.stores) + len(t.lost) + 1)
	t.note("join %d", n)
	t.stores = append(t.stores, n)
	t.joined++
	return n, nil
}

func (t *fakeTarget) Arm(point string, n world.NodeID, what Act) error {
	switch what.Kind {
	case ActDelay:
		t.note("arm %s on %d by %v", point, n, what.By)
	case ActError:
		t.note("arm %s on %d to fail", point, n)
	default:
		t.note("arm %s on %d", point, n)
	}
	t.armed[point] = true
	return nil
}

func (t *fakeTarget) Disarm() []string {
	t.note("disarm")
	hits := t.hits
	t.hits = nil
	clear(t.armed)
	return hits
}

func (t *fakeTarget) States() []string { return t.states }

// Await calls then when fakeProc.Sleep comes to a moment of fakeProc.moments for the condition.
func (t *fakeTarget) Await(c Condition, region uint64, then func(world.Proc, Seen)) (forget func(), err error) {
	text := Condition{State: c.State, At: c.At}.String()
	t.note("await %s of %d", text, region)
	t.p.waiters = append(t.p.waiters, waiter{state: text, region: region, then: then})
	w := len(t.p.waiters) - 1
	return func() { t.note("forget %s", text); t.p.waiters[w].then = nil }, nil
}
