package serve

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ordeal/internal/browsertest"
)

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
	for _, s := range browsertest.Screens() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			server, _ := folder(t)
			ctx := browsertest.Open(t, s, server.URL)
			fits := func() {
				require.LessOrEqual(t, ask[int](t, ctx, "document.documentElement.scrollWidth - innerWidth"), 0, "the page is wider than the window")
			}
			fits()
			inside := ask[bool](t, ctx, "[...document.querySelectorAll('.runs td')].every((n) => n.getBoundingClientRect().right <= innerWidth)")
			require.True(t, inside, "everything about a run is to be seen")
			light := ask[bool](t, ctx, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((n) => n > 127)")
			require.Equal(t, !s.Dark, light)
			shot(t, ctx, "serve-list-"+s.Name)

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
			shot(t, ctx, "serve-compare-"+s.Name)

			require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(server.URL)))
			choose(http.StatusBadRequest, "scan-8")
			require.Contains(t, ask[string](t, ctx, "document.body.textContent"), "Two runs can be compared, not 1")
			fits()
		})
	}
}
