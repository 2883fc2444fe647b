package store

import (
	"cmp"
	"fmt"
	"slices"
	"sync"        //tidy:sync the shards of a store run at the same time in the real world
	"sync/atomic" //tidy:sync as above

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/system/engine"
	"ordeal/world"
)

// Node is a store as a whole: its shards and the little that they share. A region lives on the shard that its id names,
// on every store, so that no table says where it is.
type Node struct {
	shards []*Store
	ranges *ranges
	mail   *mail
	// ident is whose disk it is. The registrar alone changes it.
	ident *ordealpb.StoreIdent
	// admitted says that the placement driver has registered the store with this disk; see admission.go.
	admitted atomic.Bool
	// turns is held by every shard during a turn, and alone by one that needs the others to stand still.
	turns sync.RWMutex
}

// Open loads a store from its disk, with one shard for each of envs. An empty disk becomes a new store of that id; the disk
// of another store or cluster is refused. The number of shards may differ from one life to the next, but has to be the
// same on all stores of a cluster at any time. A disk on which what the store itself needs can't be trusted is refused: logs,
// hard states and the like are promises to others, and a store that can't read them must not come back.
func Open(cfg Config, envs []world.Env, eng *engine.Engine) (n *Node, err error) {
	defer func() {
		if bad := corruption(recover()); bad != nil {
			n, err = nil, fmt.Errorf("store %d: its own state can't be trusted, so its replicas are lost; give it an empty disk "+
				"and a new id: %w", cfg.StoreID, bad)
		}
	}()
	cfg.Shards = len(envs)
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	n = &Node{ranges: newRanges(), mail: newMail(len(envs))}
	for i, env := range envs {
		n.shards = append(n.shards, newShard(cfg, env, eng, n, i))
	}
	if err := n.shards[0].loadIdent(); err != nil {
		return nil, err
	}
	if err := n.loadPeers(eng); err != nil {
		return nil, err
	}
	n.shards[0].dropSpools()
	return n, nil
}

// New is Open for a store of a single shard.
func New(cfg Config, env world.Env, eng *engine.Engine) (*Store, error) {
	n, err := Open(cfg, []world.Env{env}, eng)
	if err != nil {
		return nil, err
	}
	return n.shards[0], nil
}

// Shards are the actors that the store consists of.
func (n *Node) Shards() []world.Actor {
	actors := make([]world.Actor, len(n.shards))
	for i, s := range n.shards {
		actors[i] = s
	}
	return actors
}

// Peers lists the store's peers by region id. In the real world only a node that is down may be asked.
func (n *Node) Peers() []PeerView {
	var all []PeerView
	for _, s := range n.shards {
		all = append(all, s.Peers()...)
	}
	slices.SortFunc(all, func(a, b PeerView) int { return cmp.Compare(a.Region.GetId(), b.Region.GetId()) })
	return all
}

// HashRegion hashes the data that the store holds in a region's range; pairs is their number. It tells replicas with
// equal applied indexes from unequal ones. It fails if they can't be read.
func (n *Node) HashRegion(r *metapb.Region) (hash uint64, pairs int, err error) {
	return n.shards[0].HashRegion(r)
}

// Residue counts what the store holds of regions: peers, and pairs of data up to the first damaged block, which is err.
func (n *Node) Residue() (peers, pairs int, err error) {
	peers = len(n.Peers())
	defer func() { err = corruption(recover()) }()
	lo, hi := engine.DataRange(nil, nil)
	n.shards[0].eng.Scan(lo, hi, func(_, _ []byte) bool { pairs++; return true })
	return peers, pairs, nil
}

// shardOf is the place of a region among the shards of every store.
func (c *Config) shardOf(region uint64) int { return int(region % uint64(c.Shards)) }

// addr is where the peer of a region on a store is reached.
func (s *Store) addr(store, region uint64) world.Addr {
	a := s.cfg.Resolve(store)
	a.Actor += uint16(s.cfg.shardOf(region))
	return a
}

// loadPeers gives every region that the disk says is alive to its shard, and remembers the tombstones.
func (n *Node) loadPeers(eng *engine.Engine) error {
	lo, hi := engine.RegionStateRange()
	states, err := n.loadStates(eng, lo, hi)
	if err != nil {
		return err
	}
	for _, st := range states {
		s := n.shards[n.shards[0].cfg.shardOf(st.GetRegion().GetId())]
		if err := s.loadPeer(st); err != nil {
			return err
		}
	}
	if first := n.shards[0]; first.cfg.Listener.Loaded != nil {
		first.cfg.Listener.Loaded(first.cfg.StoreID, livingIn(states))
	}
	return nil
}

// livingIn returns the regions of which there is more than a tombstone.
func livingIn(states []*ordealpb.RegionLocalState) (ids []uint64) {
	for _, st := range states {
		if st.GetState() != ordealpb.PeerState_TOMBSTONE {
			ids = append(ids, st.GetRegion().GetId())
		}
	}
	slices.Sort(ids)
	return ids
}

func (n *Node) loadStates(eng *engine.Engine, lo, hi []byte) (states []*ordealpb.RegionLocalState, bad error) {
	eng.Scan(lo, hi, func(_, v []byte) bool {
		st := &ordealpb.RegionLocalState{}
		if bad = proto.Unmarshal(v, st); bad != nil {
			return false
		}
		states = append(states, st)
		return true
	})
	if bad != nil {
		return nil, fmt.Errorf("store %d: region state on disk: %w", n.shards[0].cfg.StoreID, bad)
	}
	return states, nil
}
