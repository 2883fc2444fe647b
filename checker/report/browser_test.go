package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
)

// browsers are the names under which a browser is looked for. Any Chromium will do.
var browsers = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"}

const (
	// browserTimeout is how long one page may take. It takes two seconds, but many more to start a browser on a busy
	// machine.
	browserTimeout = 2 * time.Minute
	// The window is high enough for a counter-example and the timeline; both sizes are in pixels.
	windowWidth  = 1280
	windowHeight = 2400
)

// probe looks at the page as a reader would, after all else has run, and leaves what it saw in the page.
const probe = `<script>
addEventListener('load', () => setTimeout(() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const visible = (node) => { const box = node.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
  document.querySelector('.plot')?.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true}));
  const seen = document.createElement('script');
  seen.type = 'application/json';
  seen.id = 'seen';
  seen.textContent = JSON.stringify({
    order: all('main > *').filter(visible).sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map((node) => node.id || node.tagName.toLowerCase()),
    badge: all('.badge').filter(visible).map((node) => node.textContent),
    copy: all('.copy').filter(visible).length,
    lanes: all('#timeline .lane').filter(visible).length,
    charts: all('#timeline .chart').filter(visible).length,
    rows: all('#violations .ops tbody tr').filter(visible).length,
    readout: all('.readout').filter(visible).map((node) => node.textContent).join(),
    overflow: document.documentElement.scrollWidth - innerWidth,
  });
  document.body.append(seen);
}, 1000));
</script></body>`

// sight is what the probe saw.
type sight struct {
	// Order names the parts of the page from top to bottom.
	Order []string
	// Badge is the verdict.
	Badge []string
	// Copy, Lanes, Charts and Rows count buttons, lanes and charts of the timeline, operations of counter-examples.
	Copy, Lanes, Charts, Rows int
	// Readout is what the cursor over the timeline says.
	Readout string
	// Overflow is by how many pixels the page is wider than the window.
	Overflow int
}

func TestBrowserShowsAnOKRun(t *testing.T) {
	t.Parallel()
	seen, picture, console := browse(t, sample(checker.OK))
	require.Empty(t, console)
	require.Equal(t, []string{"header", "timeline", "faults", "operations", "regions", "run"}, seen.Order)
	require.Equal(t, []string{"OK"}, seen.Badge)
	requireTimeline(t, seen)
	require.Zero(t, seen.Rows)
	require.Zero(t, count(picture, porcupineBlue), "porcupine's colour stands for its picture")
}

func TestBrowserShowsAFailure(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	require.NotEmpty(t, d.Violations[0].Picture)
	seen, picture, console := browse(t, d)
	require.Empty(t, console)
	require.Equal(t, []string{"header", "violations", "timeline", "faults", "operations", "regions", "run"}, seen.Order)
	require.Equal(t, []string{"FAIL"}, seen.Badge)
	requireTimeline(t, seen)
	require.GreaterOrEqual(t, seen.Rows, 2, "the counter-example: a write and who did not see it")
	require.Greater(t, count(picture, porcupineBlue), 1000, "pixels of porcupine's picture of it")
}

// The other tests believe that a mistake in a page shows on the console.
func TestBrowserTellsOfMistakes(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	d.Violations[0].Picture = []byte(`<script>mistakeInTheFrame()</script>`)
	_, _, console := browse(t, d, `<script>mistakeInThePage()</script>`, `<img src="http://localhost/forbidden">`)
	all := strings.Join(console, "\n")
	for _, want := range []string{"mistakeInTheFrame", "mistakeInThePage", "forbidden"} {
		require.Contains(t, all, want)
	}
}

// requireTimeline: the timeline is drawn, and the page's script has run.
func requireTimeline(t *testing.T, seen sight) {
	t.Helper()
	require.Equal(t, 5+8, seen.Lanes, "kinds of faults and regions")
	require.Equal(t, 2, seen.Charts, "operations and latency")
	require.Equal(t, 2, seen.Copy, "one button for each line to copy; only the script shows them")
	require.Regexp(t, regexp.MustCompile(`^\d\.\d{3} s +ok \d+, failed \d+, unknown \d+`), seen.Readout)
	require.LessOrEqual(t, seen.Overflow, 0)
}

// browse shows a report in a headless browser and returns what is to be seen there and what the browser's console says.
// Further parts are put at the end of the page.
func browse(t *testing.T, d Data, parts ...string) (seen sight, picture image.Image, console []string) {
	t.Helper()
	browser := findBrowser(t)
	dir := t.TempDir()
	page := strings.Replace(render(t, d), "</body>", strings.Join(parts, "")+probe, 1)
	file, shot := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.png")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o644))

	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		// The frame with porcupine's picture is painted before the screenshot, and in the page's own process.
		"--run-all-compositor-stages-before-draw", "--disable-features=IsolateSandboxedIframes",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--enable-logging=stderr", "--virtual-time-budget=5000",
		fmt.Sprintf("--window-size=%d,%d", windowWidth, windowHeight), "--dump-dom", "--screenshot="+shot,
		(&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	require.NoError(t, cmd.Run(), "%s", &stderr)

	picture = screenshot(t, shot)
	for line := range strings.Lines(stderr.String()) {
		if strings.Contains(line, ":CONSOLE") {
			console = append(console, strings.TrimSpace(line))
		}
	}
	found := regexp.MustCompile(`(?s)<script type="application/json" id="seen">(.*?)</script>`).FindStringSubmatch(stdout.String())
	require.NotNil(t, found, "the probe did not run: %s", &stderr)
	require.NoError(t, json.Unmarshal([]byte(found[1]), &seen))
	return seen, picture, console
}

// porcupineBlue is the colour of operations in porcupine's picture; the rest of the page does not have it.
var porcupineBlue = color.RGBA{0x42, 0xd1, 0xf5, 0xff}

// screenshot reads what the browser painted.
func screenshot(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	picture, err := png.Decode(f)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, windowWidth, windowHeight), picture.Bounds())
	return picture
}

// count says how many pixels of a picture have a colour.
func count(picture image.Image, of color.Color) int {
	r, g, b, a := of.RGBA()
	n := 0
	for y := range windowHeight {
		for x := range windowWidth {
			if pr, pg, pb, pa := picture.At(x, y).RGBA(); pr == r && pg == g && pb == b && pa == a {
				n++
			}
		}
	}
	return n
}

// findBrowser returns a browser. Tests that need one are skipped where there is none, but not by CI.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no browser to show the report in: install Chromium (Debian: apt-get install chromium)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
