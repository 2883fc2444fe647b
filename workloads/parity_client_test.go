package workloads

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/system/client"
	"ordeal/world"
)

const (
	// parityPace is the mean time between two operations of all clients together. Faster ones would only make more of
	// the same: regions split and logs are cut often enough at this pace.
	parityPace = 4 * time.Millisecond
	// What a client does, in percent; the rest is reading a key of anybody, which TinyKV's clients never do.
	parityPutPct, parityScanPct = 45, 45
	// parityScanLimit is more than a client writes.
	parityScanLimit = 1 << 20
)

// parityClient writes keys that nobody else writes, each once, and reads all of its own back.
type parityClient struct {
	id  int
	rec *checker.Recorder
	// cl is the client of the round.
	cl *client.Client
	// written are the values in the order of their keys: what a scan must return, all of it.
	written []string
}

func newParityClient(id int) *parityClient {
	return &parityClient{id: id, rec: checker.NewRecorder(id)}
}

func (c *parityClient) key(n int) string { return fmt.Sprintf("%d %08d", c.id, n) }

// work writes or scans until the round is over.
func (c *parityClient) work(p world.Proc, r *parityRun) {
	c.cl = r.c.Client(p)
	for !r.stop {
		switch n := p.Rand().IntN(100); {
		case n < parityPutPct:
			c.put(p)
		case n < parityPutPct+parityScanPct:
			c.scan(p, r)
		default:
			c.get(p, r)
		}
		p.Sleep(time.Duration(p.Rand().Int64N(2 * int64(parityPace) * int64(r.row.clients))))
	}
}

// look reads everything back in peace.
func (c *parityClient) look(p world.Proc, r *parityRun) {
	c.cl = r.c.Client(p)
	c.scan(p, r)
}

// put writes the next key, again and again until it is certain to be written: writing the same once more does no harm,
// and no other value is ever written to that key. So it is one operation of the history, however often it is sent.
func (c *parityClient) put(p world.Proc) {
	key, value := c.key(len(c.written)), fmt.Sprintf("x %d %d y", c.id, len(c.written))
	op := c.rec.Begin(checker.Op{Kind: checker.Put, Key: key, Value: value}, p.Now())
	for {
		_, err := c.cl.Put([]byte(key), []byte(value))
		if err == nil {
			break
		}
		p.Sleep(parityTick)
	}
	c.rec.End(op, checker.Ok, p.Now())
	c.written = append(c.written, value)
}

// scan reads all keys of this client until that succeeds, and compares them with what it has written.
func (c *parityClient) scan(p world.Proc, r *parityRun) {
	start, end := c.key(0), fmt.Sprintf("%d 99999999", c.id)
	for {
		op := c.rec.Begin(checker.Op{Kind: checker.Scan, Start: start, End: end}, p.Now())
		pairs, _, err := c.cl.Scan([]byte(start), []byte(end), parityScanLimit)
		if err != nil {
			c.rec.End(op, checker.Failed, p.Now())
			p.Sleep(parityTick)
			continue
		}
		var all strings.Builder
		for _, kv := range pairs {
			all.Write(kv.GetValue())
			op.Pairs = append(op.Pairs, checker.KV{Key: string(kv.GetKey()), Value: string(kv.GetValue())})
		}
		c.rec.End(op, checker.Ok, p.Now())
		require.Equal(r.t, strings.Join(c.written, ""), all.String(), "client %d scans its own keys", c.id)
		return
	}
}

// get reads one of the keys that some client wrote last or is about to write: nobody but the history knows what it must
// find.
func (c *parityClient) get(p world.Proc, r *parityRun) {
	const recent = 4
	other := r.clients[p.Rand().IntN(len(r.clients))]
	key := other.key(max(0, len(other.written)-p.Rand().IntN(recent)))
	op := c.rec.Begin(checker.Op{Kind: checker.Get, Key: key}, p.Now())
	value, found, _, err := c.cl.Get([]byte(key))
	if err != nil {
		c.rec.End(op, checker.Failed, p.Now())
		return
	}
	op.Found, op.Read = found, string(value)
	c.rec.End(op, checker.Ok, p.Now())
}
