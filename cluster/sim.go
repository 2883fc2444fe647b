package cluster

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/pd"
	"ordeal/proto/metapb"
	"ordeal/system/engine"
	"ordeal/system/store"
	"ordeal/world"
	"ordeal/world/sim"
)

// Sim is a cluster in a simulated world.
type Sim struct {
	admin
	World *sim.World
	cfg   Config

	// stores are those that are there, ascending; born is how many there ever were.
	stores []*simStore
	born   int
	pds    []*pd.Member
	// pdDisks are theirs.
	pdDisks []*engine.SimDisk

	// left are the stores that the driver has agreed to empty, joined those that have come in their places: each in that of the
	// one at the same place in left.
	left, joined []world.NodeID

	points points
	// awaited are the conditions that somebody waits for.
	awaited []*awaited
	rots    []*rot
	losses  []*loss
	blanks  []*blank
	// changes are the commands on their way that change a region's replicas, and some that are there.
	changes []*changing

	// troubles are those that last, soundFrom is when the last one to end will be over, resumed when nodes were resumed last.
	troubles  trouble
	soundFrom world.Time
	resumed   world.Time
}

type simStore struct {
	id    world.NodeID
	disk  *engine.SimDisk
	store *store.Node
	// last is what the store knew when it went down, at the time downSince.
	last      []store.PeerView
	downSince world.Time
	// deaf are its shards that hear nothing but their disk, heard is when the last one heard again.
	deaf  map[int]bool
	heard world.Time
	// lost says that its disk is lost, and that it never comes back.
	lost bool
}

// NewSim adds a cluster to a world. Nothing has happened in it yet.
func NewSim(w *sim.World, cfg Config) (*Sim, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Sim{World: w, cfg: cfg}
	c.listenForStates()
	c.cfg.Store.Listener.Quarantined = c.countQuarantined(cfg.Store.Listener.Quarantined)
	c.cfg.Store.Listener.Load = c.noteDeaf(cfg.Store.Listener.Load)
	c.cfg.Store.Listener.Refused = c.hearRefused(cfg.Store.Listener.Refused)
	c.admin = admin{
		find:    func(_ world.Proc, id uint64) *metapb.Region { return c.region(id) },
		drivers: c.driversLeaderFirst, timeout: adminTimeout, splitEmpty: len(cfg.SplitKeys) >= manyRegions,
	}
	w.OnCrash(c.onCrash)
	for _, id := range cfg.pdNodes() {
		if err := c.addPD(id); err != nil {
			return nil, err
		}
	}
	for _, n := range c.PDs() {
		w.Keep(n)
	}
	for range cfg.Stores {
		if err := c.addStore(c.nextStore()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Sim) addPD(id world.NodeID) error {
	i := len(c.pds)
	c.pds = append(c.pds, nil)
	c.pdDisks = append(c.pdDisks, engine.NewSimDisk())
	return c.World.AddNode(c.cfg.pdNode(id, c.pdDisks[i], pdHooks{
		configure: func(cfg *pd.Config, env world.Env) {
			jitter := env.Rand.Uint64()
			cfg.Jitter = func(member, term uint64) int { return int(mix(jitter, member, term) >> 1) }
		},
		booted: func(m *pd.Member) { c.pds[i] = m },
	}))
}

func (c *Sim) addStore(id world.NodeID) error {
	s := &simStore{id: id, disk: engine.NewSimDisk(), deaf: map[int]bool{}}
	c.stores = append(c.stores, s)
	return c.World.AddNode(c.cfg.storeNode(id, s.disk, storeHooks{
		configure: func(cfg *store.Config, env world.Env) {
			seedJitter(cfg, env)
			cfg.Failpoint = func(point string, region uint64) bool { return c.passed(id, point, region) }
		},
		booted: func(n *store.Node) { s.store = n },
	}))
}

// Extend lets a new store, without anything on it, join the cluster while it runs.
func (c *Sim) Extend() (world.NodeID, error) {
	if len(c.stores) >= StoresMax {
		return 0, fmt.Errorf("cluster: there are %d stores: want at most %d", len(c.stores), StoresMax)
	}
	id := c.nextStore()
	return id, c.addStore(id)
}

// nextStore is the id of a store that there has not been.
func (c *Sim) nextStore() world.NodeID {
	c.born++
	if c.born <= StoresMax {
		return world.NodeID(c.born)
	}
	return LateStore + world.NodeID(c.born-StoresMax-1)
}

// seedJitter draws the election jitter of a store's life from the world's seed.
func seedJitter(cfg *store.Config, env world.Env) {
	jitter, ticks := env.Rand.Uint64(), uint64(cfg.ElectionTicks)
	cfg.Jitter = func(peer, term uint64) int { return int(mix(jitter, peer, term) % ticks) }
}

// mix hashes a seed, a peer and a term: the election jitter must depend on nothing else, or the number of times the
// library asks for it would show.
func mix(seed, peer, term uint64) uint64 {
	h := seed
	for _, v := range [...]uint64{peer, term} {
		h ^= v
		h *= 0x9e3779b97f4a7c15
		h ^= h >> 32
		h *= 0xd6e8feb86659fd93
		h ^= h >> 29
	}
	return h
}

// PD is the member that leads the placement driver now, or any other if none does.
func (c *Sim) PD() *pd.Member {
	if leader := c.PDLeader(); leader != 0 {
		return c.pds[leader-PDNode]
	}
	return c.pds[0]
}

// PDLeader implements nemesis.Target.
func (c *Sim) PDLeader() world.NodeID {
	leader, term := world.NodeID(0), uint64(0)
	for i, m := range c.pds {
		n := PDNode + world.NodeID(i)
		if c.World.Up(n) && m.Term() > term { // one that was deposed may not know it yet
			leader, term = n, m.Term()
		}
	}
	return leader
}

// driversLeaderFirst is where the members of the placement driver are, the one that leads before the others.
func (c *Sim) driversLeaderFirst() []world.Addr {
	all := c.cfg.drivers()
	if leader := c.PDLeader(); leader != 0 {
		i := int(leader - PDNode)
		all[0], all[i] = all[i], all[0]
	}
	return all
}

// store returns a store that is there, or nil.
func (c *Sim) store(id world.NodeID) *simStore {
	i, ok := slices.BinarySearchFunc(c.stores, id, func(s *simStore, id world.NodeID) int { return cmp.Compare(s.id, id) })
	if !ok {
		return nil
	}
	return c.stores[i]
}

// disk returns the disk of a store or a member of the placement driver, or nil.
func (c *Sim) disk(id world.NodeID) *engine.SimDisk {
	if s := c.store(id); s != nil {
		return s.disk
	}
	if id >= PDNode && int(id-PDNode) < len(c.pdDisks) {
		return c.pdDisks[id-PDNode]
	}
	return nil
}

// hash is HashRegion of a store, whatever trouble its disk has.
func (s *simStore) hash(r *metapb.Region) (hash uint64, pairs int, err error) {
	s.disk.Aside(func() { hash, pairs, err = s.store.HashRegion(r) })
	return hash, pairs, err
}

// residue is Residue of a store, whatever trouble its disk has.
func (s *simStore) residue() (peers, pairs int, err error) {
	s.disk.Aside(func() { peers, pairs, err = s.store.Residue() })
	return peers, pairs, err
}

// views is what a store knows of its peers, or knew when it went down.
func (c *Sim) views(s *simStore) []store.PeerView {
	if c.World.Up(s.id) {
		return s.store.Peers()
	}
	return s.last
}
