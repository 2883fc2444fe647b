package workloads

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/nemesis"
	"ordeal/workloads/traffic"
)

// Options is what a person asks for: runs of some workloads with some seeds.
type Options struct {
	// Workloads are names in the order of the list of workloads.
	Workloads []string
	// Seed is the first of Seeds consecutive seeds.
	Seed  uint64
	Seeds int
	// Out is the folder that holds the runs' folders.
	Out string
	// ListBugs asks for the list of planted bugs and no run.
	ListBugs bool
	// Base is what all runs have in common; its Workload, Seed and Out are empty.
	Base Config
}

// Configs returns one configuration a run, workload by workload, without Out.
func (o Options) Configs() []Config {
	var all []Config
	for _, w := range o.Workloads {
		for i := range o.Seeds {
			all = append(all, o.Base.For(w, o.Seed+uint64(i)))
		}
	}
	return all
}

// Bounds of the flags. One simulated cluster lives in one process, so that these are bounds of memory and patience.
const (
	SeedsMax    = 1_000_000
	DurationMin = 100 * time.Millisecond
	DurationMax = 24 * time.Hour
	StoresMax   = 25
	ReplicasMax = 7
	RegionsMax  = traffic.RegionsMax
	ClientsMax  = 256
)

// Values of flags that are not given.
const (
	DefaultSeed     = "1"
	DefaultSeeds    = "5"
	DefaultDuration = "10s"
	DefaultStores   = drawnValue
	DefaultReplicas = drawnValue
	DefaultRegions  = "4"
	DefaultClients  = "8"
	DefaultJoin     = "0"
	DefaultOut      = "out"
	DefaultLuck     = "0"
)

// DefaultWorkload is the list of the usual workloads.
func DefaultWorkload() string { return joinNames(UsualWorkloads()) }

// CheckerUsage describes the flag that chooses the checker.
const CheckerUsage = "`name` of what judges histories: auto (fast, and frontier where that cannot decide), porcupine, frontier or fast"

// Words that stand for names.
const (
	allNames  = "all"
	noNames   = "none"
	listNames = "list"
	// drawnValue leaves a number to the seed.
	drawnValue = "drawn"
)

// flagValues is the flags as they were typed. They stay text until all are known, so that every mistake is answered in
// the same words through either door.
type flagValues struct {
	workload, nemesis, bug, duration        string
	seed, seeds                             string
	stores, replicas, regions, clients, out string
	join                                    string
	luck, plain, checker                    string
	stream                                  bool
}

// FlagSet is the flags of this package in a set of package flag.
type FlagSet struct{ values flagValues }

// RegisterFlags adds the flags to fs, to be parsed with it.
func RegisterFlags(fs *flag.FlagSet) *FlagSet {
	f := &FlagSet{}
	v := &f.values
	for _, d := range []struct {
		field              *string
		name, value, usage string
	}{
		{&v.workload, "workload", DefaultWorkload(), "`names` joined by commas, of " + strings.Join(Workloads(), ", ") + "; or all"},
		{&v.nemesis, "nemesis", allNames, "`names` joined by commas, of " + strings.Join(nemesisNames(), ", ") + "; or all, or none"},
		{&v.seed, "seed", DefaultSeed, "the first `seed`, a whole number"},
		{&v.seeds, "seeds", DefaultSeeds, fmt.Sprintf("`how many` consecutive seeds, 1 to %d", SeedsMax)},
		{&v.duration, "duration", DefaultDuration, fmt.Sprintf("virtual `time` under faults, %v to %v, such as 30s or 2m", DurationMin, DurationMax)},
		{&v.stores, "stores", DefaultStores, fmt.Sprintf("`how many` stores, 1 to %d; or %s by the seed, %d to %d", StoresMax, drawnValue, drawnStoresMin, drawnStoresMax)},
		{&v.replicas, "replicas", DefaultReplicas, fmt.Sprintf("`how many` replicas of each region, 1 to %d and at most as many as stores; or %s by the seed, %d or %d", ReplicasMax, drawnValue, usualReplicas, usualStores)},
		{&v.regions, "regions", DefaultRegions, fmt.Sprintf("`how many` regions to begin with, 1 to %d", RegionsMax)},
		{&v.join, "join", DefaultJoin, "`how many` of the stores join when the others are full and clients work; placement is judged strictly then"},
		{&v.clients, "clients", DefaultClients, fmt.Sprintf("`how many` clients, 1 to %d", ClientsMax)},
		{&v.bug, "bug", "", "`name` of a planted bug to switch on, or list"},
		{&v.luck, "luck", DefaultLuck, "`number` by which all is drawn anew but knobs and faults, which are the seed's"},
		{&v.plain, "plain", noNames, "`names` of knobs that are as usual, whatever the seed draws, joined by commas, of " + strings.Join(Plains(), ", ") + "; or all, or none"},
		{&v.checker, "checker", string(checker.Auto), CheckerUsage},
		{&v.out, "out", DefaultOut, "`folder` for the folders of the runs"},
	} {
		fs.StringVar(d.field, d.name, d.value, d.usage)
	}
	fs.BoolVar(&v.stream, "stream", false, "judge and write histories while runs go on, so that long ones need no more memory than short ones")
	return f
}

