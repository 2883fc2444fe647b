//go:build unix

package driver

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFolder waits until no other driver builds in the folder. The lock goes with the process that holds it.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache of workers: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the cache of workers: %w", err)
	}
	return func() { f.Close() }, nil
}
