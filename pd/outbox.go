package pd

import (
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/world"
)

// outbox is the one place that knows the order of promising and speaking. All that one turn writes is one entry of the log, and
// nothing that a turn says leaves before two things have happened:
//
//   - every entry that was proposed up to then is committed and applied, since what is said may rest on it: an id of a batch
//     that another turn promised, a store that is not registered yet;
//   - a quorum has confirmed, in a round that began after everything was said, that this member still leads. So whoever
//     asks a leader that was deposed before is not answered: nothing that it says can be older than what its
//     successor has already said.
//
// A round is shared by all that a turn says. A driver without others confirms itself, and only its disk is waited for.
type outbox struct {
	// writes are what the next entry will hold.
	writes []*ordealpb.DriverWrite
	// proposed is the number of the last entry that was proposed, and rounds that of the last round.
	proposed, rounds uint64
	// said is what this turn says.
	said []parcel
	// held waits, in the order it was said.
	held    []parcel
	dropped uint64
}

// parcel is a message, or with reply set the answer to a call.
type parcel struct {
	to      world.Addr
	call    world.CallID
	reply   bool
	payload []byte
	// after is the entry that must be applied first, round the round that must be confirmed.
	after, round uint64
}

// put sets a key, and remove deletes one, with the turn's entry.
func (o *outbox) put(key, value []byte) {
	o.writes = append(o.writes, &ordealpb.DriverWrite{Key: key, Value: value})
}

func (o *outbox) remove(key []byte) {
	o.writes = append(o.writes, &ordealpb.DriverWrite{Key: key, Delete: true})
}

// answer says payload to whoever sent ev, in the way they asked.
func (o *outbox) answer(ev *world.Event, payload []byte) {
	o.said = append(o.said, parcel{to: ev.From, call: ev.Call, reply: ev.Kind == world.EventRequest, payload: payload})
}

// tell says payload to somebody who did not ask.
func (o *outbox) tell(to world.Addr, payload []byte) {
	o.said = append(o.said, parcel{to: to, payload: payload})
}

// seal proposes what the turn has written, and asks for the round that what it said needs. While a leader hands over, its
// group takes no proposals: what is written then waits for the next turn, and what is said for that.
func (o *outbox) seal(r *replica) {
	after := o.proposed
	if len(o.writes) > 0 {
		after++
		entry, err := proto.MarshalOptions{Deterministic: true}.Marshal(&ordealpb.DriverWrites{Writes: o.writes})
		if err != nil {
			panic("pd: marshal an entry: " + err.Error())
		}
		if r.group.Propose(after, entry) == nil {
			o.proposed = after
			o.writes = nil
		}
	}
	if len(o.said) == 0 {
		return
	}
	room := max(0, heldMax-len(o.held))
	// gofail: var bugPDUnfenced struct{}
	// r.confirmed = o.rounds + 1

	o.rounds++
	if r.group.Read(o.rounds, false) != nil {
		room = 0
	}
	for i, p := range o.said {
		if i >= room {
			o.dropped += uint64(len(o.said) - i)
			break
		}
		p.after, p.round = after, o.rounds
		o.held = append(o.held, p)
	}
	clear(o.said)
	o.said = o.said[:0]
}

// release lets go what has waited long enough.
func (o *outbox) release(r *replica, out *world.Effects) {
	n := 0
	for n < len(o.held) && o.held[n].after <= r.reached && o.held[n].round <= r.confirmed {
		o.held[n].emit(out)
		n++
	}
	if o.held = o.held[n:]; len(o.held) == 0 {
		o.held = nil
	}
}

// forget drops everything, since this member does not lead any more. Callers learn so; nothing is known of what they
// asked for.
func (o *outbox) forget(sorry []byte, out *world.Effects) {
	for _, p := range append(o.held, o.said...) {
		if p.reply {
			out.Reply(p.to, p.call, sorry)
		}
	}
	o.writes, o.held, o.said = nil, nil, nil
}

func (p parcel) emit(out *world.Effects) {
	if p.reply {
		out.Reply(p.to, p.call, p.payload)
		return
	}
	out.Send(p.to, p.payload)
}
