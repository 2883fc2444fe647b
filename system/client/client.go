// Package client talks to a cluster: it finds the region of a key, asks the region's leader, and knows what to do when
// the answer is no or does not come.
//
// A Client is blocking code over a world.Proc, so the same client runs in the simulated world and in the real one. It
// keeps a cache of regions, filled by the placement driver and corrected by the stores' own refusals, and decides about
// every failure by one table (retry.go).
//
// # What an error says
//
// The table's first rule is that a write is sent again only if it certainly had no effect. Callers can therefore rely
// on the three ways in which an operation ends:
//
//   - no error: it was done, exactly once;
//   - ErrOutcomeUnknown: a request was sent and nobody knows what became of it. It may have taken effect, or may still
//     do so later. It was not sent a second time;
//   - any other error (ErrNotExecuted, ErrInvalid): it had no effect and never will.
//
// A Client belongs to the one function that its Proc was given to; it is not safe for concurrent use.
package client

import (
	"errors"
	"fmt"
	"time"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
	"ordeal/world"
)

var (
	// ErrOutcomeUnknown: the operation may have taken effect, once, or may yet do so.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrNotExecuted: the operation had no effect; it was refused for good, or until its time was up.
	ErrNotExecuted = errors.New("not executed")
	// ErrInvalid: the operation was not even sent, since no store would accept it.
	ErrInvalid = errors.New("invalid argument")
)

// Options bound a client's patience. A zero field has the default.
type Options struct {
	// CallTimeout is how long one request waits for its answer. Default 1 s.
	CallTimeout time.Duration
	// OpTimeout is how long an operation takes at most, with everything it has to ask on the way. Default 5 s.
	OpTimeout time.Duration
	// AttemptMin is the least time worth beginning an attempt with: with less left the operation ends as not
	// executed, rather than with an answer that could only come too late. Default a 20th of CallTimeout or
	// OpTimeout, whichever is less, and never more than either.
	AttemptMin time.Duration
	// BackoffMin and BackoffMax are the first and the longest wait before another attempt. Waits double from the
	// one to the other, and a random half of each is taken off. Defaults 2 ms and 200 ms.
	BackoffMin, BackoffMax time.Duration
	// AtOnceMax is how many times an operation goes on without a wait because it has just learned something. It
	// keeps two stores that point at each other from making the client run in circles. Default 3.
	AtOnceMax int
	// ReadFrom says who answers reads. Default Leader.
	ReadFrom ReadFrom
}

// ReadFrom says which peers of a region may answer a read. Whoever does, no write is missed that ended before it began.
type ReadFrom int

const (
	// Leader: the leader alone.
	Leader ReadFrom = iota
	// AnyReplica: each attempt goes to a peer drawn at random, until replicaTriesMax of them were asked in vain; then
	// it is the leader's turn. A follower asks its leader for no more than how far the log is committed.
	AnyReplica
)

// replicaTriesMax is how many peers are asked for a read that any replica may answer before the leader is.
const replicaTriesMax = 3

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	or(&o.CallTimeout, time.Second)
	or(&o.OpTimeout, 5*time.Second)
	most := min(o.CallTimeout, o.OpTimeout)
	or(&o.AttemptMin, most/20)
	o.AttemptMin = min(o.AttemptMin, most)
	or(&o.BackoffMin, 2*time.Millisecond)
	or(&o.BackoffMax, 200*time.Millisecond)
	if o.AtOnceMax <= 0 {
		o.AtOnceMax = 3
	}
	return o
}

// Client is a client of one cluster.
type Client struct {
	p    world.Proc
	opts Options

	pd []world.Addr
	// pdAt is the place in pd of the member to ask next.
	pdAt int

	cache  cache
	stores map[uint64]storeAddr
}

// New returns a client that asks the placement driver's members pd, of which there must be one at least.
func New(p world.Proc, pd []world.Addr, opts Options) *Client {
	if len(pd) == 0 {
		panic("client: no address of the placement driver")
	}
	return &Client{p: p, opts: opts.withDefaults(), pd: pd, stores: map[uint64]storeAddr{}}
}

