package pd

import (
	"ordeal/system/engine"
	"ordeal/world"
)

// outbox is the one place that knows the order of writing and speaking. All that one turn writes goes to the disk in one
// batch under one barrier, and nothing that a turn says leaves while any barrier is open, since it may rest on something
// that a crash could still take back: an id of a batch that another turn promised, a store that is not registered yet.
type outbox struct {
	eng   *engine.Engine
	batch *engine.Batch
	// said is what this turn says.
	said []parcel
	// set and synced are the tokens of the last barrier set and reached.
	set, synced uint64
	// held waits for barriers, in the order it was said.
	held    []parcel
	dropped uint64
}

// parcel is a message, or with reply set the answer to a call.
type parcel struct {
	to      world.Addr
	call    world.CallID
	reply   bool
	payload []byte
	// after is the barrier that must be reached first.
	after uint64
}

func newOutbox(eng *engine.Engine) *outbox {
	return &outbox{eng: eng, batch: eng.NewBatch()}
}

// answer says payload to whoever sent ev, in the way they asked.
func (o *outbox) answer(ev *world.Event, payload []byte) {
	o.said = append(o.said, parcel{to: ev.From, call: ev.Call, reply: ev.Kind == world.EventRequest, payload: payload})
}

// tell says payload to somebody who did not ask.
func (o *outbox) tell(to world.Addr, payload []byte) {
	o.said = append(o.said, parcel{to: to, payload: payload})
}

// reached lets go what waited for the barrier.
func (o *outbox) reached(token uint64, out *world.Effects) {
	o.synced = max(o.synced, token)
	n := 0
	for n < len(o.held) && o.held[n].after <= o.synced {
		o.held[n].emit(out)
		n++
	}
	if o.held = o.held[n:]; len(o.held) == 0 {
		o.held = nil
	}
}

// endTurn writes what the turn has put into the batch, and says or holds what it said.
func (o *outbox) endTurn(out *world.Effects) {
	if !o.batch.Empty() {
		o.eng.Commit(o.batch)
		o.set++
		out.Sync(o.set, nil)
	}
	for _, p := range o.said {
		switch {
		case o.set == o.synced:
			p.emit(out)
		case len(o.held) < heldMax:
			p.after = o.set
			o.held = append(o.held, p)
		default:
			o.dropped++
		}
	}
	clear(o.said)
	o.said = o.said[:0]
}

func (p parcel) emit(out *world.Effects) {
	if p.reply {
		out.Reply(p.to, p.call, p.payload)
		return
	}
	out.Send(p.to, p.payload)
}
