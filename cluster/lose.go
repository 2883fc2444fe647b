package cluster

import (
	"errors"
	"fmt"
	"slices"

	"ordeal/nemesis"
	"ordeal/proto/metapb"
	"ordeal/system/engine"
	"ordeal/world"
)

// loss is a store that is lost with its disk, or should be.
type loss struct {
	on   world.NodeID
	what string
	// started says that the store went on with a disk that it should have refused.
	started bool
	// replaced is set when no region had a replica on it any more.
	replaced bool
}

// blank is a store that was booted with an empty disk.
type blank struct {
	on world.NodeID
	// refused is what it was told, "" if nothing yet.
	refused string
}

// Lose implements nemesis.Target.
func (c *Sim) Lose(n world.NodeID) error {
	s := c.store(n)
	if s == nil || s.lost {
		return fmt.Errorf("there is no store %d", n)
	}
	if err := c.empty(s); err != nil {
		return err
	}
	c.blanks = slices.DeleteFunc(c.blanks, func(b *blank) bool { return b.on == n })
	c.lose(s, "its disk is lost")
	return nil
}

// lose takes note of a store that is down and will never come back.
func (c *Sim) lose(s *simStore, what string) {
	s.lost, s.last = true, nil
	if !slices.ContainsFunc(c.losses, func(l *loss) bool { return l.on == s.id }) {
		c.losses = append(c.losses, &loss{on: s.id, what: what})
	}
}

// empty takes the power from a store, if it has any, and what is on its disk.
func (c *Sim) empty(s *simStore) error {
	if c.World.Up(s.id) {
		if _, err := c.Crash(s.id); err != nil {
			return err
		}
	}
	return s.disk.Wipe()
}

// Lost implements nemesis.Target.
func (c *Sim) Lost() (all []world.NodeID) {
	for _, s := range c.stores {
		if s.lost {
			all = append(all, s.id)
		}
	}
	return all
}

// Blank implements nemesis.Target. Its copies are lost from then on.
func (c *Sim) Blank(n world.NodeID) error {
	s := c.store(n)
	if s == nil || s.lost {
		return fmt.Errorf("there is no store %d", n)
	}
	if err := c.empty(s); err != nil {
		return err
	}
	c.blanks = append(c.blanks, &blank{on: n})
	c.losses = append(c.losses, &loss{on: n, what: "its disk is lost"})
	return c.Restart(n)
}

// Blanks implements nemesis.Target.
func (c *Sim) Blanks() (all []nemesis.Blank) {
	for _, b := range c.blanks {
		all = append(all, nemesis.Blank{Store: b.on, Refused: b.refused})
	}
	return all
}

// hearRefused keeps why a store with an empty disk was refused, beside what then does with it.
func (c *Sim) hearRefused(then func(uint64, string)) func(uint64, string) {
	return func(on uint64, why string) {
		for _, b := range c.blanks {
			if b.on == world.NodeID(on) {
				b.refused = why
			}
		}
		if then != nil {
			then(on, why)
		}
	}
}

// RotLog implements nemesis.Target.
func (c *Sim) RotLog(n world.NodeID, record uint64) (what, refused string, err error) {
	s := c.store(n)
	if s == nil || s.lost {
		return "", "", fmt.Errorf("there is no store %d", n)
	}
	if _, err := c.Crash(n); err != nil {
		return "", "", err
	}
	if what, err = s.disk.RotLog(record); err != nil {
		return what, "", err
	}
	// A disk that is full is not opened at all, and the damage would be met later.
	s.disk.Aside(func() { err = c.Restart(n) })
	switch damaged := (*engine.LogDamagedError)(nil); {
	case what == "":
		return "", "", err
	case err == nil:
		c.losses = append(c.losses, &loss{on: n, what: what, started: true})
		return what, "", nil
	case !errors.As(err, &damaged):
		return what, "", err
	}
	refused = err.Error()
	if err := s.disk.Wipe(); err != nil {
		return what, refused, err
	}
	c.lose(s, what)
	return what, refused, nil
}

// lossDamages describes lost stores as damage.
func (c *Sim) lossDamages() (out []nemesis.Damage) {
	if len(c.losses) == 0 {
		return nil
	}
	all := currentOf(c.knowledge())
	for _, l := range c.losses {
		d := nemesis.Damage{Store: l.on, What: l.what, Lost: true}
		holds := func(m *metapb.Peer) bool { return m.GetStoreId() == uint64(l.on) }
		for _, r := range all {
			if l.started && slices.ContainsFunc(r.region.GetPeers(), holds) {
				d.Unnoticed = append(d.Unnoticed, r.region.GetId())
			}
		}
		if !l.replaced && len(all) > 0 {
			l.replaced = !slices.ContainsFunc(all, func(r current) bool { return slices.ContainsFunc(r.region.GetPeers(), holds) })
		}
		d.Repaired = l.replaced && len(d.Unnoticed) == 0
		out = append(out, d)
	}
	return out
}

// Lose implements nemesis.Target. It fails.
func (c *Real) Lose(world.NodeID) error { return errSimOnly }

// Lost implements nemesis.Target.
func (c *Real) Lost() []world.NodeID { return nil }

// Blank implements nemesis.Target. It fails.
func (c *Real) Blank(world.NodeID) error { return errSimOnly }

// Blanks implements nemesis.Target.
func (c *Real) Blanks() []nemesis.Blank { return nil }

// RotLog implements nemesis.Target. It fails.
func (c *Real) RotLog(world.NodeID, uint64) (what, refused string, err error) {
	return "", "", errSimOnly
}

// AilsOn implements nemesis.Target. Disks are not damaged in the real world.
func (c *Real) AilsOn(world.NodeID) string { return "" }
