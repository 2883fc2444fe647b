// Package wire reads and writes the few messages that a busy cluster is made of (puts and gets and their answers, commands
// in the log, packets between stores) without reflection and with one allocation each.
//
// What it writes is what protobuf would write, byte for byte, and it reads what protobuf writes. Whatever it was not made for (a
// message or field that is not of the busy kind, one that comes twice, bytes that make no sense) it leaves to protobuf, so
// every function here does for every message what proto.Marshal or proto.Unmarshal does. The only difference is that bytes
// in a message that was read are parts of what it was read from, which must not be modified any more. Messages to be
// written must not hold fields of a later version of the protocol; those that were read with such fields are not passed on.
package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"google.golang.org/protobuf/proto"
)

// Wire types of protobuf that are used here.
const (
	varint = 0
	length = 2
)

// key is the first byte of a field. Field numbers here are below 16, so it is the only one.
func key(field, wireType int) byte { return byte(field<<3 | wireType) }

// uintSize is what v takes as a varint.
func uintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// sizeUint, sizeBool and sizeBytes are what fields take with their keys; absent and zero are the same and take nothing.
func sizeUint(v uint64) int {
	if v == 0 {
		return 0
	}
	return 1 + uintSize(v)
}

func sizeBool(v bool) int {
	if v {
		return 2
	}
	return 0
}

func sizeBytes(v []byte) int {
	if len(v) == 0 {
		return 0
	}
	return sizeMessage(len(v))
}

// sizeMessage is what a message of n bytes takes as a field, even if it is empty.
func sizeMessage(n int) int { return 1 + uintSize(uint64(n)) + n }

func appendUint(b []byte, field int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendUvarint(append(b, key(field, varint)), v)
}

func appendBool(b []byte, field int, v bool) []byte {
	if !v {
		return b
	}
	return append(b, key(field, varint), 1)
}

func appendBytes(b []byte, field int, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return append(appendHead(b, field, len(v)), v...)
}

// appendHead begins a message or bytes of n bytes.
func appendHead(b []byte, field, n int) []byte {
	return binary.AppendUvarint(append(b, key(field, length)), uint64(n))
}

// reader takes fields off the front of a message. Once it is bad it stays so, and whoever uses it leaves the message to
// protobuf.
type reader struct {
	b   []byte
	bad bool
	// seen has a bit for each field that may come once only.
	seen uint32
}

// next returns the key of the next field, 0 at the end.
func (r *reader) next() byte {
	if r.bad || len(r.b) == 0 {
		return 0
	}
	k := r.b[0]
	if k == 0 || k >= 0x80 {
		r.bad = true
		return 0
	}
	r.b = r.b[1:]
	return k
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
	}
	if r.bad {
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// once notes that a field has come. Protobuf merges messages that come twice, which is not done here.
func (r *reader) once(field int) {
	if r.seen&(1<<field) != 0 {
		r.bad = true
	}
	r.seen |= 1 << field
}

// message returns the bytes of a field that may come once only.
func (r *reader) message(field int) []byte {
	r.once(field)
	return r.bytes()
}

// check takes over what the reader of a message within found.
func (r *reader) check(ok bool) { r.bad = r.bad || !ok }

// marshal is for what this package was not made for.
func marshal(b []byte, m proto.Message) []byte {
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		panic(fmt.Sprintf("wire: marshal %T: %v", m, err))
	}
	return b
}
