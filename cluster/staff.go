package cluster

import (
	"errors"
	"fmt"
	"slices"

	"ordeal/nemesis"
	"ordeal/pd/core"
	"ordeal/proto/ordealpb"
	"ordeal/world"
)

// Order implements nemesis.Target.
func (a admin) Order(p world.Proc, o nemesis.Order) (string, error) {
	req := &ordealpb.OperatorRequest{RegionId: o.Region}
	switch o.Kind {
	case nemesis.OrderLead:
		req.What = &ordealpb.OperatorRequest_LeadFrom{LeadFrom: uint64(o.To)}
	case nemesis.OrderMove:
		req.What = &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: uint64(o.From), ToStore: uint64(o.To)}}
	case nemesis.OrderSplit:
		req.What = &ordealpb.OperatorRequest_Split{Split: true}
	case nemesis.OrderMerge:
		req.What = &ordealpb.OperatorRequest_MergeInto{MergeInto: o.Into}
	case nemesis.OrderScatter:
		req.What = &ordealpb.OperatorRequest_Scatter{Scatter: true}
	case nemesis.OrderCancel:
		req.What = &ordealpb.OperatorRequest_Cancel{Cancel: true}
	}
	return a.client(p).Order(req)
}

// Leave implements nemesis.Target.
func (a admin) Leave(p world.Proc, n world.NodeID) error {
	return a.client(p).EmptyStore(uint64(n), false)
}

// Leave implements nemesis.Target, and remembers that the driver has agreed.
func (c *Sim) Leave(p world.Proc, n world.NodeID) error {
	err := c.admin.Leave(p, n)
	if err == nil && !slices.Contains(c.left, n) {
		c.left = append(c.left, n)
	}
	return err
}

// Leaving implements nemesis.Target. The driver may have agreed without anybody having heard of it.
func (c *Sim) Leaving() []world.NodeID {
	out := slices.Clone(c.left)
	for _, s := range c.PD().Stores() {
		if n := world.NodeID(s.ID()); s.State >= core.StoreOffline && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// Join implements nemesis.Target.
func (c *Sim) Join(world.Proc) (world.NodeID, error) {
	n, err := c.Extend()
	if err == nil {
		c.joined = append(c.joined, n)
	}
	return n, err
}

// Joined implements nemesis.Target.
func (c *Sim) Joined() int { return len(c.joined) }

// keptMax is how many machines are kept of stores that have left: what comes late for them must not wake them.
const keptMax = 3

// MakeRoom implements nemesis.Target. Without it a run of hours would have more and more machines that nobody uses.
func (c *Sim) MakeRoom() int {
	for _, n := range c.Leaving() {
		if !slices.Contains(c.left, n) {
			c.left = append(c.left, n) // the driver had agreed without anybody having heard of it
		}
	}
	driver := c.PD().Stores()
	var buried []world.NodeID
	for _, n := range c.left {
		if c.store(n) != nil && c.lingers(n, driver) == "" {
			buried = append(buried, n)
		}
	}
	for _, n := range buried[:max(len(buried)-keptMax, 0)] {
		c.takeAway(n)
	}
	return StoresMax - len(c.stores)
}

// takeAway removes the machine of a store that has left.
func (c *Sim) takeAway(n world.NodeID) {
	if err := c.World.RemoveNode(n); err != nil {
		panic(fmt.Sprintf("cluster: %v", err)) // it is there
	}
	c.stores = slices.DeleteFunc(c.stores, func(s *simStore) bool { return s.id == n })
	for _, r := range c.rots {
		r.repaired = r.repaired || r.on == n
	}
}

// Heir implements nemesis.Target.
func (c *Sim) Heir(n world.NodeID) world.NodeID {
	// Who comes has a higher id than all that are there, so this leads on and on.
	for i := slices.Index(c.left, n); i >= 0 && i < len(c.joined); i++ {
		if c.joined[i] > n {
			return c.joined[i]
		}
	}
	return 0
}

// ReplicasWanted implements nemesis.Target.
func (c *Sim) ReplicasWanted() int { return c.cfg.Replicas }

// Lingering says what is left of stores that were told to leave, "" if nothing: the driver must remember it, must have buried
// them, and they must hold no peer and no data.
func (c *Sim) Lingering() string {
	driver := c.PD().Stores()
	for _, n := range c.Leaving() {
		if why := c.lingers(n, driver); why != "" {
			return why
		}
	}
	return ""
}

// lingers is Lingering of one store, of which the driver knows what is in driver.
func (c *Sim) lingers(n world.NodeID, driver []core.StoreInfo) string {
	state := core.StoreUp
	if i := slices.IndexFunc(driver, func(s core.StoreInfo) bool { return s.ID() == uint64(n) }); i >= 0 {
		state = driver[i].State
	}
	s := c.store(n)
	if s != nil && s.lost {
		if state != core.StoreTombstone {
			return fmt.Sprintf("%s, which is lost, is %s for the driver", storeName(n), state)
		}
		return ""
	}
	if s != nil {
		if !c.World.Up(n) {
			return storeName(n) + " is down"
		}
		// A damaged block that is nobody's any more may stay: nobody reads it.
		switch peers, pairs, err := s.residue(); {
		case peers > 0 || pairs > 0:
			return fmt.Sprintf("%s, which is to leave, has %d peers and %d pairs of data", storeName(n), peers, pairs)
		case err != nil && !c.damaged(n):
			return fmt.Sprintf("%s, which is to leave, can't be read: %v", storeName(n), err)
		}
	}
	if state != core.StoreTombstone {
		return fmt.Sprintf("%s, which is to leave and is empty, is %s for the driver", storeName(n), state)
	}
	return ""
}

// Leaving implements nemesis.Target. Only those are known that the driver tells of.
func (c *Real) Leaving() []world.NodeID { return nil }

// Join implements nemesis.Target. It fails.
func (c *Real) Join(world.Proc) (world.NodeID, error) {
	return 0, errors.New("stores join in the simulated world only: in the real one they are started by hand")
}

// Joined implements nemesis.Target.
func (c *Real) Joined() int { return 0 }

// MakeRoom implements nemesis.Target. It takes nothing away.
func (c *Real) MakeRoom() int { return StoresMax - c.cfg.Stores }

// Heir implements nemesis.Target.
func (c *Real) Heir(world.NodeID) world.NodeID { return 0 }

// ReplicasWanted implements nemesis.Target.
func (c *Real) ReplicasWanted() int { return c.cfg.Replicas }
