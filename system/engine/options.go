package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// keysEnd is above the keys of all key spaces.
var keysEnd = []byte{0xff}

const (
	// noLimit stands for a threshold that must never be reached. Pebble adds to some of them.
	noLimit = math.MaxInt32 / 2
	// simCacheBytes is small, since reading a block again is cheap where the files are in memory already.
	simCacheBytes = 8 << 20
	// bloomBitsPerKey gives one false positive in a hundred.
	bloomBitsPerKey = 10
	// simBlockBytes is small, so that the little data that a simulation has lies in many blocks.
	simBlockBytes = 1 << 10
	// simFiles bounds the open tables of a simulated disk.
	simFiles = 64
)

// simOptions are those of a Pebble that does nothing by itself: no flush, compaction or statistics that was not asked for.
func simOptions(fs vfs.FS, found *damages) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		FormatMajorVersion:          formatVersion,
		Logger:                      logger{},
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: noLimit,
		L0CompactionThreshold:       noLimit,
		L0StopWritesThreshold:       noLimit,
		DisableAutomaticCompactions: true,
		DisableTableStats:           true,
		CacheSize:                   simCacheBytes,
		MaxOpenFiles:                simFiles,
	}
	o.Experimental.ReadSamplingMultiplier = -1
	o.Experimental.FileCacheShards = 1
	o.Experimental.CompactionScheduler = atOnce{}
	for i := range o.Levels {
		o.Levels[i].BlockSize = simBlockBytes
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	addCommon(o, found)
	return o
}

// addCommon adds what disks of both kinds have: filters that spare single reads most of the tables that do not have their
// key, and a listener for damaged blocks. Whoever reads one gets an error, and what compactions meet is found; Pebble by
// itself would end the process.
func addCommon(o *pebble.Options, found *damages) {
	o.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}, CompactionEnd: found.compacted}
	o.Experimental.SpanPolicyFunc = dataApart
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
}

// dataApart has tables end where the data begin. A read that looks for the next key loads the next block of a table, whatever
// its bounds: were that a damaged one with data, a store that reads what it can't live without would be lost as a whole.
func dataApart(start []byte) (p pebble.SpanPolicy, end []byte, err error) {
	if data := []byte{spaceData}; bytes.Compare(start, data) < 0 {
		end = data
	}
	return p, end, nil
}

// atOnce lets every compaction that is asked for run. Pebble's own scheduler keeps a ticking goroutine for each database.
type atOnce struct{}

// Register implements pebble.CompactionScheduler.
func (atOnce) Register(int, pebble.DBForCompaction) {}

// Unregister implements pebble.CompactionScheduler.
func (atOnce) Unregister() {}

// TrySchedule implements pebble.CompactionScheduler.
func (atOnce) TrySchedule() (bool, pebble.CompactionGrantHandle) { return true, atOnce{} }

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler.
func (atOnce) UpdateGetAllowedWithoutPermission() {}

// Started implements pebble.CompactionGrantHandle.
func (atOnce) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (atOnce) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (atOnce) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done implements pebble.CompactionGrantHandle.
func (atOnce) Done() {}

// logger is silent about what goes well. Failures in the background, which Pebble tries again, are logged; what it can't
// recover from is a panic.
type logger struct{}

// Infof implements pebble.Logger.
func (logger) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (logger) Errorf(format string, args ...any) {
	slog.Error("engine: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger.
func (logger) Fatalf(format string, args ...any) {
	panic("engine: " + fmt.Sprintf(format, args...))
}
