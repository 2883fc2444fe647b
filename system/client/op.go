package client

import (
	"errors"
	"fmt"
	"time"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/system/region"
	"ordeal/world"
)

// failure is why an attempt failed.
type failure struct {
	cause cause
	err   error
	// entry is the region that was asked; nil if it did not come to that.
	entry *entry
	// waitMin is how long the store asks to be left alone.
	waitMin time.Duration
}

// op is one operation on its way, with all its attempts.
type op struct {
	c     *Client
	class class
	what  string
	key   []byte

	start, deadline world.Time
	attempts        int
	atOnce          int
	backoff         time.Duration
	// replica is the peer that the attempt goes to instead of the leader, or nil; replicas counts such attempts.
	replica  *metapb.Peer
	replicas int
}

func (c *Client) begin(cl class, what string, key []byte) *op {
	now := c.p.Now()
	return &op{
		c: c, class: cl, what: what, key: key,
		start: now, deadline: now.Add(c.opts.OpTimeout), backoff: c.opts.BackoffMin,
	}
}

// atKey sends what build makes to the leader of the region that holds key, until it is answered or given up.
func (o *op) atKey(key []byte, build func(*kvrpcpb.Context) *ordealpb.Request) (*ordealpb.Response, error) {
	var resp *ordealpb.Response
	err := o.run(func() *failure {
		e, f := o.locate(key)
		if f != nil {
			return f
		}
		resp, f = o.ask(e, build(o.context(e)))
		return f
	})
	return resp, err
}

// run attempts until an attempt succeeds, the table says to give up, or the time is up. It is the only loop that sends
// anything more than once.
func (o *op) run(attempt func() *failure) error {
	var last *failure
	for {
		if left := o.remaining(); left < o.c.opts.AttemptMin {
			if last == nil && o.attempts > 0 {
				last = outOfTimeFailure(left) // an earlier part of the operation took it
			}
			return o.failed(ErrNotExecuted, last)
		}
		o.attempts++
		f := attempt()
		if f == nil {
			return nil
		}
		last = f
		act := policy[f.cause][o.class]
		if o.replica == nil || act != nextPeer {
			o.learn(act, f.entry)
		}
		switch act {
		case giveUp:
			return o.failed(ErrNotExecuted, f)
		case unknown:
			return o.failed(ErrOutcomeUnknown, f)
		case again:
			if o.atOnce < o.c.opts.AtOnceMax {
				o.atOnce++
				continue
			}
		}
		o.pause(f.waitMin)
	}
}

// learn changes what the client believes of a region after it was asked in vain.
func (o *op) learn(act action, e *entry) {
	if e == nil {
		return
	}
	switch act {
	case refresh:
		o.c.cache.forget(e)
	case nextPeer, unknown:
		// The operation may end here, but the next one should not walk into the same silent store.
		if !e.next() {
			o.c.cache.forget(e)
			e.asked = 0
		}
	}
}

func (o *op) remaining() time.Duration { return o.deadline.Sub(o.c.p.Now()) }

// pause waits before the next attempt.
func (o *op) pause(least time.Duration) {
	d := o.backoff - time.Duration(o.c.p.Rand().Int64N(int64(o.backoff/2)+1))
	o.backoff = min(2*o.backoff, o.c.opts.BackoffMax)
	o.c.p.Sleep(min(max(d, least), o.c.opts.BackoffMax, max(o.remaining(), 0)))
}

// callTimeout is how long the next request may take; the requests before it in the same attempt may have left no time.
func (o *op) callTimeout() (time.Duration, *failure) {
	d := min(o.c.opts.CallTimeout, o.remaining())
	if d < o.c.opts.AttemptMin {
		return 0, outOfTimeFailure(d)
	}
	return d, nil
}

func outOfTimeFailure(left time.Duration) *failure {
	return &failure{cause: outOfTime, err: fmt.Errorf("only %v left for the next request", max(left, 0))}
}

func (o *op) failed(as error, last *failure) error {
	what := o.what
	if len(o.key) > 0 {
		what += " " + region.FormatKey(o.key)
	}
	if last == nil {
		panic(fmt.Sprintf("client: %s failed without an attempt: OpTimeout %v is below AttemptMin %v", what,
			o.c.opts.OpTimeout, o.c.opts.AttemptMin))
	}
	return fmt.Errorf("%s: %w after %d attempts in %v, the last: %w", what, as, o.attempts,
		o.c.p.Now().Sub(o.start), last.err)
}

