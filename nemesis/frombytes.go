package nemesis

import (
	"math"
	"slices"
	"time"

	"ordeal/internal/fuzzrand"
)

// What FromBytes reads: every faultBytes bytes are a fault, the first of them the time since the last one, then how long it
// lasts, of which family it is, and what the family draws. Faults have a fixed size, so that a byte that comes or goes in one does
// not make others of all that follow.
const (
	faultBytes = 8
	// fromBytesMax is the most faults that are read.
	fromBytesMax = 64
	// gapParts is into how many steps of time the chaos phase is cut; a gap has up to 255 of them.
	gapParts = 512
)

// FromBytes makes a schedule of any bytes, for fuzzing, with the same promises as Draw: all faults are over in time, a majority
// of stores stays up. Families that are unavailable yield nothing. Bytes at the end that are too few for a fault have no meaning.
func FromBytes(data []byte, families []Family, duration time.Duration, stores int, opts Options) Schedule {
	opts.CrashPoints = slices.Sorted(slices.Values(opts.CrashPoints))
	if opts.Clients == 0 {
		opts.Clients = clientsDefault
	}
	d := &drawer{stores: stores, opts: opts, end: duration - min(duration/quietShare, quietMax)}
	var s Schedule
	at := time.Duration(0)
	for n := 0; len(data) >= faultBytes && len(families) > 0 && n < fromBytesMax; n++ {
		b := data[:faultBytes]
		data = data[faultBytes:]
		at += (time.Duration(b[0]) * d.end / gapParts).Truncate(time.Millisecond)
		if at >= d.end {
			break
		}
		f := families[int(b[2])*len(families)>>8]
		if f.Unavailable(stores, opts) != "" {
			continue
		}
		d.rng = fuzzrand.New(b[3:])
		if e, ok := d.entryFor(f, at, b[1]); ok {
			s = append(s, e)
		}
	}
	return s
}

// entryFor is entry with the length of the fault decided by a byte.
func (d *drawer) entryFor(f Family, at time.Duration, length byte) (Entry, bool) {
	e := Entry{At: at, Fault: f.draw(d)}
	room, ok := d.leaveTime(&e)
	if !ok {
		return e, false
	}
	if effectOf(e.Fault) == effectInstant {
		return e, true
	}
	if room < time.Millisecond {
		return e, false
	}
	long := float64(holdMin) * math.Pow(float64(holdMax)/float64(holdMin), float64(length)/math.MaxUint8)
	e.For = max(time.Millisecond, min(time.Duration(long).Truncate(time.Millisecond), room.Truncate(time.Millisecond)))
	if !d.fits(e) {
		return e, false
	}
	d.lasting = append(d.lasting, e)
	return e, true
}
