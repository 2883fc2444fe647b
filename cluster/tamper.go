package cluster

import (
	"ordeal/nemesis"
	"ordeal/world/sim"
)

// Tamper implements nemesis.Target.
func (c *Sim) Tamper(t nemesis.Tampering) {
	percent := func(n uint64) float64 { return float64(n) / 100 }
	for _, n := range c.PDs() {
		c.World.Tamper(n, sim.Tampering{Late: percent(t.Late), Again: percent(t.Again), Old: percent(t.Old), Within: t.Within})
	}
}

// EndTamper implements nemesis.Target.
func (c *Sim) EndTamper() nemesis.Tampered {
	var sum nemesis.Tampered
	for _, n := range c.PDs() {
		done := c.World.EndTamper(n)
		sum.Late, sum.Again, sum.Old = sum.Late+done.Late, sum.Again+done.Again, sum.Old+done.Old
	}
	return sum
}

// Tamper implements nemesis.Target. It does nothing: the real world's network is left alone.
func (c *Real) Tamper(nemesis.Tampering) {}

// EndTamper implements nemesis.Target.
func (c *Real) EndTamper() nemesis.Tampered { return nemesis.Tampered{} }
