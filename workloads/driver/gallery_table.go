package driver

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"ordeal/checker"
	"ordeal/workloads"
)

// Find is what all searches for one bug came to.
type Find struct {
	Bug      string `json:"bug"`
	Kin      string `json:"kin"`
	Workload string `json:"workload"`
	Nemesis  string `json:"nemesis"`
	// Found says that the median search found it, and Hits how many of the searches did.
	Found bool `json:"found"`
	Hits  int  `json:"hits"`
	// Runs, VirtualS and WallS are medians of the searches, where one that found nothing counts as endless; they are 0 if the bug
	// was not found.
	Runs     int     `json:"runs"`
	VirtualS float64 `json:"virtual_s"`
	WallS    float64 `json:"wall_s"`
	// Kind is in which way most of the runs failed that found it.
	Kind string `json:"kind,omitempty"`
	// Differs says of which run the replay was another run, and how; "" for none.
	Differs  string   `json:"differs,omitempty"`
	Searches []Search `json:"searches"`
}

// Finds sums searches up by bug, in the order of the list of bugs. A bug that nobody has looked for is left out.
func (g Gallery) Finds(searches []Search) []Find {
	var finds []Find
	for _, b := range g.Bugs {
		f := Find{Bug: b.Name, Kin: b.Kin, Workload: b.Workload, Nemesis: b.Nemesis}
		if len(g.Workloads) > 0 {
			f.Workload = strings.Join(g.Workloads, ",")
		}
		if len(g.Nemesis) > 0 {
			f.Nemesis = strings.Join(g.Nemesis, ",")
		}
		for _, s := range searches {
			if s.Bug == b.Name {
				f.Searches = append(f.Searches, s)
			}
		}
		if len(f.Searches) > 0 {
			f.sumUp()
			finds = append(finds, f)
		}
	}
	return finds
}

// sumUp takes the medians.
func (f *Find) sumUp() {
	var kinds []string
	for _, s := range f.Searches {
		if !s.Found {
			continue
		}
		f.Hits++
		kinds = append(kinds, s.Kind)
		if s.Differs != "" && f.Differs == "" {
			f.Differs = fmt.Sprintf("%s: %s", s.RunDir, s.Differs)
		}
	}
	f.Kind = mostCommon(kinds)
	runs := f.median(func(s Search) float64 { return float64(s.Runs) })
	if f.Found = !math.IsInf(runs, 1); f.Found {
		f.Runs = int(runs)
		f.VirtualS = f.median(func(s Search) float64 { return s.VirtualS })
		f.WallS = f.median(func(s Search) float64 { return s.WallS })
	}
}

