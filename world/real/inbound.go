package real

import (
	"bufio"
	"context"
	"net"
	"time"

	"ordeal/world"
)

const (
	// acceptBackoff spaces the attempts when accepting fails, for want of file descriptors say.
	acceptBackoff = 10 * time.Millisecond
	// handshakeTimeout is how long either side waits for the other's first frame.
	handshakeTimeout = 2 * time.Second
	// writeTimeout is how long a peer may take no bytes before the connection is given up.
	writeTimeout = 10 * time.Second
	socketBuffer = 64 << 10
)

// inbound is a connection that another node opened to this one. Messages and requests come in, answers go out.
type inbound struct {
	life *life
	id   uint32
	peer world.NodeID
	c    net.Conn
	q    *sendQueue
}

// accept takes connections until the listener is closed.
func (l *life) accept() {
	for {
		c, err := l.ln.Accept()
		if err != nil {
			select {
			case <-l.stop:
				return
			case <-time.After(acceptBackoff):
				continue
			}
		}
		l.wg.Go(func() { l.serve(c) })
	}
}

// serve reads one connection until it breaks or the life ends.
func (l *life) serve(c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(l.ctx, func() { c.Close() })()
	r := bufio.NewReaderSize(c, socketBuffer)
	// A peer that sends nothing must not hold the connection; the deadline is lifted by the hello.
	if c.SetReadDeadline(time.Now().Add(handshakeTimeout)) != nil {
		return
	}
	hello, err := readFrame(r, frameHeaderBytes+helloPayloadBytes)
	if err != nil {
		return
	}
	from, to, err := parseHello(&hello)
	if err != nil || to != l.node.ID || c.SetReadDeadline(time.Time{}) != nil {
		return
	}
	in := l.register(c, from)
	if in == nil {
		return
	}
	defer l.unregister(in)
	in.q.put(outgoing{frame: frame{kind: frameWelcome}})
	done := make(chan struct{})
	defer close(done)
	l.wg.Go(func() { in.write(done) })
	for {
		f, err := readFrame(r, l.w.cfg.FrameBytesMax)
		if err != nil || !in.deliver(&f) {
			return
		}
	}
}

// deliver hands a frame to its actor and reports whether the connection makes sense so far.
func (in *inbound) deliver(f *frame) bool {
	if f.kind != frameMessage && f.kind != frameRequest {
		return false
	}
	l := in.life
	if l.w.isCut(in.peer, l.node.ID) {
		return true
	}
	from := world.Addr{Node: in.peer, Actor: f.fromActor}
	if f.kind == frameMessage {
		if !l.post(f.toActor, world.Event{Kind: world.EventMessage, From: from, Payload: f.payload}) {
			l.w.dropped.Add(1)
		}
		return true
	}
	// The call id carries the connection, so that the reply finds its way without a table of open calls.
	id := world.CallID(in.id)<<32 | world.CallID(uint32(f.call))
	if l.post(f.toActor, world.Event{Kind: world.EventRequest, From: from, Call: id, Payload: f.payload}) {
		return true
	}
	l.w.refused.Add(1)
	in.q.put(outgoing{frame: frame{kind: frameRefuse, toActor: f.fromActor, call: f.call}})
	return true
}

// write sends answers until done is closed or the connection breaks; closing it ends the reader as well.
func (in *inbound) write(done <-chan struct{}) {
	defer in.c.Close()
	w := bufio.NewWriterSize(in.c, socketBuffer)
	var batch []outgoing
	for {
		select {
		case <-done:
			return
		case <-in.q.notify:
		}
		batch = in.q.takeAll(batch)
		if in.c.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
			return
		}
		for i := range batch {
			if writeFrame(w, &batch[i].frame) != nil {
				return
			}
		}
		if w.Flush() != nil {
			return
		}
	}
}

// register gives a connection its id, or returns nil if the node has too many.
func (l *life) register(c net.Conn, peer world.NodeID) *inbound {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.w.cfg.ConnsMax {
		return nil
	}
	for {
		l.connNo++
		if _, used := l.conns[l.connNo]; !used && l.connNo != localConn {
			break
		}
	}
	in := &inbound{
		life: l, id: l.connNo, peer: peer, c: c,
		q: newSendQueue(l.w.cfg.LinkFramesMax, l.w.cfg.LinkBytesMax),
	}
	l.conns[in.id] = in
	return in
}

func (l *life) unregister(in *inbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, in.id)
}

func (l *life) inbound(id uint32) *inbound {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[id]
}