// context names the region of e and the peer to ask for it: the leader, or for some reads another one.
func (o *op) context(e *entry) *kvrpcpb.Context {
	ctx := e.context()
	peers := e.region.GetPeers()
	if o.replica = nil; o.class != read || o.c.opts.ReadFrom != AnyReplica || o.replicas >= replicaTriesMax || len(peers) == 0 {
		return ctx
	}
	o.replicas++
	o.replica = peers[o.c.p.Rand().IntN(len(peers))]
	ctx.Peer, ctx.ReplicaRead = o.replica, true
	return ctx
}

// ask sends one request to the peer that e believes to lead, or to the one that context chose.
func (o *op) ask(e *entry, req *ordealpb.Request) (*ordealpb.Response, *failure) {
	storeID := e.leader.GetStoreId()
	if o.replica != nil {
		storeID = o.replica.GetStoreId()
	}
	addr, f := o.address(storeID, e.region.GetId())
	if f != nil {
		f.entry = e
		return nil, f
	}
	payload := wire.MarshalRequest(req)
	fail := func(c cause, err error) (*ordealpb.Response, *failure) {
		err = fmt.Errorf("store %d at %s, region %d: %w", storeID, addr, e.region.GetId(), err)
		return nil, &failure{cause: c, err: err, entry: e}
	}
	timeout, f := o.callTimeout()
	if f != nil {
		return nil, f
	}
	reply, err := o.c.p.Call(addr, payload, timeout)
	if err != nil {
		return fail(transportCause(err), err)
	}
	resp, err := wire.UnmarshalResponse(reply)
	if err != nil {
		return fail(malformed, fmt.Errorf("unreadable answer: %w", err))
	}
	regionErr, reason, ok := errorsOf(req, resp)
	switch {
	case !ok:
		return fail(malformed, fmt.Errorf("answer %T to request %T", resp.GetBody(), req.GetBody()))
	case regionErr != nil:
		_, f := fail(regionCause(regionErr, o.c.heed(e, storeID, regionErr)), reasonOf(regionErr))
		f.waitMin = time.Duration(regionErr.GetServerIsBusy().GetBackoffMs()) * time.Millisecond
		return nil, f
	case reason != "":
		return fail(rejected, fmt.Errorf("refused: %s", reason))
	}
	if o.replica == nil {
		e.asked = 0
	}
	return resp, nil
}

// errorsOf finds the two kinds of errors in an answer; ok is false if it does not fit the request.
func errorsOf(req *ordealpb.Request, resp *ordealpb.Response) (regionErr *errorpb.Error, reason string, ok bool) {
	switch req.GetBody().(type) {
	case *ordealpb.Request_Get:
		r := resp.GetGet()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_Put:
		r := resp.GetPut()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_Delete:
		r := resp.GetDelete()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_Cas:
		r := resp.GetCas()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_BatchPut:
		r := resp.GetBatchPut()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_DeleteRange:
		r := resp.GetDeleteRange()
		return r.GetRegionError(), r.GetError(), r != nil
	case *ordealpb.Request_Scan:
		r := resp.GetScan()
		return r.GetRegionError(), resp.GetError(), r != nil
	case *ordealpb.Request_BatchGet:
		r := resp.GetBatchGet()
		return r.GetRegionError(), resp.GetError(), r != nil
	case *ordealpb.Request_Admin:
		r := resp.GetAdmin()
		return r.GetRegionError(), r.GetError(), r != nil
	default:
		panic(fmt.Sprintf("client: request of kind %T", req.GetBody()))
	}
}

// heed takes what a refusal tells about regions, and reports whether that was of use: whether the next attempt will be
// made for another peer or another epoch. storeID is who refused.
func (c *Client) heed(e *entry, storeID uint64, refusal *errorpb.Error) bool {
	if hint := refusal.GetNotLeader().GetLeader(); hint.GetStoreId() != 0 && hint.GetId() != e.leader.GetId() {
		e.leader = hint
		return true
	}
	if n := refusal.GetStoreNotMatch(); n != nil {
		delete(c.stores, storeID)
	}
	return c.remember(refusal.GetEpochNotMatch().GetCurrentRegions(), e.leader.GetStoreId())
}

// remember caches regions told by a store, which led them when it spoke and probably still does. It reports whether any
// was news.
func (c *Client) remember(regions []*metapb.Region, storeID uint64) bool {
	news := false
	for _, r := range regions {
		if c.cache.insert(newEntry(r, region.FindPeer(r, storeID))) {
			news = true
		}
	}
	return news
}

// reasonOf makes an error of a refusal.
func reasonOf(e *errorpb.Error) error {
	if e.GetMessage() != "" {
		return fmt.Errorf("refused: %s", e.GetMessage())
	}
	// The text form of a message would differ from build to build.
	return errors.New("refused without a word")
}
