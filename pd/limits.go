package pd

import "ordeal/system/region"

// Bounds on what one message may ask for and on what waits.
const (
	// peersMax is the most peers a region may have; one more than the wanted number must fit while one is replaced.
	peersMax = region.PeersMax
	// allocCountMax is the most ids that one request is given.
	allocCountMax = 10_000
	// scanRegionsMax is the most regions that one scan returns, whatever its limit says.
	scanRegionsMax = 1 << 16
	// regionFlushMax is the most regions that one tick puts into the log.
	regionFlushMax = 1024
	// heldMax is the most answers that wait for the log and for a quorum. What comes beyond is dropped, as a network would: whoever
	// waits for it asks again.
	heldMax = 1 << 16
)

// Of the group of members.
const (
	// membersMax is how many members there may be.
	membersMax = 7
	// electionTicks is how many ticks a member waits for a sign of the leader, and up to twice as many, before it wants to lead;
	// a leader that hears of no quorum for as long stops leading.
	electionTicks, heartbeatTicks = 10, 2
	// logBytesMax is how large the log may be in bytes of encoded entries; logCacheBytes is what is kept of it in memory.
	logBytesMax, logCacheBytes = 8 << 20, 256 << 10
)
