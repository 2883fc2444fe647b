package store

import (
	"math"

	"ordeal/proto/ordealpb"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// sizeState is what a peer knows of the size of its region. Every write adds to it, whether it takes more room or not; a
// look at the data makes it exact again. Looks cost reading everything, so there is one only when what was written since
// the last one may have made a difference; see due.
type sizeState struct {
	// bytes of keys and values, and keys: as of the last look and with everything that was written since.
	bytes, keys uint64
	// known says that there was a look at the region as it is now, which found exact bytes; deleted counts deletions since.
	known   bool
	exact   uint64
	looked  uint64
	deleted uint64
	// look is a look on its way.
	look *sizeLook
	// cuts are the keys to split at, if the last look found too much.
	cuts [][]byte
	// halve says that PD wants the region cut in two, whatever its size.
	halve bool
	// asked is the tick at which PD was last asked for ids, so that one split is on its way at a time.
	asked uint64
	// small counts the checks in a row at which the region was small, the first of them with smallBytes; until the tick
	// rest it merges with nobody. See mergecheck.go.
	small      int
	smallBytes uint64
	rest       uint64
	// sought says that a small region has looked for a neighbour to become part of since it was last written to.
	sought bool
}

// grow adds what an operation wrote. How much a range held that was deleted only a look at the data tells.
func (z *sizeState) grow(op *ordealpb.Op) {
	z.sought = false
	switch op.GetKind() {
	case ordealpb.Op_DELETE_RANGE:
		z.known, z.look = false, nil
		return
	case ordealpb.Op_DELETE, ordealpb.Op_COMPARE_AND_DELETE:
		z.deleted++
	case ordealpb.Op_BATCH_PUT:
		z.keys += uint64(len(op.GetPairs()))
	default:
		z.keys++
	}
	z.bytes += uint64(opSize(op) - len(op.GetExpect()))
}

// share is what a part of the region is taken for, of so many, until it is looked at.
func (z *sizeState) share(parts uint64) sizeState {
	return sizeState{bytes: z.bytes / parts, keys: z.keys / parts}
}

// measureAgain is how much must be written to a region, in bytes, before it is measured again, however small it is.
const measureAgain = 4096

// lookAgain is the part of a bound that must be written before a region beyond the bound is looked at again.
const lookAgain = 8

// due says whether the data must be looked at to know what to do.
func (z *sizeState) due(c *Config) bool {
	if z.halve {
		return true
	}
	if !c.splits() && !c.merges() && !c.MeasureSizes {
		return false
	}
	if !z.known {
		return true
	}
	bytes, keys := z.bytes-z.exact, z.keys-z.looked
	if c.MeasureSizes && (bytes > max(z.exact, measureAgain) || z.deleted > 0 && z.deleted >= z.looked/4) {
		return true // it may be half of what it is taken for
	}
	if over(z.bytes, c.RegionSplitBytes) && bytes >= c.RegionSplitBytes/lookAgain && bytes > 0 {
		return true
	}
	if over(z.keys, c.RegionSplitKeys) && keys >= c.RegionSplitKeys/lookAgain && keys > 0 {
		return true
	}
	if !c.merges() {
		return false
	}
	// What is deleted, or written over, may leave so little that the region should merge.
	return z.deleted > 0 && z.deleted >= z.looked/4 ||
		z.exact <= 2*c.RegionMergeBytes && c.RegionMergeBytes > 0 && bytes > c.RegionMergeBytes
}

// unsettled says whether something is to be done about the size without anybody writing more.
func (z *sizeState) unsettled(c *Config) bool {
	return z.look != nil || len(z.cuts) > 0 || z.due(c) || (c.merges() && z.isSmall(c) && !z.sought)
}

// over says whether n has reached a bound, if there is one.
func over(n, bound uint64) bool { return bound > 0 && n >= bound }

func (c *Config) splits() bool { return c.RegionSplitBytes > 0 || c.RegionSplitKeys > 0 }

// sizeLook is a look at all data of a region, over several turns if there is much. What is written meanwhile is added to what
// it finds, even if it has found that too.
type sizeLook struct {
	version uint64
	// before is the state of the peer when the look began.
	before      sizeState
	next        []byte
	bytes, keys uint64
	// marks are keys at which the region could be cut, with what lies to the left of them.
	marks []mark
	// grainBytes and grainKeys are the least to lie between two marks.
	grainBytes, grainKeys uint64
	last                  mark
}

type mark struct {
	key         []byte
	bytes, keys uint64
}

const (
	// marksPerPart is about how many marks there are in a region of the size at which it splits.
	marksPerPart = 32
	// marksMax bounds the marks of one look. When there are more, every other one goes.
	marksMax = 1024
	// lookOverhead is what the budget of a look is charged with for a pair beside its bytes.
	lookOverhead = 64
)

// lookOn begins or continues a look at the data of p's region, within what the tick's budget leaves. It reports whether
// the size is known.
func (s *Store) lookOn(p *peer) bool {
	version := p.region.GetRegionEpoch().GetVersion()
	l := p.size.look
	if l == nil || l.version != version {
		l = &sizeLook{
			version: version, before: sizeState{bytes: p.size.bytes, keys: p.size.keys, deleted: p.size.deleted},
			next:       p.region.GetStartKey(),
			grainBytes: grain(s.cfg.RegionSplitBytes), grainKeys: grain(s.cfg.RegionSplitKeys),
		}
		if p.size.halve {
			l.grainBytes = min(l.grainBytes, grain(p.size.bytes))
		}
		p.size.look = l
	}
	lo, hi := engine.DataRange(l.next, p.region.GetEndKey())
	done := true
	err := s.eng.ReadRange(lo, hi, func(k, v []byte) bool {
		if s.lookBudget <= 0 {
			l.next, done = append([]byte(nil), engine.UserKey(k)...), false
			return false
		}
		s.lookBudget -= len(k) + len(v) + lookOverhead
		l.see(engine.UserKey(k), len(engine.UserKey(k))+len(v))
		return true
	})
	if err != nil {
		p.size.look = nil
		s.readFailed(p, err)
		return false
	}
	if !done {
		return false
	}
	z := &p.size
	z.look, z.known = nil, true
	z.exact, z.looked = l.bytes, l.keys
	z.bytes, z.keys = z.exact+z.bytes-l.before.bytes, z.looked+z.keys-l.before.keys
	z.deleted -= l.before.deleted
	z.cuts = l.cuts(s.cfg.RegionSplitBytes, s.cfg.RegionSplitKeys)
	if z.halve && len(z.cuts) == 0 {
		z.cuts = l.cuts(l.bytes, 0)
	}
	z.halve = false
	return true
}

func grain(bound uint64) uint64 {
	if bound == 0 {
		return math.MaxUint64
	}
	return bound/marksPerPart + 1
}

// see adds a pair.
func (l *sizeLook) see(key []byte, size int) {
	l.last = mark{key: append(l.last.key[:0], key...), bytes: l.bytes, keys: l.keys}
	before := mark{}
	if n := len(l.marks); n > 0 {
		before = l.marks[n-1]
	}
	far := l.bytes-before.bytes >= l.grainBytes || l.keys-before.keys >= l.grainKeys
	if l.keys > 0 && (far || uint64(size) >= l.grainBytes) {
		l.marks = append(l.marks, mark{key: append([]byte(nil), key...), bytes: l.bytes, keys: l.keys})
	}
	if len(l.marks) > marksMax {
		l.grainBytes, l.grainKeys = 2*l.grainBytes, 2*l.grainKeys
		for i := range len(l.marks) / 2 {
			l.marks[i] = l.marks[2*i+1]
		}
		l.marks = l.marks[:len(l.marks)/2]
	}
	l.bytes += uint64(size)
	l.keys++
}

// cuts are the keys at which a region should be cut: none if it is within both bounds, or cut into parts of about half of
// the bound that it exceeds more.
func (l *sizeLook) cuts(boundBytes, boundKeys uint64) [][]byte {
	if l.keys < 2 {
		return nil
	}
	by := func(m mark) uint64 { return m.bytes }
	total, parts := l.bytes, partsOf(l.bytes, boundBytes)
	if n := partsOf(l.keys, boundKeys); n > parts {
		by = func(m mark) uint64 { return m.keys }
		total, parts = l.keys, n
	}
	// Before the last key there is always a cut: it may outweigh all others.
	marks := append(l.marks[:len(l.marks):len(l.marks)], l.last)
	var keys [][]byte
	at := 0
	for i := uint64(1); i < parts; i++ {
		want := total * i / parts
		for at+1 < len(marks) && apart(by(marks[at+1]), want) <= apart(by(marks[at]), want) {
			at++
		}
		if n := len(keys); n == 0 || string(keys[n-1]) < string(marks[at].key) {
			keys = append(keys, marks[at].key)
		}
	}
	return keys
}

// partsOf is into how many parts n is to be cut for a bound, 1 if there is none or n is below it.
func partsOf(n, bound uint64) uint64 {
	if !over(n, bound) {
		return 1
	}
	return min(max(2, (2*n+bound/2)/bound), region.SplitKeysMax+1)
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// checkSize keeps what a leader knows of its region's size up to date and starts the split or the merge that follows from
// it. A look that is on its way goes on with every tick.
func (s *Store) checkSize(p *peer, due bool) {
	z := &p.size
	if z.look != nil || (due && z.due(&s.cfg)) {
		s.lookOn(p)
	}
	if !due || z.look != nil {
		return
	}
	if len(z.cuts) > 0 {
		s.splitBySize(p)
		return
	}
	s.checkMerge(p)
}

// splitByOrder cuts a region as PD wants it: at keys, or in the middle of its data, which have to be looked at first.
func (s *Store) splitByOrder(p *peer, keys [][]byte) {
	if len(keys) == 0 {
		// PD says it again and again until it shows. Where to cut is known already, or is worked out once.
		p.size.halve = len(p.size.cuts) == 0
		return
	}
	if checkSplitKeys(keys) == nil {
		// A refusal needs no answer: PD sees in the next heartbeat that nothing happened.
		_ = s.askSplit(p, keys, s.cfg.RightDerive, nil)
	}
}

// splitBySize asks for the split that the last look has shown to be due, again if nothing came of it.
func (s *Store) splitBySize(p *peer) {
	if p.size.asked != 0 && s.ticks < p.size.asked+pdCallTicks {
		return
	}
	if err := s.askSplit(p, p.size.cuts, s.cfg.RightDerive, nil); err.GetKeyNotInRegion() != nil {
		p.size = sizeState{rest: p.size.rest}
	}
	// Any other refusal is as good as a wait: the next check tries again.
}
