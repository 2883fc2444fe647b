package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// Values of the gallery's flags that are not given. A bug that is not found within so many seeds counts as not found.
const (
	gallerySeeds = "2000"
	galleryBases = 5
	basesMax     = 101
)

func galleryCommand() *cobra.Command {
	return command{
		use:   "gallery [BUG...] [flags]",
		short: "Look for planted bugs, some or all: how many runs it takes to find each, and whether the run that found it replays",
		examples: `  ordeal gallery stale-read merge-writes -bases=1
  ordeal gallery -write=docs/bugs.md           all of them, into the table of that page
  ordeal gallery -nemesis=all -workload=all    with all faults instead of those that find each bug soon`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			flags := workloads.RegisterFlags(fs)
			if err := setDefault(fs, "seeds", gallerySeeds); err != nil {
				panic(err)
			}
			bases := fs.Int("bases", galleryBases, fmt.Sprintf("`how many` times each bug is looked for, with other seeds each time, 1 to %d; medians are told", basesMax))
			asJSON := fs.Bool("json", false, "print one bug a line, in JSON, and no table")
			write := fs.String("write", "", "`file` whose table of planted bugs gets what was measured")
			return func(ctx context.Context, args []string) error {
				g, err := galleryOf(fs, flags, args, *bases)
				if err != nil {
					return err
				}
				return gallery(ctx, g, *asJSON, *write)
			}
		},
	}.cobra()
}

// setDefault gives a flag another value for when it is not given.
func setDefault(fs *flag.FlagSet, name, value string) error {
	fs.Lookup(name).DefValue = value
	return fs.Lookup(name).Value.Set(value)
}

// galleryOf checks what was asked for. Only flags that were given take the place of what a bug asks for.
func galleryOf(fs *flag.FlagSet, flags *workloads.FlagSet, names []string, bases int) (g driver.Gallery, err error) {
	opts, err := flags.Options()
	if err != nil {
		return g, err
	}
	if opts.ListBugs || opts.Base.Bug != "" {
		return g, workloads.Usagef("gallery takes names of bugs without -bug=, such as gallery stale-read; run -bug=list lists them")
	}
	if bases < 1 || bases > basesMax {
		return g, workloads.Usagef("-bases=%d: want a whole number from 1 to %d", bases, basesMax)
	}
	last := opts.Seed + uint64(bases)*workloads.SeedsMax
	if last < opts.Seed {
		return g, workloads.Usagef("-seed=%d -bases=%d: the last seed would be larger than %d", opts.Seed, bases, ^uint64(0))
	}
	g = driver.Gallery{Seed: opts.Seed, Seeds: opts.Seeds, Bases: bases, Base: opts.Base, Out: opts.Out}
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "workload":
			g.Workloads = opts.Workloads
		case "nemesis":
			g.Nemesis = opts.Base.Nemesis
		}
	})
	g.Bugs, err = bugsNamed(names)
	if err != nil {
		return g, err
	}
	return g, g.CheckOut()
}

// bugsNamed returns the bugs of these names in their usual order, all if there are none.
func bugsNamed(names []string) ([]workloads.Bug, error) {
	all := workloads.Bugs()
	var known []string
	for _, b := range all {
		known = append(known, b.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, workloads.Usagef("gallery: there is no bug %q: want some of %s", n, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(b workloads.Bug) bool { return !slices.Contains(names, b.Name) }), nil
}

// gallery looks for bugs and tells what it took to find them.
func gallery(ctx context.Context, g driver.Gallery, asJSON bool, write string) error {
	if write != "" {
		// A file without a table is a mistake that must not show when all is measured.
		if err := writeGallery(write, nil); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return failed(err)
	}
	console := driver.NewConsole(os.Stderr)
	begun := 0
	searches, err := g.Search(ctx, console, self, func(s driver.Search) {
		begun++
		console.Line("%s", searchLine(s, begun, len(g.Bugs)*g.Bases))
	})
	if err != nil {
		return failed(err)
	}
	finds := g.Finds(searches)
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetEscapeHTML(false)
		for _, f := range finds {
			if err := enc.Encode(f); err != nil {
				return failed(err)
			}
		}
	} else {
		driver.PrintFinds(os.Stdout, finds, driver.Terminal(os.Stdout))
		fmt.Printf("verdict: %s\n", g.GalleryVerdict(finds))
	}
	if write != "" && ctx.Err() == nil {
		if err := writeGallery(write, finds); err != nil {
			return err
		}
	}
	return judged(g.GalleryVerdict(finds))
}

// searchLine tells of one search that has ended.
func searchLine(s driver.Search, n, of int) string {
	line := fmt.Sprintf("%d/%d %s from seed %d: ", n, of, s.Bug, s.From)
	if !s.Found {
		line += fmt.Sprintf("NOT FOUND in %d runs", s.Runs)
	} else {
		line += fmt.Sprintf("%s seed %d, %d runs, %.0f virtual s, %.1f s: %s", s.Workload, s.Seed, s.Runs, s.VirtualS, s.WallS, s.Kind)
	}
	if s.Unknown > 0 {
		line += "; not judged: " + strconv.Itoa(s.Unknown)
	}
	if s.Differs != "" {
		line += "; ITS REPLAY DIFFERS: " + s.Differs
	}
	return line
}

// writeGallery puts finds into the table of a file.
func writeGallery(file string, finds []driver.Find) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return workloads.Usagef("-write: %v", err)
	}
	text, err := driver.WriteGallery(string(old), finds)
	if err != nil {
		return workloads.Usagef("-write=%s: %v", file, err)
	}
	if text == string(old) {
		return nil
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return workloads.Usagef("-write: %v", err)
	}
	return nil
}