// Options checks the parsed flags. Every error is a UsageError of one line.
func (f *FlagSet) Options() (Options, error) { return f.values.options() }

// ParseFlags parses arguments with one or two dashes and checks them; what is no flag is returned in rest. fs holds
// further flags of the caller, or none. Every error is a UsageError but flag.ErrHelp.
func ParseFlags(fs *flag.FlagSet, args []string) (opts Options, rest []string, err error) {
	f := RegisterFlags(fs)
	if rest, err = ParseArgs(fs, args); err != nil {
		return Options{}, nil, err
	}
	opts, err = f.Options()
	return opts, rest, err
}

// ParseArgs parses flags with one or two dashes, wherever they stand among the arguments, and returns the others.
// Every error is a UsageError but flag.ErrHelp.
func ParseArgs(fs *flag.FlagSet, args []string) (rest []string, err error) {
	fs.SetOutput(io.Discard)
	for {
		if err := fs.Parse(args); err != nil {
			return nil, flagError(fs, err)
		}
		// Package flag stops at the first argument that is no flag; those behind it are flags all the same.
		args = fs.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// flagError says what package flag said and what is allowed.
func flagError(fs *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		var allowed []string
		fs.VisitAll(func(f *flag.Flag) { allowed = append(allowed, "-"+f.Name) })
		return Usagef("unknown flag %s: allowed are %s", name, strings.Join(allowed, " "))
	}
	return Usagef("%s", text)
}

func (v flagValues) options() (o Options, err error) {
	p := flagParser{}
	o.Workloads = p.names("workload", v.workload, Workloads())
	families, err := nemesis.ParseFamilies(v.nemesis)
	if err != nil {
		p.fail("-nemesis=%s: %v", v.nemesis, err)
	}
	o.Base.Nemesis = []string{}
	for _, f := range families {
		o.Base.Nemesis = append(o.Base.Nemesis, f.Name)
	}
	o.Seed = p.number("seed", v.seed, 0, ^uint64(0))
	o.Seeds = int(p.number("seeds", v.seeds, 1, SeedsMax))
	if o.Seed+uint64(max(o.Seeds, 1)-1) < o.Seed {
		p.fail("-seed=%s -seeds=%s: the last seed would be larger than %d", v.seed, v.seeds, ^uint64(0))
	}
	o.Base.Duration = p.duration("duration", v.duration)
	o.Base.Stores = int(p.numberOrDrawn("stores", v.stores, 1, StoresMax))
	o.Base.Replicas = int(p.numberOrDrawn("replicas", v.replicas, 1, ReplicasMax))
	if o.Base.Stores > 0 && o.Base.Replicas > o.Base.Stores {
		p.fail("-replicas=%s: there are only %d stores; want at most as many replicas as stores", v.replicas, o.Base.Stores)
	}
	o.Base.Regions = int(p.number("regions", v.regions, 1, RegionsMax))
	stores, replicas := cmp.Or(o.Base.Stores, usualStores), cmp.Or(o.Base.Replicas, usualReplicas)
	o.Base.Join = int(p.number("join", v.join, 0, uint64(max(stores-replicas, 0))))
	o.Base.Clients = int(p.number("clients", v.clients, 1, ClientsMax))
	o.Base.Luck = p.number("luck", v.luck, 0, ^uint64(0))
	if strings.TrimSpace(v.plain) != noNames {
		o.Base.Plain = p.names("plain", v.plain, Plains())
	}
	engine, err := checker.ParseEngine(v.checker)
	if err != nil {
		p.fail("-checker=%s: %v", v.checker, err)
	}
	if engine != checker.Auto {
		o.Base.Checker = engine
	}
	o.Base.Stream = v.stream
	o.ListBugs = v.bug == listNames
	if v.bug != "" && !o.ListBugs {
		o.Base.Bug = p.bug(v.bug)
	}
	if o.Out = v.out; o.Out == "" {
		p.fail("-out= is empty: want a folder, such as -out=%s", DefaultOut)
	}
	return o, p.err
}

// flagParser reads values and keeps the first error.
type flagParser struct{ err error }

func (p *flagParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = Usagef(format, args...)
	}
}

