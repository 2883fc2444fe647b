package real

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"ordeal/world"
)

const (
	dialTimeout = 2 * time.Second
	// backoffMin and backoffMax bound the pause after a failed dial, which doubles each time. Meanwhile messages
	// are dropped and calls refused at once.
	backoffMin = 5 * time.Millisecond
	backoffMax = 250 * time.Millisecond
)

// linkSet holds the connections that one node opens to others: messages and requests go out, answers come in.
type linkSet struct {
	w      *World
	from   world.NodeID
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	links map[world.NodeID]*link
}

func newLinkSet(w *World, from world.NodeID) *linkSet {
	s := &linkSet{w: w, from: from, links: make(map[world.NodeID]*link)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// to returns the link to a node, which dials when it first has something to send.
func (s *linkSet) to(id world.NodeID) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[id]
	if !ok {
		l = &link{
			set: s, to: id, pending: make(map[uint32]*call),
			q: newSendQueue(s.w.cfg.LinkFramesMax, s.w.cfg.LinkBytesMax),
		}
		s.links[id] = l
		if s.ctx.Err() == nil {
			s.wg.Go(l.run)
		}
	}
	return l
}

// end closes all links and waits for their goroutines.
func (s *linkSet) end() {
	// Under the lock, so that no link starts between the cancellation and the wait.
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
}

// link is one node's way to another, over one connection at a time.
//
// A call is in one of three places, and where it is when something breaks decides what its caller is told. In the
// queue, nothing has left this process: refused. In pending, its frame may have been written: reset. In neither, it
// was answered or its caller has given up.
type link struct {
	set *linkSet
	to  world.NodeID
	q   *sendQueue

	// For the goroutine of run only.
	backoff time.Duration
	retryAt time.Time

	mu      sync.Mutex
	wire    *wire
	pending map[uint32]*call
	callNo  uint32
}

// wire is an established connection of a link.
type wire struct {
	c net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// call is a request and the place its outcome goes to.
type call struct {
	// done has room for the one outcome, so that whoever completes the call never waits.
	done chan callResult
	// id and abandoned are guarded by the lock of the link, or of the table of local calls; id is 0 while the call is queued.
	id        uint32
	abandoned bool
	// due is when a local call times out.
	due world.Time
}

type callResult struct {
	reply []byte
	err   error
}

// run writes what is queued until the set ends.
func (l *link) run() {
	defer l.lost(nil)
	var batch []outgoing
	for {
		select {
		case <-l.set.ctx.Done():
			return
		case <-l.q.notify:
		}
		batch = l.q.takeAll(batch)
		if sent, err := l.write(batch); err != nil {
			l.refuse(batch[sent:], err)
		}
	}
}

// write sends a batch and returns how many frames were handed to a connection; the rest has surely not been sent.
func (l *link) write(batch []outgoing) (sent int, err error) {
	c, err := l.connect()
	if err != nil {
		return 0, err
	}
	if err := c.c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		l.lost(c)
		return 0, err
	}
	for i := range batch {
		o := &batch[i]
		if o.call != nil {
			skip, err := l.expect(c, o)
			if err != nil {
				return i, err
			}
			if skip {
				continue
			}
		}
		if err := writeFrame(c.w, &o.frame); err != nil {
			l.lost(c)
			return i + 1, err
		}
	}
	if err := c.w.Flush(); err != nil {
		l.lost(c)
	}
	return len(batch), nil
}

// expect moves a call to pending, because from now on it may be delivered. skip says that nobody waits for it any more.
func (l *link) expect(c *wire, o *outgoing) (skip bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wire != c {
		return false, fmt.Errorf("the connection to node %d broke before the request was sent", l.to)
	}
	if o.call.abandoned {
		return true, nil
	}
	for l.callNo++; l.callNo == 0 || l.pending[l.callNo] != nil; l.callNo++ {
	}
	o.call.id = l.callNo
	o.frame.call = uint64(l.callNo)
	l.pending[l.callNo] = o.call
	return false, nil
}

// forget drops a call whose caller has given up.
func (l *link) forget(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.abandoned = true
	if l.pending[c.id] == c {
		delete(l.pending, c.id)
	}
}

// refuse gives up on frames that have not been sent.
func (l *link) refuse(batch []outgoing, err error) {
	for i := range batch {
		if c := batch[i].call; c != nil {
			l.set.w.refused.Add(1)
			c.done <- callResult{err: fmt.Errorf("%w: %w", world.ErrRefused, err)}
		} else {
			l.set.w.dropped.Add(1)
		}
	}
}

// lost gives up a connection, or with nil whichever there is. Calls that were sent through it are reset.
func (l *link) lost(c *wire) {
	l.mu.Lock()
	if l.wire == nil || (c != nil && l.wire != c) {
		l.mu.Unlock()
		return
	}
	c, l.wire = l.wire, nil
	calls := l.pending
	l.pending = make(map[uint32]*call)
	l.mu.Unlock()
	c.c.Close()
	for _, p := range calls {
		p.done <- callResult{err: world.ErrReset}
	}
}

// connect returns the connection there is, or dials unless that failed a moment ago.
func (l *link) connect() (*wire, error) {
	l.mu.Lock()
	c := l.wire
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	now := time.Now()
	if now.Before(l.retryAt) {
		return nil, fmt.Errorf("node %d could not be reached a moment ago", l.to)
	}
	c, err := l.dial()
	if err != nil {
		l.backoff = min(max(2*l.backoff, backoffMin), backoffMax)
		// Jitter keeps the links of a cluster from dialling a returning node all at once.
		l.retryAt = time.Now().Add(l.backoff/2 + rand.N(l.backoff/2))
		return nil, err
	}
	l.backoff = 0
	l.mu.Lock()
	l.wire = c
	l.mu.Unlock()
	l.set.wg.Go(func() { l.read(c) })
	return c, nil
}

// dial connects and shakes hands. Whatever fails in here, no message or request has been sent.
func (l *link) dial() (*wire, error) {
	addr := l.set.w.Addr(l.to)
	if addr == "" {
		return nil, fmt.Errorf("node %d has no address", l.to)
	}
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(l.set.ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial node %d: %w", l.to, err)
	}
	w := &wire{c: c, r: bufio.NewReaderSize(c, socketBuffer), w: bufio.NewWriterSize(c, socketBuffer)}
	defer context.AfterFunc(l.set.ctx, func() { c.Close() })()
	if err := l.handshake(w); err != nil {
		c.Close()
		return nil, fmt.Errorf("greet node %d at %s: %w", l.to, addr, err)
	}
	return w, nil
}

func (l *link) handshake(w *wire) error {
	if err := w.c.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := writeFrame(w.w, helloFrame(l.set.from, l.to)); err != nil {
		return err
	}
	if err := w.w.Flush(); err != nil {
		return err
	}
	f, err := readFrame(w.r, frameHeaderBytes)
	if err != nil {
		return err
	}
	if f.kind != frameWelcome {
		return fmt.Errorf("%w: kind %d instead of a welcome", errFrame, f.kind)
	}
	return w.c.SetDeadline(time.Time{})
}

// read completes calls with what comes back until the connection breaks.
func (l *link) read(c *wire) {
	defer l.lost(c)
	defer context.AfterFunc(l.set.ctx, func() { c.c.Close() })()
	for {
		f, err := readFrame(c.r, l.set.w.cfg.FrameBytesMax)
		if err != nil || (f.kind != frameReply && f.kind != frameRefuse) {
			return
		}
		if l.set.w.isCut(l.to, l.set.from) {
			continue
		}
		l.mu.Lock()
		p := l.pending[uint32(f.call)]
		delete(l.pending, uint32(f.call))
		l.mu.Unlock()
		switch {
		case p == nil:
			// Its caller has given up.
		case f.kind == frameRefuse:
			p.done <- callResult{err: world.ErrRefused}
		default:
			p.done <- callResult{reply: f.payload}
		}
	}
}
