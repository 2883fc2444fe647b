package nemesis

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// PeerChangeKind is what is done to the replica of a region on a store.
type PeerChangeKind uint8

// The kinds of peer changes.
const (
	// MakeVoter adds a voter, or promotes the learner that is there.
	MakeVoter PeerChangeKind = iota + 1
	// MakeLearner adds a learner, or demotes the voter that is there.
	MakeLearner
	// Drop removes the learner that is there; a voter goes that way only if it is the only change.
	Drop
)

// PeerChange is one change of a region's membership.
type PeerChange struct {
	Kind  PeerChangeKind
	Store world.NodeID
}

// String prints the change for people.
func (c PeerChange) String() string { return fmt.Sprintf("%v on s%d", c.Kind, c.Store) }

// How often a fault asks for a change that a cluster may be too busy for: a learner has to catch up before it is promoted,
// a leader to hand over before it is removed. Every try takes as long as the target lets a command take.
const (
	changeTries = 3
	changePause = 100 * time.Millisecond
)

// insist asks for a change until it is made or has been tried often enough.
func insist(p world.Proc, change func() error) error {
	for try := 1; ; try++ {
		err := change()
		if err == nil || try == changeTries {
			return err
		}
		p.Sleep(changePause)
	}
}

// changePeer asks for one change of a region, and insists. Between two tries the driver may have changed the region as well, or a
// disk been damaged, so each looks whether it may.
func changePeer(p world.Proc, t Target, region uint64, kind PeerChangeKind, on world.NodeID) error {
	err := insist(p, func() error {
		if kind != MakeVoter {
			if err := mayGo(t, region, on); err != nil {
				return err
			}
		}
		return t.ChangePeers(p, region, []PeerChange{{kind, on}}, false)
	})
	if err != nil {
		return fmt.Errorf("%s of region %d on s%d: %w", kind, region, on, err)
	}
	return nil
}

// String is for errors.
func (k PeerChangeKind) String() string {
	switch k {
	case MakeVoter:
		return "voter"
	case MakeLearner:
		return "learner"
	default:
		return "removal"
	}
}

// voters returns where the region's voters are, ascending; the learners are where else it has replicas.
func (r Region) voters() []world.NodeID {
	var nodes []world.NodeID
	for _, p := range r.Peers {
		if !p.Learner {
			nodes = append(nodes, p.Store)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// demoting returns where voters are that will soon be none.
func (r Region) demoting() (nodes []world.NodeID) {
	for _, p := range r.Peers {
		if p.Demoting {
			nodes = append(nodes, p.Store)
		}
	}
	return nodes
}

// endangers says why a region's voters must not become those that are left: a nemesis may stop a region, but must not be
// what loses its data. Those who are about to lose their vote do not count. A region with a replica on a store that is
// damaged is left alone: which of its replicas will turn out to be lost, and when, nobody knows before it is repaired.
func endangers(t Target, before Region, left []world.NodeID) string {
	for _, d := range unrepaired(t) {
		if slices.Contains(before.stores(), d.Store) || slices.Contains(left, d.Store) {
			return fmt.Sprintf("the damage on s%d, where region %d has a replica or is to get one, is not repaired yet", d.Store, before.ID)
		}
	}
	gone := without(before.voters(), left)
	left = without(left, before.demoting())
	if len(left) < replicasMin {
		return fmt.Sprintf("region %d has only %s", before.ID, plural(uint64(len(before.voters())), "replica"))
	}
	if up, quorum := len(upOnly(t, left)), len(left)/2+1; up < quorum {
		why := fmt.Sprintf("region %d would have %d of %d replicas up and no quorum", before.ID, up, len(left))
		if len(gone) > 0 { // nobody goes where a learner is replaced
			why = fmt.Sprintf("without s%d, %s", gone[0], why)
		}
		return why
	}
	return ""
}

// mayGo says why the replica of a region on a store must keep its vote, as things are now; nil if it has none, or need not. Since
// its fault has begun the driver may have changed the region as well.
func mayGo(t Target, region uint64, on world.NodeID) error {
	for _, r := range t.Regions() {
		if r.ID != region || !slices.Contains(r.voters(), on) {
			continue
		}
		if why := endangers(t, r, without(r.voters(), []world.NodeID{on})); why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// changedMembers is the receipt of a fault that changed a region's members, as they are now. Wait says whether to wait for
// conf_ver to rise by steps.
func changedMembers(p world.Proc, t Target, before Region, steps uint64, wait bool) Receipt {
	now, _ := settle(p, t, before.ID, wait, func(r Region) bool { return r.ConfVer >= before.ConfVer+steps })
	if now.ConfVer <= before.ConfVer {
		return Receipt{Text: fmt.Sprintf("region %d stayed at conf_ver %d", before.ID, before.ConfVer)}
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("region %d %s to %s (conf_ver %d to %d)",
		before.ID, before.members(), now.members(), before.ConfVer, now.ConfVer)}
}

// members prints where the voters are, and behind a + where the learners are.
func (r Region) members() string {
	text := names(r.voters())
	if learners := without(r.stores(), r.voters()); len(learners) > 0 {
		text += " + " + names(learners)
	}
	if r.Joint {
		text += ", joint"
	}
	return text
}
