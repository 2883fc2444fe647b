package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"ordeal/system/engine"
)

// TestElectionTimeouts looks at what the library draws by itself and at what a seeded world draws: a peer that hears
// nothing starts an election after ElectionTicks to twice as many, spread over all of them, and two are seldom first.
func TestElectionTimeouts(t *testing.T) {
	t.Parallel()
	const electionTicks, peers, rounds = 10, 5, 200
	eng, err := engine.NewSimDisk().Open()
	require.NoError(t, err)
	region := uint64(0)
	for name, jitter := range map[string]func(id, term uint64) int{
		"library": nil,
		"seeded": func(id, term uint64) int {
			h := (id*0x9e3779b97f4a7c15 ^ term) * 0xd6e8feb86659fd93
			return int((h ^ h>>32) % electionTicks)
		},
	} {
		seen, ties := map[int]int{}, 0
		for round := range uint64(rounds) {
			first, atFirst := 2*electionTicks, 0
			for id := range uint64(peers) {
				region++
				n := ticksToCampaign(t, eng, region, id+1, round+6, electionTicks, jitter)
				if seen[n]++; n < first {
					first, atFirst = n, 0
				}
				if n == first {
					atFirst++
				}
			}
			if atFirst > 1 {
				ties++
			}
		}
		for n := range electionTicks {
			require.Greater(t, seen[electionTicks+n], peers*rounds/electionTicks/2, "%s: too few start after %d ticks", name, n)
			delete(seen, electionTicks+n)
		}
		require.Empty(t, seen, "%s: elections start too early or too late", name)
		require.Less(t, ties, rounds*2/5, "%s: two are first too often", name)
	}
}

// ticksToCampaign is after how many ticks a peer asks for votes.
func ticksToCampaign(
	t *testing.T, eng *engine.Engine, region, id, term uint64, electionTicks int, jitter func(id, term uint64) int,
) int {
	t.Helper()
	start := ID{Index: InitialIndex, Term: term}
	cfg := Config{
		Region: region, Peer: id, ElectionTicks: electionTicks, HeartbeatTicks: 1, Nonce: 1,
		Conf: &ConfState{Voters: []uint64{1, 2, 3, 4, 5}}, Applied: start, Truncated: start,
	}
	if jitter != nil {
		cfg.Jitter = func(term uint64) int { return jitter(id, term) }
	}
	g, err := Open(cfg, eng)
	require.NoError(t, err)
	for n := 1; n < 10*electionTicks; n++ {
		g.Tick()
		for g.HasReady() {
			b := eng.NewBatch()
			rd := g.Ready(b)
			eng.Commit(b)
			if rd.Persisted != nil {
				rd.Send = append(rd.Send, rd.Persisted.Send...)
				g.Persisted(rd.Persisted)
			}
			for _, m := range rd.Send {
				if m.GetType() == raftpb.MsgPreVote {
					return n
				}
			}
		}
	}
	return 0
}
