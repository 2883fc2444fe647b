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
	// regionFlushMax is the most regions that one tick writes to the disk.
	regionFlushMax = 4096
	// heldMax is the most answers that wait for the disk. What comes beyond is dropped, as a network would: whoever
	// waits for it asks again.
	heldMax = 1 << 16
)
