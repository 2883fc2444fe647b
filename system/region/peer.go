package region

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
)

// FindPeer returns r's peer on a store, or nil. A region has at most one peer on each store.
func FindPeer(r *metapb.Region, storeID uint64) *metapb.Peer {
	return findPeer(r, func(p *metapb.Peer) bool { return p.GetStoreId() == storeID })
}

// FindPeerByID returns r's peer of that id, or nil.
func FindPeerByID(r *metapb.Region, peerID uint64) *metapb.Peer {
	return findPeer(r, func(p *metapb.Peer) bool { return p.GetId() == peerID })
}

func findPeer(r *metapb.Region, match func(*metapb.Peer) bool) *metapb.Peer {
	if i := slices.IndexFunc(r.GetPeers(), match); i >= 0 {
		return r.GetPeers()[i]
	}
	return nil
}

// RemovePeer takes the peer on a store out of r, which it modifies, and returns the peer, or nil if there was none. The
// others keep their order. The epoch is the caller's to raise.
func RemovePeer(r *metapb.Region, storeID uint64) *metapb.Peer {
	p := FindPeer(r, storeID)
	if p != nil {
		r.Peers = slices.DeleteFunc(r.GetPeers(), func(q *metapb.Peer) bool { return q == p })
	}
	return p
}

// Joint reports whether r is in a joint configuration: what is decided needs a majority of the voters before the change
// and one of those after it. Every such region has a peer whose role says so.
func Joint(r *metapb.Region) bool {
	return findPeer(r, func(p *metapb.Peer) bool {
		return p.GetRole() == metapb.PeerRole_IncomingVoter || p.GetRole() == metapb.PeerRole_DemotingVoter
	}) != nil
}

// Votes reports whether p is a voter of its region, at present or, in a joint configuration, once that is left.
func Votes(p *metapb.Peer) bool {
	return p.GetRole() == metapb.PeerRole_Voter || p.GetRole() == metapb.PeerRole_IncomingVoter
}

// Voters counts r's peers that Votes is true of.
func Voters(r *metapb.Region) int {
	n := 0
	for _, p := range r.GetPeers() {
		if Votes(p) {
			n++
		}
	}
	return n
}

// Clone returns a deep copy of r; nil stays nil.
func Clone(r *metapb.Region) *metapb.Region {
	if r == nil {
		return nil
	}
	return proto.CloneOf(r)
}

// Format prints a region in one short form for logs, errors and golden files, such as
//
//	r1001 [a,m) v2 c3 {s1:1002,s2:1003,s3:1004(Learner)}
//
// with peers as store:peer in the region's order and the role unless it is Voter. Keys that are not plain are quoted
// and long ones cut; see FormatKey.
func Format(r *metapb.Region) string {
	if r == nil {
		return "no region"
	}
	peers := make([]string, len(r.GetPeers()))
	for i, p := range r.GetPeers() {
		peers[i] = FormatPeer(p)
	}
	e := r.GetRegionEpoch()
	return fmt.Sprintf("r%d [%s,%s) v%d c%d {%s}", r.GetId(), FormatKey(r.GetStartKey()), FormatKey(r.GetEndKey()),
		e.GetVersion(), e.GetConfVer(), strings.Join(peers, ","))
}

// FormatPeer prints a peer as s<store>:<id>, with its role in brackets unless that is Voter.
func FormatPeer(p *metapb.Peer) string {
	if p == nil {
		return "no peer"
	}
	role := ""
	if p.GetRole() != metapb.PeerRole_Voter {
		role = "(" + p.GetRole().String() + ")"
	}
	return fmt.Sprintf("s%d:%d%s", p.GetStoreId(), p.GetId(), role)
}

// formatKeyMax is how many bytes of a key are printed.
const formatKeyMax = 64

// FormatKey prints a key for people: as it is if it is made of letters, digits and _-./: only, otherwise quoted, and
// cut after 64 bytes with its full length in bytes behind.
func FormatKey(key []byte) string {
	shown, cut := key, ""
	if len(key) > formatKeyMax {
		shown, cut = key[:formatKeyMax], fmt.Sprintf("..(%d B)", len(key))
	}
	if slices.ContainsFunc(shown, notPlain) {
		return strconv.QuoteToASCII(string(shown)) + cut
	}
	return string(shown) + cut
}

func notPlain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	default:
		return !strings.ContainsRune("_-./:", rune(c))
	}
}
