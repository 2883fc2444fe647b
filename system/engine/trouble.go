package engine

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"ordeal/world"
)

// FailedError says that the disk does not do what it is there for, and not which of its content that takes away. An engine
// panics with it: whoever can't write can promise nothing, and whoever can't read knows nothing. What was promised before
// is on the disk.
type FailedError struct {
	// What was being done, and what the disk says.
	What  string
	Cause error
}

var _ world.DiskFailure = (*FailedError)(nil)

// The kinds of failures that have a name.
const (
	DiskFull       = "disk full"
	DiskUnreadable = "disk unreadable"
	diskFailed     = "disk failed"
)

// Error implements error.
func (e *FailedError) Error() string {
	advice := ""
	if e.DiskFailure() == DiskFull {
		advice = " (make room and start again: all that was acknowledged is there)"
	}
	return fmt.Sprintf("engine: %s: %v%s", e.What, e.Cause, advice)
}

// Unwrap returns what the disk says.
func (e *FailedError) Unwrap() error { return e.Cause }

// DiskFailure implements world.DiskFailure.
func (e *FailedError) DiskFailure() string {
	switch {
	case errors.Is(e.Cause, syscall.ENOSPC):
		return DiskFull
	case errors.Is(e.Cause, syscall.EIO):
		return DiskUnreadable
	default:
		return diskFailed
	}
}

// diskTrouble is what a simulated disk refuses to do for a while. It is guarded by the mutex of the file system.
type diskTrouble struct {
	Trouble
	// refused counts what was refused, and who was told that there is no room.
	refused uint64
}

// Trouble is what a simulated disk refuses to do.
type Trouble struct {
	// Full lets it take no commit, and not be opened. Low lets it say that there is no room left, though there is some.
	Full, Low bool
	// Unreadable lets its tables not be read, but for what is in memory.
	Unreadable bool
}

// Hurt gives the disk trouble, or ends it with the zero value.
func (d *SimDisk) Hurt(t Trouble) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	d.fs.trouble.Trouble = t
}

// Heal ends all trouble and returns how often something was refused since the last time.
func (d *SimDisk) Heal() (refused uint64) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	refused = d.fs.trouble.refused
	d.fs.trouble = diskTrouble{}
	return refused
}

// Aside calls f while the disk has no trouble: for those who look at it from outside.
func (d *SimDisk) Aside(f func()) {
	d.fs.mu.Lock()
	was := d.fs.trouble
	d.fs.trouble = diskTrouble{}
	d.fs.mu.Unlock()
	defer func() {
		d.fs.mu.Lock()
		defer d.fs.mu.Unlock()
		d.fs.trouble = was
	}()
	f()
}

// room returns ENOSPC if the disk is full.
func (fs *crashFS) room() error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !fs.trouble.Full {
		return nil
	}
	fs.trouble.refused++
	return syscall.ENOSPC
}

// readable returns EIO if the file can't be read. The caller holds the mutex.
func (fs *crashFS) readable(name string) error {
	if !fs.trouble.Unreadable || !strings.HasSuffix(name, ".sst") {
		return nil
	}
	fs.trouble.refused++
	return &FailedError{What: "read of " + name, Cause: syscall.EIO}
}
