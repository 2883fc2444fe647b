package raft

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The library's messages have a pointer for every field, so that protobuf makes an allocation for each of them. What is
// read here has its numbers in one piece of memory with the message. It is written as protobuf writes it, byte for byte;
// what is not of the busy kind (a snapshot, responses, anything damaged) is left to protobuf.

// Fields of Message and Entry, and the wire types of protobuf that they have.
const (
	msgType, msgTo, msgFrom, msgTerm, msgLogTerm, msgIndex, msgEntries, msgCommit = 1, 2, 3, 4, 5, 6, 7, 8
	msgReject, msgRejectHint, msgContext, msgVote                                 = 10, 11, 12, 13

	entryType, entryTerm, entryIndex, entryData = 1, 2, 3, 4

	varint, length = 0, 2
)

// AppendMessage appends an encoded message.
func AppendMessage(b []byte, m *Message) []byte {
	if m.GetSnapshot() != nil || len(m.GetResponses()) > 0 {
		out, err := proto.MarshalOptions{}.MarshalAppend(b, m)
		if err != nil {
			panic(fmt.Sprintf("raft: marshal a message of type %v: %v", m.GetType(), err))
		}
		return out
	}
	if m.Type != nil {
		b = appendUint(b, msgType, uint64(*m.Type))
	}
	b = appendOptional(b, msgTo, m.To)
	b = appendOptional(b, msgFrom, m.From)
	b = appendOptional(b, msgTerm, m.Term)
	b = appendOptional(b, msgLogTerm, m.LogTerm)
	b = appendOptional(b, msgIndex, m.Index)
	for _, e := range m.Entries {
		b = binary.AppendUvarint(append(b, msgEntries<<3|length), uint64(entrySize(e)))
		b = appendEntry(b, e)
	}
	b = appendOptional(b, msgCommit, m.Commit)
	if m.Reject != nil {
		v := uint64(0)
		if *m.Reject {
			v = 1
		}
		b = appendUint(b, msgReject, v)
	}
	b = appendOptional(b, msgRejectHint, m.RejectHint)
	if m.Context != nil {
		b = binary.AppendUvarint(append(b, msgContext<<3|length), uint64(len(m.Context)))
		b = append(b, m.Context...)
	}
	return appendOptional(b, msgVote, m.Vote)
}

func appendUint(b []byte, field byte, v uint64) []byte {
	return binary.AppendUvarint(append(b, field<<3|varint), v)
}

func appendOptional(b []byte, field byte, v *uint64) []byte {
	if v == nil {
		return b
	}
	return appendUint(b, field, *v)
}

func appendEntry(b []byte, e *Entry) []byte {
	if e.Type != nil {
		b = appendUint(b, entryType, uint64(*e.Type))
	}
	b = appendOptional(b, entryTerm, e.Term)
	b = appendOptional(b, entryIndex, e.Index)
	if e.Data != nil {
		b = binary.AppendUvarint(append(b, entryData<<3|length), uint64(len(e.Data)))
		b = append(b, e.Data...)
	}
	return b
}

// entrySize is what appendEntry appends.
func entrySize(e *Entry) int {
	n := optionalSize(e.Term) + optionalSize(e.Index)
	if e.Type != nil {
		n += 1 + uintSize(uint64(*e.Type))
	}
	if e.Data != nil {
		n += 1 + uintSize(uint64(len(e.Data))) + len(e.Data)
	}
	return n
}

func optionalSize(v *uint64) int {
	if v == nil {
		return 0
	}
	return 1 + uintSize(*v)
}

func uintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// messageBox is a message with what its fields point to.
type messageBox struct {
	m                                                        Message
	kind                                                     raftpb.MessageType
	to, from, term, logTerm, index, commit, rejectHint, vote uint64
	reject                                                   bool
}

type entryBox struct {
	e           Entry
	kind        raftpb.EntryType
	term, index uint64
}

