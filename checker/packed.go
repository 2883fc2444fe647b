package checker

import (
	"encoding/binary"
	"slices"

	"ordeal/world"
)

// Operations are those of a history, however they are kept: a History has them as they are, a Packed in a tenth of the
// memory.
type Operations interface {
	// Len is how many there are.
	Len() int
	// At is the operation at a place, from 0. It is not to be changed. It may be in room, and is then good until room is
	// used again; without room it is good for ever.
	At(place int, room *Room) *Op
}

// Room is memory for one operation.
type Room struct {
	op     Op
	expect string
}

// Copy puts a copy of an operation into the room.
func (r *Room) Copy(o *Op) *Op {
	r.op = *o
	return &r.op
}

// Len implements Operations.
func (h *History) Len() int { return len(h.Ops) }

// At implements Operations.
func (h *History) At(place int, _ *Room) *Op { return &h.Ops[place] }

// Packed is a history of any length that was read from a file. An operation takes some 25 bytes beside its values and
// error, where an Op takes 272 and its strings: keys are numbered, other strings are parts of one for each block, and numbers are
// as long as they need be. Only operations with lists, such as scans, are kept as they are.
type Packed struct {
	blocks []*block
	ops    int
	keys   interner
}

// blockOps is so small that the text of a block, of which no operation takes more than its line in the file, is shorter
// than 4 GiB.
const blockOps = 64

// block is some operations, one after the other.
type block struct {
	text string
	// at is where in text each of them begins.
	at [blockOps]uint32
	// from is when the first of them was invoked.
	from world.Time
	// whole are those that are kept as they are.
	whole []*Op
}

// What follows in the text of an operation, in this order.
const (
	packedWhole  = 1 << iota // its place in block.whole, and nothing else
	packedFound              // nothing: it is Found
	packedValue              // Value
	packedRead               // Read
	packedExpect             // Expect
	packedOpen               // no Return
	packedSwapped
	packedWitness // Region to ApplyIndex
	packedID      // ID, which is not its place
	packedErr
)

// packer makes a Packed.
type packer struct {
	p   Packed
	buf []byte
	now *block
}

func newPacker() *packer {
	k := &packer{}
	k.p.keys.reset(64)
	return k
}

// add adds the next operation. It keeps the key and, if it has lists, the whole of it.
func (k *packer) add(o *Op) {
	if k.p.ops%blockOps == 0 {
		k.seal()
		k.now = &block{from: o.Invoke}
		k.p.blocks = append(k.p.blocks, k.now)
	}
	k.now.at[k.p.ops%blockOps] = uint32(len(k.buf))
	k.p.ops++
	kind, outcome := slices.Index(Kinds[:], o.Kind), slices.Index(Outcomes[:], o.Outcome)
	if kind < 0 || outcome < 0 || o.Kind == Scan || o.Start != "" || o.End != "" || o.Limit != 0 || len(o.Items) > 0 || len(o.Pairs) > 0 {
		k.number(packedWhole)
		k.number(uint64(len(k.now.whole)))
		whole := *o
		k.now.whole = append(k.now.whole, &whole)
		return
	}
	flags := k.flags(o)
	k.number(flags)
	k.buf = append(k.buf, byte(kind)|byte(outcome)<<4)
	k.signed(int64(o.Client))
	k.number(uint64(k.p.keys.number(o.Key)))
	k.signed(int64(o.Invoke - k.now.from))
	if flags&packedOpen == 0 {
		k.number(uint64(o.Return - o.Invoke))
	}
	if flags&packedID != 0 {
		k.signed(int64(o.ID))
	}
	if flags&packedValue != 0 {
		k.text(o.Value)
	}
	if flags&packedRead != 0 {
		k.text(o.Read)
	}
	if flags&packedExpect != 0 {
		k.text(*o.Expect)
	}
	if flags&packedWitness != 0 {
		for _, n := range [...]uint64{o.Region, o.Epoch.ConfVer, o.Epoch.Version, o.Term, o.ApplyIndex} {
			k.number(n)
		}
	}
	if flags&packedErr != 0 {
		k.text(o.Err)
	}
}

// flags says what there is to an operation that was just counted.
func (k *packer) flags(o *Op) (flags uint64) {
	set := func(flag uint64, is bool) {
		if is {
			flags |= flag
		}
	}
	set(packedFound, o.Found)
	set(packedValue, o.Value != "")
	set(packedRead, o.Read != "")
	set(packedExpect, o.Expect != nil)
	set(packedOpen, o.Return == Never)
	set(packedSwapped, o.Swapped)
	set(packedWitness, o.Region != 0 || o.Epoch != (Epoch{}) || o.Term != 0 || o.ApplyIndex != 0)
	set(packedID, o.ID != k.p.ops)
	set(packedErr, o.Err != "")
	return flags
}

func (k *packer) number(n uint64) { k.buf = binary.AppendUvarint(k.buf, n) }
func (k *packer) signed(n int64)  { k.buf = binary.AppendVarint(k.buf, n) }
func (k *packer) text(s string) {
	k.number(uint64(len(s)))
	k.buf = append(k.buf, s...)
}

// seal ends a block.
func (k *packer) seal() {
	if k.now != nil {
		k.now.text, k.buf = string(k.buf), k.buf[:0]
	}
}

// done returns what was added.
func (k *packer) done() *Packed {
	k.seal()
	return &k.p
}

// Len implements Operations.
func (p *Packed) Len() int { return p.ops }

// At implements Operations.
func (p *Packed) At(place int, room *Room) *Op {
	b := p.blocks[place/blockOps]
	u := unpacker{b.text, int(b.at[place%blockOps])}
	flags := u.number()
	if flags&packedWhole != 0 {
		return b.whole[u.number()]
	}
	if room == nil {
		room = new(Room)
	}
	room.op = Op{ID: place + 1, Return: Never, Found: flags&packedFound != 0, Swapped: flags&packedSwapped != 0}
	o, head := &room.op, u.byte()
	o.Kind, o.Outcome = Kinds[head&15], Outcomes[head>>4]
	o.Client = int(u.signed())
	o.Key = p.keys.names[u.number()]
	o.Invoke = b.from + world.Time(u.signed())
	if flags&packedOpen == 0 {
		o.Return = o.Invoke + world.Time(u.number())
	}
	if flags&packedID != 0 {
		o.ID = int(u.signed())
	}
	if flags&packedValue != 0 {
		o.Value = u.string()
	}
	if flags&packedRead != 0 {
		o.Read = u.string()
	}
	if flags&packedExpect != 0 {
		room.expect = u.string()
		o.Expect = &room.expect
	}
	if flags&packedWitness != 0 {
		for _, n := range [...]*uint64{&o.Region, &o.Epoch.ConfVer, &o.Epoch.Version, &o.Term, &o.ApplyIndex} {
			*n = u.number()
		}
	}
	if flags&packedErr != 0 {
		o.Err = u.string()
	}
	return o
}

// unpacker reads what a packer wrote.
type unpacker struct {
	text string
	at   int
}

func (u *unpacker) byte() byte {
	u.at++
	return u.text[u.at-1]
}

func (u *unpacker) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		b := u.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (u *unpacker) signed() int64 {
	n := u.number()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) string() string {
	n := int(u.number())
	u.at += n
	return u.text[u.at-n : u.at]
}
