package real

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"

	"ordeal/world"
)

// life is a node between two crashes: its actors, its disk queue, its listener and its connections.
type life struct {
	w      *World
	node   world.Node
	cancel context.CancelFunc
	ctx    context.Context
	// stop is closed when the life ends.
	stop   <-chan struct{}
	wg     sync.WaitGroup
	actors []*actor
	disk   *diskQueue
	links  *linkSet
	ln     net.Listener
	local  localCalls

	mu     sync.Mutex
	conns  map[uint32]*inbound
	connNo uint32
}

// startLife listens, boots the actors and sets everything in motion.
func startLife(w *World, node world.Node, lives uint64) (*life, error) {
	l := &life{w: w, node: node, conns: make(map[uint32]*inbound), local: localCalls{w: w}}
	ln, err := w.listen(node.ID)
	if err != nil {
		return nil, err
	}
	l.ln = ln
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.stop = l.ctx.Done()
	envs := make([]world.Env, node.Actors)
	for i := range envs {
		envs[i] = world.Env{
			Addr:  world.Addr{Node: node.ID, Actor: uint16(i)},
			Rand:  newRand(w.cfg.Seed, uint64(node.ID), uint64(i), lives),
			Nonce: rand.Uint64(),
		}
	}
	codes, err := node.Boot(envs)
	if err == nil && len(codes) != node.Actors {
		err = fmt.Errorf("booted %d actors instead of %d", len(codes), node.Actors)
	}
	if err != nil {
		l.cancel()
		ln.Close()
		err = fmt.Errorf("boot node %d (%s): %w", node.ID, node.Name, err)
		return nil, errors.Join(err, l.closeDisk())
	}
	l.disk = newDiskQueue(l, node.Disk)
	l.links = newLinkSet(w, node.ID)
	for i, code := range codes {
		l.actors = append(l.actors, newActor(l, envs[i].Addr, code))
	}
	for _, a := range l.actors {
		l.wg.Go(a.run)
	}
	l.wg.Go(l.disk.run)
	l.wg.Go(l.accept)
	return l, nil
}

// end stops everything of this life, waits for it and closes the disk.
func (l *life) end() error {
	l.cancel()
	l.ln.Close()
	for _, a := range l.actors {
		a.box.close()
	}
	l.links.end()
	l.local.end()
	l.wg.Wait()
	return l.closeDisk()
}

// closeDisk closes what Boot opened, so that the node can boot again.
func (l *life) closeDisk() error {
	if l.node.Disk == nil {
		return nil
	}
	if err := l.node.Disk.Close(); err != nil {
		return fmt.Errorf("close the disk of node %d (%s): %w", l.node.ID, l.node.Name, err)
	}
	return nil
}

// send passes on a one-way message of one of this node's actors. What stays on the node does not pass the network.
func (l *life) send(from world.Addr, s world.Send) {
	if s.To.Node == l.node.ID {
		e := world.Event{Kind: world.EventMessage, From: from, Payload: s.Payload}
		if !l.post(s.To.Actor, e) {
			l.w.dropped.Add(1)
		}
		return
	}
	f := frame{kind: frameMessage, fromActor: from.Actor, toActor: s.To.Actor, payload: s.Payload}
	l.mustFit(&f, from, s.To)
	if l.w.isCut(from.Node, s.To.Node) {
		return
	}
	if !l.links.to(s.To.Node).q.put(outgoing{frame: f}) {
		l.w.dropped.Add(1)
	}
}

// reply sends an answer back through the connection that the request came in by, which its call id names. If that is
// gone, so is the caller's interest.
func (l *life) reply(from world.Addr, r world.Reply) {
	f := frame{kind: frameReply, fromActor: from.Actor, toActor: r.To.Actor, call: uint64(uint32(r.Call)), payload: r.Payload}
	l.mustFit(&f, from, r.To)
	if r.Call>>32 == localConn {
		if !l.w.isCut(from.Node, r.To.Node) {
			l.replyLocal(r)
		}
		return
	}
	c := l.inbound(uint32(r.Call >> 32))
	if c == nil {
		l.w.dropped.Add(1)
		return
	}
	if c.peer != r.To.Node {
		panic(fmt.Sprintf("actor %s replied to %s quoting call %#x, which came from node %d", from, r.To, r.Call, c.peer))
	}
	if l.w.isCut(from.Node, r.To.Node) {
		return
	}
	if !c.q.put(outgoing{frame: f}) {
		l.w.dropped.Add(1)
	}
}

// mustFit panics if an actor sends more than a peer would read: to drop it would lose it again at every attempt.
func (l *life) mustFit(f *frame, from, to world.Addr) {
	if f.size() > l.w.cfg.FrameBytesMax {
		panic(fmt.Sprintf("actor %s sends a frame of %d bytes to %s; FrameBytesMax is %d",
			from, f.size(), to, l.w.cfg.FrameBytesMax))
	}
}

// post hands an event to one of the node's actors and reports whether it was taken.
func (l *life) post(actor uint16, e world.Event) bool {
	return int(actor) < len(l.actors) && l.actors[actor].box.put(e)
}

// newRand returns a source of its own for every combination of its arguments.
func newRand(seed, a, b, c uint64) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], a)
	binary.LittleEndian.PutUint64(key[16:], b)
	binary.LittleEndian.PutUint64(key[24:], c)
	return rand.New(rand.NewChaCha8(key))
}