func (p *flagParser) number(name, text string, lo, hi uint64) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < lo || n > hi {
		p.fail("-%s=%s: want a whole number from %d to %d", name, text, lo, hi)
		return lo
	}
	return n
}

// numberOrDrawn reads a number; 0 is one that the seed draws.
func (p *flagParser) numberOrDrawn(name, text string, lo, hi uint64) uint64 {
	if text == drawnValue {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < lo || n > hi {
		p.fail("-%s=%s: want a whole number from %d to %d, or %s", name, text, lo, hi, drawnValue)
	}
	return n
}

func (p *flagParser) duration(name, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d < DurationMin || d > DurationMax {
		p.fail("-%s=%s: want a virtual time from %v to %v, such as 30s or 2m", name, text, DurationMin, DurationMax)
	}
	return d
}

// names reads a list of names, or all, in the order of those allowed.
func (p *flagParser) names(flag, list string, allowed []string) []string {
	if strings.TrimSpace(list) == allNames {
		return slices.Clone(allowed)
	}
	var chosen []string
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(allowed, name) {
			p.fail("-%s=%s: unknown %s %q: want all, or a list of %s", flag, list, flag, name, strings.Join(allowed, ","))
			return nil
		}
		chosen = append(chosen, name)
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(n string) bool { return !slices.Contains(chosen, n) })
}

func (p *flagParser) bug(name string) string {
	var allowed []string
	for _, b := range Bugs() {
		if b.Name == name {
			return name
		}
		allowed = append(allowed, b.Name)
	}
	p.fail("-bug=%s: unknown bug: want one of %s, or list", name, strings.Join(allowed, ", "))
	return ""
}

func nemesisNames() []string {
	var names []string
	for _, f := range nemesis.Families() {
		names = append(names, f.Name)
	}
	return names
}

// joinNames is how a list of families is typed.
func joinNames(names []string) string {
	if len(names) == 0 {
		return noNames
	}
	return strings.Join(names, ",")
}

func decimal[T int | uint64](n T) string { return fmt.Sprint(n) }

// Args is the flags that repeat a run of this configuration, seed and schedule aside from the command.
func (c Config) Args() []string {
	args := []string{
		"-workload=" + c.Workload, "-seed=" + decimal(c.Seed), "-seeds=1", "-nemesis=" + c.nemesisArg(),
		"-duration=" + c.Duration.String(), "-stores=" + orDrawn(c.Stores), "-replicas=" + orDrawn(c.Replicas),
		"-regions=" + decimal(c.Regions), "-clients=" + decimal(c.Clients),
	}
	if c.Join > 0 {
		args = append(args, "-join="+decimal(c.Join))
	}
	if c.Bug != "" {
		args = append(args, "-bug="+c.Bug)
	}
	if c.Luck != 0 {
		args = append(args, "-luck="+decimal(c.Luck))
	}
	if len(c.Plain) > 0 {
		args = append(args, "-plain="+joinNames(c.Plain))
	}
	if c.Checker != "" {
		args = append(args, "-checker="+string(c.Checker))
	}
	if c.Stream {
		args = append(args, "-stream")
	}
	return args
}

func (c Config) nemesisArg() string {
	if slices.Equal(c.Nemesis, nemesisNames()) {
		return allNames
	}
	return joinNames(c.Nemesis)
}