// median is the middle of a number over all searches, the lower one of two.
func (f *Find) median(of func(Search) float64) float64 {
	var all []float64
	for _, s := range f.Searches {
		if s.Found {
			all = append(all, of(s))
		} else {
			all = append(all, math.Inf(1))
		}
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// mostCommon is the most frequent of some strings, of several the least, "" of none.
func mostCommon(all []string) string {
	count := map[string]int{}
	for _, s := range all {
		count[s]++
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// notFound is what a table says of a bug that was not found.
const notFound = "NOT FOUND"

// PrintFinds prints the table of what was found, and of each failure why; in colour on a terminal.
func PrintFinds(w io.Writer, finds []Find, colour bool) {
	t := newTable(w, "bug", "kin", "workload", "nemesis", "hits", "runs", "virtual s", "wall s", "how it fails")
	alignRight(t, 5, 6, 7, 8)
	for _, f := range finds {
		row := table.Row{f.Bug, f.Kin, f.Workload, text.Trim(f.Nemesis, 34), fmt.Sprintf("%d/%d", f.Hits, len(f.Searches))}
		if f.Found {
			row = append(row, f.Runs, fmt.Sprintf("%.0f", f.VirtualS), fmt.Sprintf("%.1f", f.WallS), text.Trim(f.Kind, 40))
		} else {
			row = append(row, red(notFound, colour), "", "", text.Trim(f.Kind, 40))
		}
		t.AppendRow(row)
	}
	t.Render()
	for _, f := range finds {
		if f.Differs != "" {
			fmt.Fprintf(w, "%s: %s: the replay is another run: %s\n", f.Bug, red("DIFFERS", colour), f.Differs)
		}
	}
}

func red(s string, colour bool) string {
	if colour {
		return text.FgRed.EscapeSeq() + s + text.Reset.EscapeSeq()
	}
	return s
}

// GalleryVerdict is FAIL if a bug was not found, or not in the same way again, and INCONCLUSIVE if one was not looked for as often
// as was asked for.
func (g Gallery) GalleryVerdict(finds []Find) checker.Verdict {
	v := checker.OK
	looked := 0
	for _, f := range finds {
		looked += len(f.Searches)
		if len(f.Searches) == g.Bases && !f.Found || f.Differs != "" {
			v = checker.Worst(v, checker.FAIL)
		}
	}
	if looked < len(g.Bugs)*g.Bases {
		v = checker.Worst(v, checker.INCONCLUSIVE)
	}
	return v
}

// The marks of the table in a document.
const (
	galleryBegin = "<!-- ordeal gallery -write: begin -->\n"
	galleryEnd   = "<!-- ordeal gallery -write: end -->\n"
	// measuredCells is how many cells at the end of a row are measured; the others say what the bug is.
	measuredCells = 4
	unmeasured    = "| not measured | | | |"
)

// GalleryHead is the head of the table.
const galleryHead = "| bug | kin | what is wrong | what shows it | mix that finds it | runs | virtual s | wall s | how it fails |\n" +
	"|---|---|---|---|---|---:|---:|---:|---|\n"

// WriteGallery puts what was found into the table of a document, between its marks. The table has all bugs; rows of those
// that were not looked for keep what was measured.
func WriteGallery(document string, finds []Find) (string, error) {
	before, rest, ok := strings.Cut(document, galleryBegin)
	old, after, ended := strings.Cut(rest, galleryEnd)
	if !ok || !ended {
		return "", workloads.Usagef("the document has no table of the gallery: want the lines %q and %q in it", galleryBegin, galleryEnd)
	}
	var b strings.Builder
	b.WriteString(before + galleryBegin + galleryHead)
	for _, bug := range workloads.Bugs() {
		i := slices.IndexFunc(finds, func(f Find) bool { return f.Bug == bug.Name })
		if i >= 0 {
			b.WriteString(GalleryRow(bug) + finds[i].cells() + "\n")
		} else {
			b.WriteString(GalleryRow(bug) + measured(old, bug.Name) + "\n")
		}
	}
	b.WriteString(galleryEnd + after)
	return b.String(), nil
}

// GalleryRow is the beginning of a bug's row: all that is not measured.
func GalleryRow(b workloads.Bug) string {
	return fmt.Sprintf("| `%s` | %s | %s | %s | `-workload=%s -nemesis=%s` ", b.Name, b.Kin, b.About, b.Anomaly, b.Workload, b.Nemesis)
}

// cells is what was measured, as the end of a row.
func (f *Find) cells() string {
	kind := strings.ReplaceAll(f.Kind, "|", `\|`)
	missed := fmt.Sprintf("%d of %d searches", len(f.Searches)-f.Hits, len(f.Searches))
	if !f.Found {
		return endOfRow("🔴 **"+notFound+"** in "+missed, "", "", kind)
	}
	runs := fmt.Sprint(f.Runs)
	if f.Hits < len(f.Searches) {
		runs += ", and in " + missed + " " + notFound
	}
	return endOfRow(runs, fmt.Sprintf("%.0f", f.VirtualS), fmt.Sprintf("%.1f", f.WallS), kind)
}

func endOfRow(cells ...string) string {
	row := ""
	for _, c := range cells {
		if c != "" {
			c += " "
		}
		row += "| " + c
	}
	return row + "|"
}

// measured is the end of a bug's row in a table.
func measured(table, bug string) string {
	for row := range strings.Lines(table) {
		if !strings.HasPrefix(row, "| `"+bug+"` |") {
			continue
		}
		// A kind may hold a bar, which is behind a backslash then.
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(row), `\|`, "\x00"), "|")
		if len(cells) > measuredCells+1 {
			end := "|" + strings.Join(cells[len(cells)-measuredCells-1:], "|")
			return strings.ReplaceAll(end, "\x00", `\|`)
		}
	}
	return unmeasured
}