// Get reads a key. found is false for an absent key. The witness says where the answer was made.
func (c *Client) Get(key []byte) (value []byte, found bool, w *ordealpb.Witness, err error) {
	if err := invalid(region.CheckKey(key)); err != nil {
		return nil, false, nil, fmt.Errorf("get: %w", err)
	}
	o := c.begin(read, "get", key)
	resp, err := o.atKey(key, func(ctx *kvrpcpb.Context) *ordealpb.Request {
		return &ordealpb.Request{Body: &ordealpb.Request_Get{Get: &kvrpcpb.RawGetRequest{Context: ctx, Key: key}}}
	})
	if err != nil {
		return nil, false, nil, err
	}
	got := resp.GetGet()
	return got.GetValue(), !got.GetNotFound(), resp.GetWitness(), nil
}

// Put writes a key.
func (c *Client) Put(key, value []byte) (*ordealpb.Witness, error) {
	if err := invalid(region.CheckKey(key), region.CheckValue(value)); err != nil {
		return nil, fmt.Errorf("put: %w", err)
	}
	o := c.begin(write, "put", key)
	resp, err := o.atKey(key, func(ctx *kvrpcpb.Context) *ordealpb.Request {
		put := &kvrpcpb.RawPutRequest{Context: ctx, Key: key, Value: value}
		return &ordealpb.Request{Body: &ordealpb.Request_Put{Put: put}}
	})
	return resp.GetWitness(), err
}

// Delete removes a key, whatever it holds. Deleting an absent key is no error.
func (c *Client) Delete(key []byte) (*ordealpb.Witness, error) {
	if err := invalid(region.CheckKey(key)); err != nil {
		return nil, fmt.Errorf("delete: %w", err)
	}
	o := c.begin(write, "delete", key)
	resp, err := o.atKey(key, func(ctx *kvrpcpb.Context) *ordealpb.Request {
		del := &kvrpcpb.RawDeleteRequest{Context: ctx, Key: key}
		return &ordealpb.Request{Body: &ordealpb.Request_Delete{Delete: del}}
	})
	return resp.GetWitness(), err
}

// CompareAndSwap writes value if the key holds expect, or is absent if expectAbsent is set; then swapped is true.
// seen is what the key held before, seenFound is false if it was absent.
func (c *Client) CompareAndSwap(key, expect []byte, expectAbsent bool, value []byte) (
	swapped bool, seen []byte, seenFound bool, w *ordealpb.Witness, err error,
) {
	if err := invalid(region.CheckValue(value)); err != nil {
		return false, nil, false, nil, fmt.Errorf("compare-and-swap: %w", err)
	}
	return c.compare("compare-and-swap", &kvrpcpb.RawCASRequest{
		Key: key, Value: value, PreviousNotExist: expectAbsent, PreviousValue: expect,
	})
}

// CompareAndDelete removes the key if it holds expect; then swapped is true. seen and seenFound are as for
// CompareAndSwap.
func (c *Client) CompareAndDelete(key, expect []byte) (
	swapped bool, seen []byte, seenFound bool, w *ordealpb.Witness, err error,
) {
	return c.compare("compare-and-delete", &kvrpcpb.RawCASRequest{Key: key, PreviousValue: expect, Delete: true})
}

func (c *Client) compare(what string, req *kvrpcpb.RawCASRequest) (
	swapped bool, seen []byte, seenFound bool, w *ordealpb.Witness, err error,
) {
	if err := invalid(region.CheckKey(req.GetKey()), region.CheckValue(req.GetPreviousValue())); err != nil {
		return false, nil, false, nil, fmt.Errorf("%s: %w", what, err)
	}
	o := c.begin(write, what, req.GetKey())
	resp, err := o.atKey(req.GetKey(), func(ctx *kvrpcpb.Context) *ordealpb.Request {
		req.Context = ctx
		return &ordealpb.Request{Body: &ordealpb.Request_Cas{Cas: req}}
	})
	if err != nil {
		return false, nil, false, nil, err
	}
	cas := resp.GetCas()
	return cas.GetSucceed(), cas.GetPreviousValue(), !cas.GetPreviousNotExist(), resp.GetWitness(), nil
}

// invalid makes one error of what is wrong with arguments, or nil.
func invalid(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
