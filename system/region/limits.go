package region

// ShardsLabel is the label of a store that says how many shards it has, in decimal. Region r is served by the actor that
// comes r modulo that many places after the one at the store's address.
const ShardsLabel = "shards"

// DiskLabel is the label of a store that tells its disk from others, in hexadecimal: one that comes with another disk than
// the one it is known with has lost what it promised.
const DiskLabel = "disk"

// Bounds on what one request may carry. They hold at the door of the store, so that nothing larger is ever replicated.
const (
	// MaxKeySize is the longest key, in bytes.
	MaxKeySize = 4 << 10
	// MaxValueSize is the longest value, in bytes.
	MaxValueSize = 1 << 20
	// BatchKeysMax is the most keys of one batch, read or written.
	BatchKeysMax = 1024
	// BatchBytesMax is the most bytes of keys and values in one batch, read or written.
	BatchBytesMax = 4 << 20
	// RaftEntrySizeMax is the largest log entry, in bytes. One operation of the largest kind, a compare-and-swap of
	// one largest value by another, fits with room to spare.
	RaftEntrySizeMax = 8 << 20
	// ScanLimitMax is the most pairs that one scan of one region returns.
	ScanLimitMax = 10_000
	// ScanBytesMax is about where a scan stops, in bytes of keys and values; the pair that crosses it is the last.
	ScanBytesMax = 4 << 20
	// PeersMax is the most peers of one region.
	PeersMax = 9
	// SplitKeysMax is the most keys that one split cuts a region at.
	SplitKeysMax = 64
)

// The build fails here if the largest batch, with something for each key, would not fit into an entry.
const _ = uint(RaftEntrySizeMax - (BatchBytesMax + BatchKeysMax*32))

// The build fails here if the largest operation (key, value and expected value) would not fit into an entry.
const _ = uint(RaftEntrySizeMax - (MaxKeySize + 2*MaxValueSize))
