package cluster

import (
	"errors"

	"ordeal/nemesis"
	"ordeal/system/client"
	"ordeal/world"
)

var _ nemesis.Target = (*Real)(nil)

// Stores implements nemesis.Target.
func (c *Real) Stores() []world.NodeID { return c.cfg.storeNodes() }

// Procs implements nemesis.Target.
func (c *Real) Procs() []world.NodeID { return c.cfg.clientNodes() }

// PDs implements nemesis.Target.
func (c *Real) PDs() []world.NodeID { return c.cfg.pdNodes() }

// PDLeader implements nemesis.Target. It asks one member after the other until one knows, so it takes a moment.
func (c *Real) PDLeader() world.NodeID {
	var leader world.NodeID
	_ = c.Do(ProbeNode, "look", func(p world.Proc) error {
		for i, at := range c.cfg.drivers() {
			if leader != 0 || !c.Up(c.PDs()[i]) {
				continue
			}
			cl := newClient(p, []world.Addr{at}, client.Options{CallTimeout: realAdminTimeout, OpTimeout: realAdminTimeout})
			if _, id, err := cl.Drivers(); err == nil {
				leader = world.NodeID(id)
			}
		}
		return nil
	})
	return leader
}

// Up implements nemesis.Target. It waits for a crash or a restart of the node that is under way.
func (c *Real) Up(n world.NodeID) bool { return c.World.Up(n) }

// Cut implements nemesis.Target.
func (c *Real) Cut(from, to world.NodeID) { c.World.Cut(from, to) }

// HealNetwork implements nemesis.Target.
func (c *Real) HealNetwork() { c.World.HealNetwork() }

// MessagesCut implements nemesis.Target.
func (c *Real) MessagesCut() uint64 { return c.World.Stats().Cut }

// Crash implements nemesis.Target. The node stops at once, with all that it had under way, but its disk is closed in
// good order: within one process no commit is ever lost.
func (c *Real) Crash(n world.NodeID) (lost uint64, err error) { return 0, c.World.Crash(n) }

// Restart implements nemesis.Target.
func (c *Real) Restart(n world.NodeID) error { return c.World.Restart(n) }

// Failpoints implements nemesis.Target: there are none, since a crash point takes the whole process with it.
func (c *Real) Failpoints() []string { return nil }

// Arm implements nemesis.Target. It fails.
func (c *Real) Arm(string, world.NodeID, nemesis.Act) error {
	return errors.New("failpoints work in the simulated world only: in the real one they would end the process")
}

// Disarm implements nemesis.Target.
func (c *Real) Disarm() (hit []string) { return nil }

// States implements nemesis.Target: none can be waited for, since what is seen is over before anybody can do something.
func (c *Real) States() []string { return nil }

// Await implements nemesis.Target. It fails.
func (c *Real) Await(nemesis.Condition, uint64, func(world.Proc, nemesis.Seen)) (func(), error) {
	return nil, errors.New("states are seen in the simulated world only")
}

// Rot implements nemesis.Target. It fails.
func (c *Real) Rot(world.NodeID, []uint64, uint64) (string, error) {
	return "", errors.New("blocks are damaged in the simulated world only: there every block of a disk is known")
}

// Damages implements nemesis.Target: there is none.
func (c *Real) Damages() []nemesis.Damage { return nil }

// Ails implements nemesis.Target. It knows of power only.
func (c *Real) Ails(id uint64) string {
	for _, r := range c.Regions() {
		for _, m := range r.Peers {
			if r.ID == id && !c.Up(m.Store) {
				return storeName(m.Store) + " is down"
			}
		}
	}
	return ""
}
