package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// DiskTrouble is what a disk does to those who wait for it; one of the six.
type DiskTrouble struct {
	// Slow is by how much each fsync takes longer.
	Slow time.Duration
	// Stalls lets no fsync end.
	Stalls bool
	// Fails lets the next fsync fail. What it was for may be on the disk or not, so the node must go down.
	Fails bool
	// Full lets nothing more be written: the node must go down, and can't start.
	Full bool
	// Low leaves no room but a reserve: the node must refuse what would take more.
	Low bool
	// Unreadable lets what is in tables not be read: the node loses power, so that it knows nothing by heart, and goes down again
	// when it comes to something that it can't read.
	Unreadable bool
}

// Disk gives the disks of some nodes trouble.
type Disk struct {
	Whom Victims
	DiskTrouble
}

// Name is the family.
func (f Disk) Name() string { return "disk" }

// String is the source text.
func (f Disk) String() string {
	switch {
	case f.Stalls:
		return fmt.Sprintf("disk %v stalls", f.Whom)
	case f.Fails:
		return fmt.Sprintf("disk %v fails", f.Whom)
	case f.Full:
		return fmt.Sprintf("disk %v full", f.Whom)
	case f.Low:
		return fmt.Sprintf("disk %v low", f.Whom)
	case f.Unreadable:
		return fmt.Sprintf("disk %v unreadable", f.Whom)
	}
	return fmt.Sprintf("disk %v slow(%s)", f.Whom, seconds(f.Slow))
}

func parseDisk(s *scanner) (Fault, error) {
	v, err := s.victims()
	if err != nil {
		return nil, err
	}
	f := Disk{Whom: v}
	s.space()
	start := s.pos
	switch s.word() {
	case "stalls":
		f.Stalls = true
	case "fails":
		f.Fails = true
	case "full":
		f.Full = true
	case "low":
		f.Low = true
	case "unreadable":
		f.Unreadable = true
	case "slow":
		s.pos = start
		f.Slow, err = s.timed("slow")
	default:
		s.pos = start
		err = s.errorAt(start, "want slow(TIME), stalls, low, fails, full or unreadable, found %s", s.rest())
	}
	return f, err
}

// Apply begins.
func (f Disk) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	for _, n := range nodes {
		if f.Unreadable {
			if _, err := t.Crash(n); err != nil {
				return Receipt{}, err
			}
			if err := t.Restart(n); err != nil {
				return Receipt{}, err
			}
		}
		if err := t.HurtDisk(n, f.DiskTrouble); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{Text: "disk of " + f.Whom.names(t, nodes)}, nil
}

// Heal ends all trouble and starts every node that is down. The fsyncs that were touched are the evidence.
func (f Disk) Heal(_ world.Proc, t Target) (Receipt, error) {
	touched := t.HealDisks()
	r := Receipt{Bit: touched > 0, Text: plural(touched, "disk operation") + " slow, held or refused"}
	up, err := restart(t, t.Stores())
	if len(up) > 0 {
		r.Text += "; " + names(up) + " up again"
	}
	pds, e := restart(t, t.PDs())
	if len(pds) > 0 {
		r.Text += "; " + pdNames(t, pds) + " up again"
	}
	return r, joinErrors(err, e)
}

// fsyncMin and fsyncMax bound by how much an fsync takes longer.
const fsyncMin, fsyncMax = time.Millisecond, 500 * time.Millisecond

func drawDisk(d *drawer) Fault {
	f := Disk{Whom: d.victims(6)}
	kinds := []float64{3, 2, 1, 2, 1, 1}
	if d.downMax() == 0 {
		kinds = kinds[:3] // none that takes the node down
	}
	switch d.weighted(kinds) {
	case 0:
		f.Slow = d.logUniform(fsyncMin, fsyncMax)
	case 1:
		f.Stalls = true
	case 2:
		f.Low = true
	case 3:
		f.Fails = true
	case 4:
		f.Full = true
	default:
		f.Unreadable = true
	}
	return f
}
