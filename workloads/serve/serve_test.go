package serve

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

// folder is an out folder with three runs, one below another one, beside a secret.
func folder(t *testing.T) (server *httptest.Server, dir string) {
	t.Helper()
	above := t.TempDir()
	dir = filepath.Join(above, "out")
	require.NoError(t, os.WriteFile(filepath.Join(above, workloads.SummaryFile), []byte(`{"verdict":"OK","workload":"secret"}`), 0o644))
	for i, s := range []workloads.Summary{
		{Workload: "register", Seed: 7, Verdict: checker.FAIL, Reasons: []string{"<b>stale</b>"}, Faults: []workloads.Fault{{Kind: "kill", Bit: true}}, Ops: workloads.Ops{OK: 5}, Flags: workloads.Flags{Bug: "stale-read"}},
		{Workload: "scan", Seed: 8, Verdict: checker.OK, Faults: []workloads.Fault{{Kind: "split", Bit: true}, {Kind: "kill", Skipped: "nobody"}}},
		{Workload: "register", Seed: 7, Verdict: checker.FAIL, Ops: workloads.Ops{OK: 2}},
	} {
		run := filepath.Join(dir, []string{"register-7", "scan-8", "register-7/small"}[i])
		require.NoError(t, os.MkdirAll(run, 0o755))
		require.NoError(t, workloads.WriteSummary(run, &s))
		at := time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
		require.NoError(t, os.Chtimes(filepath.Join(run, workloads.SummaryFile), at, at))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "register-7", workloads.ReportFile), []byte("the report"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "register-7", "notes.txt"), []byte("private"), 0o644))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	server = httptest.NewServer(Handler(root))
	t.Cleanup(server.Close)
	return server, dir
}

// get asks for a path as it is: the client would tidy up dots.
func get(t *testing.T, s *httptest.Server, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	require.NoError(t, err)
	req.URL.Opaque = path
	resp, err := s.Client().Transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func TestListIsNewestFirstAndFiltered(t *testing.T) {
	t.Parallel()
	s, dir := folder(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "cut"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cut", workloads.SummaryFile), []byte(`{"workl`), 0o644))
	code, all := get(t, s, "/")
	require.Equal(t, http.StatusOK, code)
	last := -1
	for _, run := range []string{`value="register-7/small"`, `value="scan-8"`, `value="register-7"`} {
		at := strings.Index(all, run)
		require.Greater(t, at, last, run)
		last = at
	}
	require.Contains(t, all, "3 of 3")
	require.Contains(t, all, "cut/summary.json can't be read")
	require.NotContains(t, all, "<b>stale")
	require.NotContains(t, all, "secret")
	for query, want := range map[string]string{"verdict=OK": "1 of 3", "workload=register": "2 of 3", "fault=kill": "1 of 3", "fault=split": "1 of 3",
		"bug=stale-read": "1 of 3", "verdict=FAIL&workload=scan": "0 of 3", "verdict=none": "0 of 3"} {
		_, body := get(t, s, "/?"+query)
		require.Contains(t, body, want, query)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	s, _ := folder(t)
	code, body := get(t, s, "/compare?run=register-7&run=scan-8")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `<tr class="differs"><th>workload</th><td>register</td><td>scan</td></tr>`)
	require.Contains(t, body, `<tr><th>stores</th>`)
	require.Contains(t, body, `<th>kill</th><td>1 of 1</td><td>–</td>`)
	require.NotContains(t, body, `<th>way of failing</th>`, "neither has one")
	for path, want := range map[string]int{"/compare": 400, "/compare?run=scan-8": 400, "/compare?run=scan-8&run=gone": 404,
		"/compare?run=scan-8&run=..": 404, "/compare?run=scan-8&run=/etc": 404} {
		code, body := get(t, s, path)
		require.Equal(t, want, code, path)
		require.NotContains(t, body, "secret")
	}
}

// Nothing but the files of runs is served, and nothing from outside of the folder.
func TestFilesAreThoseOfRuns(t *testing.T) {
	t.Parallel()
	s, dir := folder(t)
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "up")))
	require.NoError(t, os.Symlink(filepath.Join("..", workloads.SummaryFile), filepath.Join(dir, "scan-8", workloads.CrashFile)))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "scan-8", workloads.ReportFile), 0o755))
	code, body := get(t, s, "/run/register-7/report.html")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "the report", body)
	code, _ = get(t, s, "/run/register-7/small/summary.json")
	require.Equal(t, http.StatusOK, code)
	for _, path := range []string{
		"/run/../summary.json", "/run/%2e%2e/summary.json", "/run/..%2fsummary.json", "/run/register-7/../../summary.json", "/run//etc/summary.json",
		"/run/register-7/..%2f..%2fsummary.json", "/run/..%5csummary.json", "/run/up/summary.json", "/run/scan-8/crash.txt", "/run/scan-8/report.html",
		"/run/register-7/notes.txt", "/run/register-7", "/run/", "/run/register-7/summary.json%00", "/elsewhere",
	} {
		code, body := get(t, s, path)
		require.NotEqual(t, http.StatusOK, code, path)
		require.NotContains(t, body, `"secret"`, path)
		require.NotContains(t, body, "private", path)
	}
	resp, err := http.Post(s.URL+"/run/register-7/report.html", "text/plain", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}
