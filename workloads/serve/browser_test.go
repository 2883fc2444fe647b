package serve

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserTimeout is how long one test may take. It takes a few seconds, but many more to start a browser on a busy machine.
const browserTimeout = 2 * time.Minute

// findBrowser returns a browser: any Chromium will do. Tests that need one are skipped where there is none, but not by CI.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no browser to show the pages in: install Chromium (scripts/browser.sh does on Debian)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// visit opens a page in a headless browser of a size in pixels.
func visit(t *testing.T, width, height int64, dark bool, address string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(findBrowser(t)), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(browserTimeout))
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	require.NoError(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(width, height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
			m.Mobile, touch.Enabled = width < 500, width < 500
		}),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		}),
		chromedp.Navigate(address)))
	return ctx
}

// ask returns what an expression of JavaScript comes to.
func ask[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(t, err, expression)
	return answer
}

// shot keeps a picture of the page where ORDEAL_SCREENSHOTS says.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("ORDEAL_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}

// TestBrowserComparesTwoRuns: a person chooses two runs of the list and sees them side by side, on a desk and on a phone.
func TestBrowserComparesTwoRuns(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"desktop", 1280, 900, false}, {"dark", 1280, 900, true}, {"phone", 390, 844, false}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			server, _ := folder(t)
			ctx := visit(t, s.width, s.height, s.dark, server.URL)
			fits := func() {
				require.LessOrEqual(t, ask[int](t, ctx, "document.documentElement.scrollWidth - innerWidth"), 0, "the page is wider than the window")
			}
			fits()
			inside := ask[bool](t, ctx, "[...document.querySelectorAll('.runs td')].every((n) => n.getBoundingClientRect().right <= innerWidth)")
			require.True(t, inside, "everything about a run is to be seen")
			light := ask[bool](t, ctx, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((n) => n > 127)")
			require.Equal(t, !s.dark, light)
			shot(t, ctx, "serve-list-"+s.name)

			choose := func(status int, runs ...string) {
				for _, run := range runs {
					ask[bool](t, ctx, fmt.Sprintf("document.querySelector('input[value=%q]').click() ?? true", run))
				}
				answer, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(".act button")))
				require.NoError(t, err)
				require.EqualValues(t, status, answer.Status)
			}
			choose(http.StatusOK, "register-7", "scan-8")
			fits()
			widths := ask[[]float64](t, ctx, "[...document.querySelectorAll('.two thead th')].map((n) => n.getBoundingClientRect().width)")
			require.Len(t, widths, 3)
			require.InDelta(t, widths[1], widths[2], 1, "both runs have the same room")
			require.Less(t, widths[0], widths[1])
			require.Positive(t, ask[int](t, ctx, "document.querySelectorAll('.differs').length"))
			shot(t, ctx, "serve-compare-"+s.name)

			require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(server.URL)))
			choose(http.StatusBadRequest, "scan-8")
			require.Contains(t, ask[string](t, ctx, "document.body.textContent"), "Two runs can be compared, not 1")
			fits()
		})
	}
}
