package engine

import (
	"encoding/binary"
	"fmt"
)

// The key spaces of a node. The first byte of a key says what it belongs to; spaces do not overlap.
//
//	0x01 0x01                              the store's identity
//	0x02 region 0x01 index                 an entry of a region's Raft log
//	0x02 region 0x02                       a region's Raft hard state
//	0x02 region 0x03                       a region's apply state
//	0x03 region                            a region's state: its range, epoch, peers, or its tombstone
//	0x04 name                              what the placement driver keeps
//	0x05 region seq                        a piece of a snapshot on its way to a region's peer
//	'z'  user key                          the data
//
// Numbers are 8 bytes, big-endian, so that keys sort as their numbers do.
const (
	spaceStore       = 0x01
	spaceRaft        = 0x02
	spaceRegionState = 0x03
	spacePD          = 0x04
	spaceSpool       = 0x05
	spaceData        = 'z'

	storeIdent = 0x01

	raftLog        = 0x01
	raftHardState  = 0x02
	raftApplyState = 0x03
)

const (
	raftKeyLen        = 1 + 8 + 1
	raftLogKeyLen     = raftKeyLen + 8
	regionStateKeyLen = 1 + 8
)

// StoreIdentKey is where a store keeps who it is.
func StoreIdentKey() []byte { return []byte{spaceStore, storeIdent} }

// RaftLogKey is where entry index of a region's Raft log is kept.
func RaftLogKey(region, index uint64) []byte {
	return binary.BigEndian.AppendUint64(raftKey(region, raftLog), index)
}

// RaftLogRange covers the entries [lo, hi) of a region's Raft log.
func RaftLogRange(region, lo, hi uint64) (start, end []byte) {
	return RaftLogKey(region, lo), RaftLogKey(region, hi)
}

// HardStateKey is where a region's Raft hard state (term, vote, commit) is kept.
func HardStateKey(region uint64) []byte { return raftKey(region, raftHardState) }

// ApplyStateKey is where is kept how far a region has applied its log.
func ApplyStateKey(region uint64) []byte { return raftKey(region, raftApplyState) }

// RegionRaftRange covers everything Raft of one region: log, hard state and apply state.
func RegionRaftRange(region uint64) (start, end []byte) {
	start = binary.BigEndian.AppendUint64([]byte{spaceRaft}, region)
	end = binary.BigEndian.AppendUint64([]byte{spaceRaft}, region)
	return start, successor(end)
}

// RegionStateKey is where a region's state is kept. It stays when the region's Raft state and data go, as a tombstone.
func RegionStateKey(region uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceRegionState}, region)
}

// RegionStateRange covers the states of all regions, in order of their ids.
func RegionStateRange() (start, end []byte) {
	return []byte{spaceRegionState}, []byte{spaceRegionState + 1}
}

// PDKey is where the placement driver keeps name.
func PDKey(name string) []byte { return append([]byte{spacePD}, name...) }

// PDRange covers all names of the placement driver that begin with prefix.
func PDRange(prefix string) (start, end []byte) {
	return PDKey(prefix), successor(PDKey(prefix))
}

// SpoolKey is where piece seq of a snapshot for a region's peer waits for the others.
func SpoolKey(region, seq uint64) []byte {
	k := binary.BigEndian.AppendUint64([]byte{spaceSpool}, region)
	return binary.BigEndian.AppendUint64(k, seq)
}

// SpoolRange covers the pieces [lo, hi) of a snapshot for a region's peer.
func SpoolRange(region, lo, hi uint64) (start, end []byte) {
	return SpoolKey(region, lo), SpoolKey(region, hi)
}

// AllSpools covers the pieces of all snapshots.
func AllSpools() (start, end []byte) { return []byte{spaceSpool}, []byte{spaceSpool + 1} }

// DataKey is where the value of a user's key is kept. All user keys are allowed, the empty one too.
func DataKey(user []byte) []byte {
	return append(append(make([]byte, 0, 1+len(user)), spaceData), user...)
}

// DataRange covers the user keys [start, end). An empty end is the end of all user keys.
func DataRange(startUser, endUser []byte) (start, end []byte) {
	if len(endUser) == 0 {
		return DataKey(startUser), []byte{spaceData + 1}
	}
	return DataKey(startUser), DataKey(endUser)
}

// UserKey returns the user's key in dataKey, without copying it. It panics if dataKey lies outside the data.
func UserKey(dataKey []byte) []byte {
	if len(dataKey) == 0 || dataKey[0] != spaceData {
		panic(fmt.Sprintf("engine: %x is no data key", dataKey))
	}
	return dataKey[1:]
}

// DecodeRaftLogKey is the inverse of RaftLogKey. It returns false if key is no key of a log entry.
func DecodeRaftLogKey(key []byte) (region, index uint64, ok bool) {
	if len(key) != raftLogKeyLen || key[0] != spaceRaft || key[raftKeyLen-1] != raftLog {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint64(key[raftKeyLen:]), true
}

// DecodeRegionStateKey is the inverse of RegionStateKey. It returns false if key is no key of a region's state.
func DecodeRegionStateKey(key []byte) (region uint64, ok bool) {
	if len(key) != regionStateKeyLen || key[0] != spaceRegionState {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), true
}

func raftKey(region uint64, suffix byte) []byte {
	k := append(make([]byte, 0, raftLogKeyLen), spaceRaft)
	return append(binary.BigEndian.AppendUint64(k, region), suffix)
}

// successor returns the first key that is above all keys with the given prefix, nil if there is none. It reuses prefix.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			prefix[i]++
			return prefix[:i+1]
		}
	}
	return nil
}