// DecodeMessage reads a message. It keeps nothing of b.
func DecodeMessage(b []byte) (*Message, error) {
	if m := decodeMessage(b); m != nil {
		return m, nil
	}
	m := &Message{}
	return m, proto.Unmarshal(b, m)
}

// fields takes fields off the front of a message.
type fields struct {
	b   []byte
	bad bool
}

// next returns the field and its value: a number or bytes, as the type says. 0 is the end.
func (f *fields) next() (field, kind byte, v uint64, data []byte) {
	if f.bad || len(f.b) == 0 {
		return 0, 0, 0, nil
	}
	k := f.b[0]
	n := 0
	v, n = binary.Uvarint(f.b[1:])
	if k < 1<<3 || k >= 0x80 || n <= 0 {
		f.bad = true
		return 0, 0, 0, nil
	}
	f.b = f.b[1+n:]
	switch kind = k & 7; {
	case kind == varint:
		return k >> 3, kind, v, nil
	case kind == length && v <= uint64(len(f.b)):
		data, f.b = f.b[:v:v], f.b[v:]
		return k >> 3, kind, 0, data
	}
	f.bad = true
	return 0, 0, 0, nil
}

// decodeMessage returns nil for what it leaves to protobuf.
func decodeMessage(b []byte) *Message {
	entries := 0
	f := fields{b: b}
	for field, _, _, _ := f.next(); field != 0; field, _, _, _ = f.next() {
		if field == msgEntries {
			entries++
		}
	}
	if f.bad {
		return nil
	}
	x := &messageBox{}
	if entries > 0 {
		// Entries stay in the log for long, and what b is part of must not stay with them.
		b = slices.Clone(b)
		x.m.Entries = make([]*Entry, 0, entries)
	}
	boxes := make([]entryBox, entries)
	f = fields{b: b}
	for field, kind, v, data := f.next(); field != 0; field, kind, v, data = f.next() {
		ok := kind == varint
		switch field {
		case msgEntries:
			e := &boxes[len(x.m.Entries)]
			ok = kind == length && decodeEntry(data, e)
			x.m.Entries = append(x.m.Entries, &e.e)
		case msgContext:
			ok = kind == length
			x.m.Context = slices.Clone(data)
		default:
			ok = ok && x.set(field, v)
		}
		if !ok {
			return nil
		}
	}
	return &x.m
}

// set sets one of the numbers and reports whether there is such a field.
func (x *messageBox) set(field byte, v uint64) bool {
	switch field {
	case msgType:
		if v > uint64(raftpb.MsgForgetLeader) {
			return false
		}
		x.kind = raftpb.MessageType(v)
		x.m.Type = &x.kind
	case msgTo:
		x.to, x.m.To = v, &x.to
	case msgFrom:
		x.from, x.m.From = v, &x.from
	case msgTerm:
		x.term, x.m.Term = v, &x.term
	case msgLogTerm:
		x.logTerm, x.m.LogTerm = v, &x.logTerm
	case msgIndex:
		x.index, x.m.Index = v, &x.index
	case msgCommit:
		x.commit, x.m.Commit = v, &x.commit
	case msgReject:
		x.reject, x.m.Reject = v != 0, &x.reject
	case msgRejectHint:
		x.rejectHint, x.m.RejectHint = v, &x.rejectHint
	case msgVote:
		x.vote, x.m.Vote = v, &x.vote
	default:
		return false
	}
	return true
}

// decodeEntry reports false for what is left to protobuf.
func decodeEntry(b []byte, x *entryBox) bool {
	f := fields{b: b}
	for field, kind, v, data := f.next(); field != 0; field, kind, v, data = f.next() {
		switch {
		case field == entryType && kind == varint && v <= uint64(raftpb.EntryConfChangeV2):
			x.kind = raftpb.EntryType(v)
			x.e.Type = &x.kind
		case field == entryTerm && kind == varint:
			x.term, x.e.Term = v, &x.term
		case field == entryIndex && kind == varint:
			x.index, x.e.Index = v, &x.index
		case field == entryData && kind == length:
			x.e.Data = data
		default:
			return false
		}
	}
	return !f.bad
}
