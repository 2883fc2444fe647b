package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// userHz is the unit of /proc/stat: hundredths of a second on every Linux that Go runs on.
const userHz = 100

// cpuMark is a moment in the life of this process and of the machine.
type cpuMark struct {
	at time.Time
	// own is the CPU time of this process, all that of the machine.
	own, all time.Duration
}

func markCPU() (cpuMark, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return cpuMark{}, fmt.Errorf("getrusage: %w", err)
	}
	all, err := machineCPU()
	if err != nil {
		return cpuMark{}, err
	}
	return cpuMark{at: time.Now(), own: time.Duration(u.Utime.Nano() + u.Stime.Nano()), all: all}, nil
}

// machineCPU is how long the machine's cores were busy, all together.
func machineCPU() (time.Duration, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("load of the machine: %w", err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	fields := strings.Fields(line)
	// user nice system idle iowait irq softirq steal
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("load of the machine: /proc/stat begins with %q", line)
	}
	var ticks int64
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("load of the machine: %w", err)
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / userHz, nil
}

// since is what happened from m to now: seconds, and the cores that this process and the others kept busy.
func (m cpuMark) since() (seconds, ownCores, foreignCores float64, err error) {
	now, err := markCPU()
	if err != nil {
		return 0, 0, 0, err
	}
	seconds = now.at.Sub(m.at).Seconds()
	ownCores = (now.own - m.own).Seconds() / seconds
	foreignCores = max(0, (now.all-m.all).Seconds()/seconds-ownCores)
	return seconds, ownCores, foreignCores, nil
}

// residentMiB is what this process holds in memory after it gave back what it does not need.
func residentMiB() (float64, error) {
	debug.FreeOSMemory()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		if _, err := fmt.Sscanf(lines.Text(), "VmRSS: %f kB", &kib); err == nil {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("memory: /proc/self/status has no VmRSS")
}
