package workloads

import (
	"cmp"
	"math/rand/v2"
)

// What a cluster's shape is drawn from, where the flags leave it to the seed.
const (
	drawnStoresMin, drawnStoresMax = 3, 9
	// fiveReplicasOdds: one in so many runs with enough stores has regions of five replicas, the others of three.
	fiveReplicasOdds = 4
	// usualStores and usualReplicas are those of runs that ask for much else: a shape of their own would only get in its way.
	usualStores, usualReplicas = 5, 3
)

// Usual has the usual shape where c leaves it to the seed.
func (c Config) Usual() Config {
	c.Stores, c.Replicas = cmp.Or(c.Stores, usualStores), cmp.Or(c.Replicas, usualReplicas)
	return c
}

// For is the run of a workload with a seed. What is to be drawn of the cluster's shape, as it is 0 in c, is drawn.
func (c Config) For(workload string, seed uint64) Config {
	c.Workload, c.Seed = workload, seed
	c.drawShape()
	return c
}

// drawShape fills in what is 0: the number of stores and of replicas. What is given bounds what is drawn.
func (c *Config) drawShape() {
	if c.Stores != 0 && c.Replicas != 0 {
		return
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0x5a9e))
	stores := drawnStoresMin + rng.IntN(drawnStoresMax-drawnStoresMin+1)
	replicas := usualReplicas
	if rng.IntN(fiveReplicasOdds) == 0 {
		replicas = usualStores
	}
	if c.Join > 0 || c.Regions > manyRegions {
		stores, replicas = usualStores, usualReplicas
	}
	if c.Replicas == 0 {
		most := stores
		if c.Stores != 0 {
			most = c.Stores
		}
		if c.Replicas = replicas; c.Replicas > most {
			c.Replicas = min(usualReplicas, most)
		}
	}
	if c.Stores == 0 {
		c.Stores = max(stores, c.Replicas)
	}
}

// orDrawn is the value of a flag for a part of the shape that may be left to the seed.
func orDrawn(n int) string {
	if n == 0 {
		return drawnValue
	}
	return decimal(n)
}
