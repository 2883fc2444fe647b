package cluster

import (
	"fmt"

	"ordeal/pd"
	"ordeal/system/engine"
	"ordeal/system/store"
	"ordeal/world"
)

// pdHooks are what a world adds to the members of the placement driver; nil for nothing.
type pdHooks struct {
	// configure adjusts the configuration of a life.
	configure func(*pd.Config, world.Env)
	// booted is given the member of every life.
	booted func(*pd.Member)
}

// pdNode is the node of one member of the placement driver.
func (c Config) pdNode(id world.NodeID, disk engine.Disk, hooks pdHooks) world.Node {
	return world.Node{
		ID: id, Name: pdName(id), Disk: disk, Actors: 1,
		Boot: func(envs []world.Env) ([]world.Actor, error) {
			eng, err := disk.Open()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pdName(id), err)
			}
			cfg := c.pdConfig()
			if hooks.configure != nil {
				hooks.configure(&cfg, envs[0])
			}
			m, err := pd.New(cfg, envs[0], eng)
			if err != nil {
				return nil, err
			}
			if hooks.booted != nil {
				hooks.booted(m)
			}
			return []world.Actor{m}, nil
		},
	}
}

// storeHooks are what a world adds to the stores of its cluster; nil for nothing.
type storeHooks struct {
	// configure adjusts the configuration of a life.
	configure func(*store.Config, world.Env)
	// booted is given the store of every life.
	booted func(*store.Node)
}

// storeNode is the node of one store.
func (c Config) storeNode(id world.NodeID, disk engine.Disk, hooks storeHooks) world.Node {
	return world.Node{
		ID: id, Name: storeName(id), Disk: disk, Actors: c.Store.Shards,
		Boot: func(envs []world.Env) ([]world.Actor, error) {
			eng, err := disk.Open()
			if err != nil {
				return nil, fmt.Errorf("store %d: %w", id, err)
			}
			cfg := c.storeConfig(id)
			if hooks.configure != nil {
				hooks.configure(&cfg, envs[0])
			}
			s, err := store.Open(cfg, envs, eng)
			if err != nil {
				return nil, err
			}
			if hooks.booted != nil {
				hooks.booted(s)
			}
			return s.Shards(), nil
		},
	}
}

// pdName is the name of a member's node, and of its folder: pd, pd2, pd3.
func pdName(id world.NodeID) string {
	if id == PDNode {
		return "pd"
	}
	return fmt.Sprintf("pd%d", id-PDNode+1)
}

// storeName is the name of a store's node, and of its folder.
func storeName(id world.NodeID) string { return fmt.Sprintf("s%d", id) }

func (c Config) storeNodes() []world.NodeID { return nodesFrom(1, c.Stores) }

func (c Config) clientNodes() []world.NodeID { return nodesFrom(FirstClient, c.Clients) }

func nodesFrom(first world.NodeID, n int) []world.NodeID {
	ids := make([]world.NodeID, n)
	for i := range ids {
		ids[i] = first + world.NodeID(i)
	}
	return ids
}
