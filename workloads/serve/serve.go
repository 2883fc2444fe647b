// Package serve shows the runs of a folder in a browser: a list, newest first, to be filtered; each run's report; and two runs
// side by side. It reads and never writes, and what it serves is chosen by name: summaries, and the files of runs, of
// the folder alone. No path leads out of it, by dots or by symbolic links: os.Root sees to that.
package serve

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"

	"ordeal/workloads"
)

//go:embed page.html.tmpl serve.css
var files embed.FS

var (
	css   = template.CSS(must(files.ReadFile("serve.css")))
	pages = template.Must(template.New("").Funcs(template.FuncMap{"css": func() template.CSS { return css }}).ParseFS(files, "page.html.tmpl"))
)

func must(b []byte, err error) []byte {
	if err != nil {
		panic(fmt.Sprintf("serve: a part of the page is missing: %v", err))
	}
	return b
}

// served are the files of a run that may be asked for, and their types.
var served = map[string]string{
	workloads.ReportFile: "text/html; charset=utf-8", workloads.SummaryFile: "application/json", workloads.ScheduleFile: "text/plain; charset=utf-8",
	workloads.HistoryFile: "text/plain; charset=utf-8", workloads.CrashFile: "text/plain; charset=utf-8",
}

// server shows the runs below a folder.
type server struct{ root *os.Root }

// Handler serves the runs below a folder, until closed.
func Handler(root *os.Root) http.Handler {
	s := &server{root}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /compare", s.compare)
	mux.HandleFunc("GET /run/{path...}", s.file)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}

// list shows the runs that the filters of the query let through.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	all, broken, err := findRuns(s.root.FS())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	v := listView{Folder: s.root.Name(), All: len(all), Broken: broken, Verdicts: choices(all, r, "verdict"), Workloads: choices(all, r, "workload"),
		Faults: choices(all, r, "fault"), Bugs: choices(all, r, "bug")}
	for _, x := range all {
		if x.passes(r.URL.Query()) {
			v.Runs = append(v.Runs, x)
		}
	}
	v.Found = len(v.Runs)
	v.Runs = v.Runs[:min(v.Found, rowsMax)]
	show(w, http.StatusOK, "list", v)
}

func (s *server) compare(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["run"]
	if len(names) != 2 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Two runs can be compared, not %d: choose two of the list", len(names)))
		return
	}
	var pair [2]Run
	for i, name := range names {
		run, err := readRun(s.root.FS(), name)
		if err != nil {
			refuse(w, status(err), fmt.Sprintf("Run %q: %v", name, err))
			return
		}
		pair[i] = run
	}
	show(w, http.StatusOK, "compare", newComparison(pair[0], pair[1]))
}

// file serves a file of a run.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	kind, allowed := served[path.Base(name)]
	if !allowed || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	f, err := s.root.Open(name)
	if err != nil {
		http.Error(w, "no such file of a run", status(err))
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// status is what an error of a path means: whatever can't be opened is not there, be it outside or not.
func status(err error) int {
	if errors.Is(err, fs.ErrPermission) {
		return http.StatusForbidden
	}
	return http.StatusNotFound
}

// refuse shows why there is nothing to show.
func refuse(w http.ResponseWriter, code int, why string) { show(w, code, "refused", why) }

func show(w http.ResponseWriter, code int, name string, v any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	w.WriteHeader(code)
	if err := pages.ExecuteTemplate(w, name, v); err != nil {
		fmt.Fprintf(os.Stderr, "serve: %v\n", err) // the page is half written
	}
}

// choice is an entry of a filter.
type choice struct {
	Name   string
	Count  int
	Chosen bool
}

// choices are the values that runs have of what a filter is about.
func choices(all []Run, r *http.Request, filter string) []choice {
	counts := map[string]int{}
	for _, x := range all {
		for _, v := range x.values(filter) {
			counts[v]++
		}
	}
	var found []choice
	for _, name := range sortedKeys(counts) {
		found = append(found, choice{name, counts[name], slices.Contains(r.URL.Query()[filter], name)})
	}
	return found
}
