package registertest

import (
	"syscall"
	"testing"
	"time"
)

// Meter measures what benchmarks take, on machines that do other things as well: the processor time of this process
// tells more there than the time on the wall, which the others share in.
type Meter struct{ began time.Duration }

// StartMeter begins to measure. It is called right before b.Loop.
func StartMeter(b *testing.B) Meter { return Meter{usage(b)} }

// Report reports, for a loop of which every round judges so many operations: how many a second on the wall; how many a
// second of one core; and the most memory that the process has had at any time since it began, in GiB.
func (m Meter) Report(b *testing.B, ops int) {
	all := float64(ops) * float64(b.N)
	b.ReportMetric(all/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(all/(usage(b)-m.began).Seconds(), "ops/core-s")
	b.ReportMetric(float64(resources(b).Maxrss)/(1<<20), "peak-GiB") // Linux counts it in KiB
}

func usage(b *testing.B) time.Duration {
	u := resources(b)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func resources(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}
