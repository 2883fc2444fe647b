package real

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"ordeal/world"
)

// frameKind says what a frame on a connection is.
type frameKind uint8

const (
	// frameHello opens a connection: the dialler says who it is and whom it wants.
	frameHello frameKind = iota + 1
	// frameWelcome answers a hello. Nothing is sent before it came, so a dial that fails has delivered nothing.
	frameWelcome
	frameMessage
	frameRequest
	frameReply
	// frameRefuse says of a request that it was not delivered to its actor and never will be.
	frameRefuse
)

const (
	// frameHeaderBytes: length (4, of everything behind it), kind (1), sender's actor (2), receiver's actor (2), call (8).
	frameHeaderBytes = 4 + 1 + 2 + 2 + 8
	frameFixedBytes  = frameHeaderBytes - 4
	// helloPayloadBytes: magic (8), dialler's node (8), wanted node (8).
	helloPayloadBytes = 24
	// helloMagic is the protocol and its version. A peer that speaks another one is not talked to.
	helloMagic uint64 = 0x6f7264_65616c_0001
)

// errFrame marks bytes that no peer of ours would send.
var errFrame = errors.New("malformed frame")

// frame is one unit on a connection. The nodes at both ends are fixed by the hello, so that only the actors are named.
type frame struct {
	kind      frameKind
	fromActor uint16
	toActor   uint16
	call      uint64
	payload   []byte
}

// size is what the frame takes on the wire.
func (f *frame) size() int { return frameHeaderBytes + len(f.payload) }

func writeFrame(w *bufio.Writer, f *frame) error {
	var h [frameHeaderBytes]byte
	binary.BigEndian.PutUint32(h[0:], uint32(frameFixedBytes+len(f.payload)))
	h[4] = byte(f.kind)
	binary.BigEndian.PutUint16(h[5:], f.fromActor)
	binary.BigEndian.PutUint16(h[7:], f.toActor)
	binary.BigEndian.PutUint64(h[9:], f.call)
	if _, err := w.Write(h[:]); err != nil {
		return err
	}
	_, err := w.Write(f.payload)
	return err
}

// readFrame reads one frame of at most sizeMax bytes. The payload is freshly allocated: actors may keep parts of it.
func readFrame(r *bufio.Reader, sizeMax int) (frame, error) {
	var h [frameHeaderBytes]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	n := int64(binary.BigEndian.Uint32(h[0:]))
	if n < frameFixedBytes || n+4 > int64(sizeMax) {
		return frame{}, fmt.Errorf("%w: length %d, allowed are %d to %d", errFrame, n, frameFixedBytes, sizeMax-4)
	}
	f := frame{
		kind:      frameKind(h[4]),
		fromActor: binary.BigEndian.Uint16(h[5:]),
		toActor:   binary.BigEndian.Uint16(h[7:]),
		call:      binary.BigEndian.Uint64(h[9:]),
	}
	if f.kind < frameHello || f.kind > frameRefuse {
		return frame{}, fmt.Errorf("%w: kind %d", errFrame, f.kind)
	}
	f.payload = make([]byte, n-frameFixedBytes)
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

func helloFrame(from, to world.NodeID) *frame {
	p := make([]byte, 0, helloPayloadBytes)
	p = binary.BigEndian.AppendUint64(p, helloMagic)
	p = binary.BigEndian.AppendUint64(p, uint64(from))
	p = binary.BigEndian.AppendUint64(p, uint64(to))
	return &frame{kind: frameHello, payload: p}
}

func parseHello(f *frame) (from, to world.NodeID, err error) {
	if f.kind != frameHello || len(f.payload) != helloPayloadBytes {
		return 0, 0, fmt.Errorf("%w: a connection must begin with a hello", errFrame)
	}
	if m := binary.BigEndian.Uint64(f.payload); m != helloMagic {
		return 0, 0, fmt.Errorf("%w: protocol %#x, ours is %#x", errFrame, m, helloMagic)
	}
	from = world.NodeID(binary.BigEndian.Uint64(f.payload[8:]))
	to = world.NodeID(binary.BigEndian.Uint64(f.payload[16:]))
	return from, to, nil
}
