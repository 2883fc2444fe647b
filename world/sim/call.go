package sim

import (
	"fmt"

	"ordeal/world"
)

// procActor is the actor number in the address of every proc: procs are told apart by their calls.
const procActor = 1<<16 - 1

// callBits is how many bits of a CallID count the calls of one proc; those above them name the proc.
const callBits = 40

// call is the one call that a proc may wait for. The world keeps no other record of it.
type call struct {
	id       world.CallID // 0 if the proc waits for none
	to       *node
	deadline world.Time
	taken    bool // the request reached an inbox
	answered bool // a reply, a refusal or a reset is on its way, or was
}

// caller returns the proc that waits for a call; nil if it no longer does.
func (w *World) caller(id world.CallID) *proc {
	i := uint64(id) >> callBits
	if i < 1 || i > uint64(len(w.procs)) {
		return nil
	}
	p := w.procs[i-1]
	if p == nil || p.call.id != id {
		return nil
	}
	return p
}

// request hands a request to its actor, or refuses it if the actor is not there.
func (w *World) request(ev *event, hash uint64) {
	id := world.CallID(ev.ref)
	p := w.caller(id)
	if !ev.to.takes(ev) {
		w.trace(KindVanished, ev, hash)
		if p != nil {
			w.answerWith(KindRefused, p, ev.to, ev.actor, nil)
		}
		return
	}
	w.trace(KindRequest, ev, hash)
	if p != nil {
		p.call.taken = true
	}
	in := world.Event{Kind: world.EventRequest, From: ev.from, Call: id, Payload: ev.payload}
	w.post(ev.to, ev.actor, in, hash)
}

// reply carries out Effects.Reply. Only the node that took the request can answer it, in the same life and only once (a
// crash is an answer): any other reply has no connection to travel on.
func (w *World) reply(n *node, of uint16, r world.Reply) {
	p := w.caller(r.Call)
	if p == nil || p.call.to != n || p.call.answered {
		return
	}
	if want := p.addr(); r.To != want {
		panic(fmt.Sprintf("sim: node %d replies to call %d of %s at the address %s", n.id, r.Call, want, r.To))
	}
	w.answerWith(KindReply, p, n, of, r.Payload)
}

// resetCalls tells all who wait for an answer from a node that died that there will be none.
func (w *World) resetCalls(n *node) {
	for _, p := range w.procs {
		if p != nil && p.call.to == n && p.call.taken && !p.call.answered {
			w.answerWith(KindReset, p, n, 0, nil)
		}
	}
}

// answerWith sends the end of a call from the callee's node to the proc that waits for it. It may be lost.
func (w *World) answerWith(kind Kind, p *proc, from *node, of uint16, payload []byte) {
	p.call.answered = true
	w.transmit(&event{
		kind: kind, src: from, to: p.home, actor: procActor, from: world.Addr{Node: from.id, Actor: of},
		ref: uint64(p.call.id), payload: payload, sum: w.seal(payload),
	})
}

// answer hands the end of a call to the proc, unless that gave up waiting.
func (w *World) answer(ev *event, hash uint64) {
	p := w.caller(world.CallID(ev.ref))
	if p == nil {
		w.trace(KindVanished, ev, hash)
		return
	}
	w.trace(ev.kind, ev, hash)
	switch ev.kind {
	case KindReply:
		w.finish(p, ev.payload, nil)
	case KindRefused:
		w.finish(p, nil, world.ErrRefused)
	case KindReset:
		w.finish(p, nil, world.ErrReset)
	default:
		panic(fmt.Sprintf("sim: a %s event is no answer", ev.kind))
	}
}

// finish ends a proc's call and lets it go on.
func (w *World) finish(p *proc, reply []byte, err error) {
	p.call = call{}
	p.result, p.err = reply, err
	w.resume(p)
}

// arm sees to it that the alarm of p rings no later than its deadline. Most calls end long before, so there is one alarm
// for each proc, moved when it rings too early, and not one for each call.
func (w *World) arm(p *proc) {
	if p.call.deadline < p.alarm {
		p.alarm = p.call.deadline
		w.queue.push(p.alarm, &event{kind: KindTimeout, to: p.home, actor: procActor, ref: p.id})
	}
}

// alarm ends a call whose time is up.
func (w *World) alarm(ev *event) {
	p := w.procs[ev.ref-1]
	if p == nil || w.now < p.alarm || p.alarm == never {
		return // an earlier one took its place
	}
	p.alarm = never
	if p.call.id == 0 {
		return
	}
	if w.now < p.call.deadline {
		w.arm(p)
		return
	}
	ev.ref = uint64(p.call.id)
	w.trace(KindTimeout, ev, 0)
	w.finish(p, nil, world.ErrTimeout)
}
