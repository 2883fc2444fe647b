package cluster

import (
	"fmt"
	"time"

	"ordeal/pd"
	"ordeal/system/client"
	"ordeal/system/store"
	"ordeal/world"
)

// Node ids by convention: stores count from 1 to 99 and go on from 10001, members of the placement driver count from 100, clients
// from 1001, and those who run the cluster (bring-up, nemesis, probes) from 2001. StoresMax bounds the stores that are there at a
// time; ids are not given twice.
const (
	PDNode      world.NodeID = 100
	FirstClient world.NodeID = 1001
	NemesisNode world.NodeID = 2001
	SetupNode   world.NodeID = 2002
	ProbeNode   world.NodeID = 2003
	LateStore   world.NodeID = 10001
	StoresMax                = 99
	PDsMax                   = 7
)

// Config describes a cluster.
type Config struct {
	Stores, Replicas int
	// PDs is how many members the placement driver has; 0 is one.
	PDs int
	// Clients is the number of client nodes that will be used.
	Clients int
	// SplitKeys are the borders of the regions that the cluster starts with.
	SplitKeys [][]byte
	// Client is what clients run with; zero fields have the client's defaults.
	Client client.Options
	// Store and PD are what the members run with; ids, addresses and replicas are filled in.
	Store store.Config
	PD    pd.Config
	// Labels says where each store is; nil if that does not matter.
	Labels func(store world.NodeID) []store.Label
}

// DefaultConfig is three replicas on five stores.
func DefaultConfig() Config {
	return Config{Stores: 5, Replicas: 3, Store: store.DefaultConfig(), PD: pd.DefaultConfig()}
}

func (c Config) validate() error {
	switch {
	case c.Stores < 1 || c.Stores > StoresMax:
		return fmt.Errorf("cluster: %d stores: want 1 to %d", c.Stores, StoresMax)
	case c.PDs < 0 || c.PDs > PDsMax:
		return fmt.Errorf("cluster: %d members of the placement driver: want 1 to %d", c.PDs, PDsMax)
	case c.Replicas < 1 || c.Replicas > c.Stores:
		return fmt.Errorf("cluster: %d replicas on %d stores: want 1 to as many as there are stores", c.Replicas, c.Stores)
	}
	return nil
}

// storeConfig is the configuration of one store.
func (c Config) storeConfig(id world.NodeID) store.Config {
	s := c.Store
	s.StoreID = uint64(id)
	s.Address = world.Addr{Node: id}
	s.PD = c.drivers()
	if c.Labels != nil {
		s.Labels = c.Labels(id)
	}
	return s
}

func (c Config) pdConfig() pd.Config {
	p := c.PD
	p.ClusterID = c.Store.ClusterID
	p.Members = c.drivers()
	p.Replicas = c.Replicas
	return p
}

func (c Config) pdNodes() []world.NodeID { return nodesFrom(PDNode, max(c.PDs, 1)) }

// drivers is where the members of the placement driver are.
func (c Config) drivers() []world.Addr {
	var all []world.Addr
	for _, n := range c.pdNodes() {
		all = append(all, world.Addr{Node: n})
	}
	return all
}

// adminTimeout bounds one admin call that a nemesis makes.
const adminTimeout = 500 * time.Millisecond
