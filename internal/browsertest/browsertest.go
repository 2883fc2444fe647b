// Package browsertest shows pages in a headless browser, for tests. Any Chromium will do; scripts/browser.sh installs one on Debian.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browsers are the names under which a browser is looked for.
var browsers = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"}

// Timeout is how long one test may take. It takes a few seconds, but many more to start a browser on a busy machine.
const Timeout = 2 * time.Minute

// Screen is what a page is shown on, in pixels.
type Screen struct {
	Name          string
	Width, Height int64
	Dark, Touch   bool
}

// The screens that pages are looked at on.
var (
	Desktop = Screen{"desktop", 1280, 900, false, false}
	Night   = Screen{"dark", 1280, 900, true, false}
	Phone   = Screen{"phone", 390, 844, false, true}
)

// Screens are all of them.
func Screens() []Screen { return []Screen{Desktop, Night, Phone} }

// Open shows a page on a screen, in a browser of its own that ends with the test. A test is skipped where there is no browser, but
// not by CI.
func Open(t *testing.T, s Screen, address string, options ...chromedp.ContextOption) context.Context {
	t.Helper()
	allocator := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(find(t)), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(Timeout))
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, allocator...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, options...)
	t.Cleanup(cancel)
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	require.NoError(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(s.Width, s.Height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
			m.Mobile, touch.Enabled = s.Touch, s.Touch
		}),
		Command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
		chromedp.Navigate(address),
	))
	return ctx
}

// Command is an action that gives the browser a command whose answer is of no interest.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func find(t *testing.T) string {
	t.Helper()
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no browser to show the page in: install Chromium (scripts/browser.sh does on Debian)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
