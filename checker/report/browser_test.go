package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/internal/browsertest"
)

// tab is a page in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// console is what the browser complained about.
	console []string
}

// open shows a report in a headless browser.
func open(t *testing.T, s browsertest.Screen, page string) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	b := &tab{t: t}
	b.ctx = browsertest.Open(t, s, address, chromedp.WithListener(func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complain(e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description)
		case *log.EventEntryAdded:
			b.complain(e.Entry.Text)
		}
	}))
	return b
}

func (b *tab) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.console = append(b.console, text)
}

// complaints is what the browser has complained about so far.
func (b *tab) complaints() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.console, "\n")
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...), "%s", b.complaints())
}

// ask returns what an expression of JavaScript comes to.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, "%s: %s", expression, b.complaints())
	return answer
}

// await waits until an expression is true, however long that takes; the test's own limit is the only one.
func (b *tab) await(expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
	require.NoError(b.t, err, "%s: %s", expression, b.complaints())
}

// drawn waits until the timeline is there.
func (b *tab) drawn() {
	b.t.Helper()
	b.await(`document.querySelector('#stretch')?.textContent.includes(' to ')`)
}

// parts are the parts of the page that are to be seen, from top to bottom.
func (b *tab) parts() []string {
	return ask[[]string](b, `[...document.querySelectorAll('header, section')].filter((n) => n.getBoundingClientRect().height > 0)
		.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((n) => n.id || n.tagName.toLowerCase())`)
}

func (b *tab) text(selector string) string {
	return ask[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// stretch is the time that is looked at, in seconds.
func (b *tab) stretch() (from, to float64) {
	b.t.Helper()
	_, err := fmt.Sscanf(b.text("#stretch"), "%f s to %f s", &from, &to)
	require.NoError(b.t, err)
	return from, to
}

// shot takes a picture of the whole page, or of what a selector names, and keeps it where ORDEAL_SCREENSHOTS says.
func (b *tab) shot(name, selector string) image.Image {
	b.t.Helper()
	take := chromedp.FullScreenshot(100)
	if selector != "" {
		take = chromedp.Screenshot(chromedp.CSS(selector))
	}
	buf, err := chromedp.Run(b.ctx, take)
	require.NoError(b.t, err)
	if dir := os.Getenv("ORDEAL_SCREENSHOTS"); dir != "" && name != "" {
		require.NoError(b.t, os.MkdirAll(dir, 0o755))
		require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), buf, 0o644))
	}
	picture, err := png.Decode(bytes.NewReader(buf))
	require.NoError(b.t, err)
	return picture
}

// drag moves the pressed mouse over an element, from one share of its width to another.
func (b *tab) drag(selector string, from, to float64) {
	b.t.Helper()
	b.do(run(fmt.Sprintf("document.querySelector(%q).scrollIntoView({block: 'center'})", selector)))
	at := ask[struct{ X, Y, W, H float64 }](b, fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect();
		return {X: r.x, Y: r.y, W: r.width, H: r.height} })()`, selector))
	y := at.Y + at.H/3
	left := chromedp.ButtonLeft
	b.do(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, at.X+from*at.W, y, left, chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X+(from+to)/2*at.W, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X+to*at.W, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, at.X+to*at.W, y, left, chromedp.ClickCount(1)),
	)
}

// choose sets a filter as its list does.
func choose(filter, value string) chromedp.Action[chromedp.Void] {
	return run(fmt.Sprintf("{ const f = document.getElementById(%q); f.value = %q; f.dispatchEvent(new Event('input')); }", filter, value))
}

// run runs JavaScript.
func run(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[any](script)(ctx, t)
		return err
	})
}

// painted says how many colours a canvas has.
func (b *tab) painted(selector string) int {
	return ask[int](b, fmt.Sprintf(`(() => { const c = document.querySelector(%q);
		return new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size })()`, selector))
}

func (b *tab) requireFits() {
	b.t.Helper()
	require.LessOrEqual(b.t, ask[int](b, "document.documentElement.scrollWidth - innerWidth"), 0, "the page is wider than the window")
}

// onScreens runs a test on each screen.
func onScreens(t *testing.T, test func(t *testing.T, s browsertest.Screen)) {
	for _, s := range browsertest.Screens() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

func TestBrowserShowsAnOKRun(t *testing.T) {
	t.Parallel()
	onScreens(t, func(t *testing.T, s browsertest.Screen) {
		b := open(t, s, render(t, sample(checker.OK)))
		b.drawn()
		b.shot("report-ok-"+s.Name, "")
		require.Equal(t, []string{"header", "timeline", "latency", "moves", "faults", "regions", "run"}, b.parts())
		require.Equal(t, "OK", b.text(".badge"))
		b.requireFits()
		require.Empty(t, b.complaints())
	})
}

// A failure shows what went wrong first, and everything that belongs to it.
func TestBrowserShowsAFailure(t *testing.T) {
	t.Parallel()
	onScreens(t, func(t *testing.T, s browsertest.Screen) {
		d := sample(checker.FAIL)
		b := open(t, s, render(t, d))
		b.drawn()
		b.shot("report-fail-"+s.Name, "")
		require.Equal(t, []string{"header", "violations", "timeline", "latency", "moves", "faults", "regions", "run"}, b.parts())
		require.Equal(t, "FAIL", b.text(".badge"))
		require.Equal(t, len(d.Violations[0].Ops), ask[int](b, "document.querySelectorAll('.first .drawn g').length"))
		require.Equal(t, 1, ask[int](b, "document.querySelectorAll('.first .drawn g.subject').length"))
		for _, panel := range []string{"faults", "river", "clients", "moves"} {
			require.Greater(t, b.painted("#panel-"+panel+" canvas"), 4, panel)
		}
		for _, plot := range []string{"latency", "throughput"} {
			require.Greater(t, b.painted("#plot-"+plot+" canvas"), 4, plot)
		}
		b.requireFits()
		require.Empty(t, b.complaints())
	})
}

func TestBrowserShowsPorcupinesPicture(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	require.NotEmpty(t, d.Violations[0].Picture)
	b := open(t, browsertest.Desktop, render(t, d))
	b.drawn()
	require.Zero(t, count(b.shot("", "#violations"), porcupineBlue))
	b.do(chromedp.Click(chromedp.CSS(".porcupine summary")), chromedp.ScrollIntoView(chromedp.CSS("iframe")))
	require.Eventually(t, func() bool { return count(b.shot("report-porcupine", "#violations"), porcupineBlue) > 1000 },
		browsertest.Timeout, 50*time.Millisecond, "pixels of its colour")
	require.Empty(t, b.complaints())
}

func TestBrowserZooms(t *testing.T) {
	t.Parallel()
	b := open(t, browsertest.Desktop, render(t, sample(checker.FAIL)))
	b.drawn()
	requireStretch := func(from, to float64) {
		t.Helper()
		b.await(fmt.Sprintf(`(() => { const [a, b] = document.querySelector('#stretch').textContent.split(' to ').map(parseFloat);
			return Math.abs(a - %g) < .1 && Math.abs(b - %g) < .1 })()`, from, to))
	}
	requireStretch(0, 20)
	before := b.shot("", "#panel-clients")
	b.do(chromedp.Click(chromedp.CSS("#in")))
	requireStretch(5, 15)
	require.NotEqual(t, before, b.shot("report-zoomed", "#panel-clients"), "what is drawn follows")
	b.do(chromedp.Click(chromedp.CSS("#in")))
	requireStretch(7.5, 12.5)
	b.do(chromedp.Click(chromedp.CSS("#out")))
	requireStretch(5, 15)

	b.do(chromedp.Focus(chromedp.CSS("#panel-clients canvas")), chromedp.KeyEvent(kb.ArrowRight))
	requireStretch(6, 16)
	b.do(chromedp.KeyEvent("+"))
	requireStretch(8.5, 13.5)
	b.do(chromedp.KeyEvent("0"))
	requireStretch(0, 20)

	b.drag("#overview", .25, .75)
	requireStretch(5, 15)
	b.drag("#panel-faults canvas", .5, .9)
	// The gutter with the names takes some of the width.
	b.await(`(() => { const [a, b] = document.querySelector('#stretch').textContent.split(' to ').map(parseFloat); return a > 8 && b < 14.5 && b > a })()`)
	b.do(run("scrollTo(0, document.querySelector('#timeline').offsetTop - 300)"), chromedp.DoubleClick(chromedp.CSS("#panel-faults canvas")))
	requireStretch(0, 20)
	b.drag("#plot-latency .u-over", .5, .75)
	requireStretch(10, 15)
	b.do(chromedp.Click(chromedp.CSS("#fit")))
	requireStretch(0, 20)
	require.Empty(t, b.complaints())
}

func TestBrowserShowsAViolationOnTheTimeline(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	b := open(t, browsertest.Desktop, render(t, d))
	b.drawn()
	b.do(chromedp.Click(chromedp.CSS(".first .show")))
	from, to := span(&d.Violations[0])
	b.await(`!document.querySelector('#stretch').textContent.startsWith('0')`)
	shownFrom, shownTo := b.stretch()
	require.LessOrEqual(t, shownFrom, from.Seconds())
	require.GreaterOrEqual(t, shownTo, to.Seconds())
	require.Less(t, shownTo-shownFrom, 5*to.Sub(from).Seconds()+1)
	b.shot("report-violation-zoomed", "")
	require.Empty(t, b.complaints())
}

func TestBrowserFilters(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	b := open(t, browsertest.Desktop, render(t, d))
	b.drawn()
	all := len(d.History.Ops)
	requireShown := func(keep func(o *checker.Op) bool) {
		t.Helper()
		n := 0
		for i := range d.History.Ops {
			if keep(&d.History.Ops[i]) {
				n++
			}
		}
		require.Less(t, n, all)
		want := fmt.Sprintf("%s of %s operations", grouped(n), grouped(all))
		b.await(fmt.Sprintf("document.querySelector('#shown').textContent === %q", want))
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#key"), "x"))
	requireShown(func(o *checker.Op) bool { return o.Key == "x" })
	b.do(choose("client", "3"))
	requireShown(func(o *checker.Op) bool { return o.Key == "x" && o.Client == 3 })
	b.shot("report-filtered", "")
	b.do(chromedp.Click(chromedp.CSS("#fit")))
	b.await(fmt.Sprintf("document.querySelector('#shown').textContent === %q", fmt.Sprintf("%s of %s operations", grouped(all), grouped(all))))
	b.do(choose("region", "1003"))
	requireShown(func(o *checker.Op) bool { return o.Region == 1003 })
	require.Empty(t, b.complaints())
}

func TestBrowserTellsWhatIsUnderThePointer(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	b := open(t, browsertest.Desktop, render(t, d))
	b.drawn()
	b.do(chromedp.Click(chromedp.CSS(".first .show")))
	b.await(`!document.querySelector('#stretch').textContent.startsWith('0')`)
	b.do(run(`(() => {
		const canvas = document.querySelector('#panel-clients canvas'), box = canvas.getBoundingClientRect();
		for (let y = 2; y < box.height - 20; y += 4) for (let x = 110; x < box.width; x += 3) {
			canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: box.x + x, clientY: box.y + y, bubbles: true}));
			if (document.querySelector('#tip').textContent.includes('counter-example')) return;
		}
	})()`))
	require.Regexp(t, `^c\d  (get|put) x.* → .*\nat 1\d\.\d+ s, .*\nregion 1003\npart of a counter-example$`, b.text("#tip"))
	require.True(t, ask[bool](b, "!document.querySelector('#tip').hidden"))
}

func TestBrowserCopies(t *testing.T) {
	t.Parallel()
	d := sample(checker.FAIL)
	b := open(t, browsertest.Desktop, render(t, d))
	b.drawn()
	b.do(chromedp.Click(chromedp.CSS(".copy")))
	b.await(`document.querySelector('.copy').textContent === 'Copied'`)
	// What has been copied can be pasted.
	b.do(chromedp.Focus(chromedp.CSS("#key")), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "v",
			Code: "KeyV", Modifiers: int64(chromedp.ModifierCtrl), Commands: []string{"paste"}})
		return err
	}))
	b.await(`document.querySelector('#key').value === 'go run ./cmd/ordeal replay out/register-7'`)
	require.Empty(t, b.complaints())
}

// A hundred thousand operations are drawn, none as an element of its own.
func TestBrowserShowsALargeRun(t *testing.T) {
	t.Parallel()
	d := large(100_000)
	page := render(t, d)
	b := open(t, browsertest.Desktop, page)
	b.drawn()
	require.Equal(t, "100\u202f000 of 100\u202f000 operations", b.text("#shown"))
	require.Less(t, ask[int](b, "document.querySelectorAll('*').length"), 2000)
	t.Logf("%d KiB; drawn %.0f ms after the page was asked for", len(page)>>10, ask[float64](b, "window.performance.getEntriesByName('drawn')[0].startTime"))
	b.shot("report-large", "")
	require.Empty(t, b.complaints())
}

// The other tests believe that a mistake in a page shows among the complaints.
func TestBrowserTellsOfMistakes(t *testing.T) {
	t.Parallel()
	page := strings.Replace(render(t, sample(checker.FAIL)), "</body>", `<script>mistakeInThePage()</script><img src="http://localhost/forbidden"></body>`, 1)
	b := open(t, browsertest.Desktop, page)
	b.drawn()
	for _, want := range []string{"mistakeInThePage", "forbidden"} {
		require.Contains(t, b.complaints(), want)
	}
}

// A timeline that can't be read takes nothing else with it, and says so.
func TestBrowserSaysThatATimelineIsDamaged(t *testing.T) {
	t.Parallel()
	page := strings.Replace(render(t, sample(checker.FAIL)), `id="packed">"`, `id="packed">"AAAA`, 1)
	b := open(t, browsertest.Desktop, page)
	b.await(`document.body.textContent.includes('The timeline cannot be drawn')`)
	require.Equal(t, "FAIL", b.text(".badge"))
	require.Contains(t, b.parts(), "violations")
	require.NotEmpty(t, b.complaints())
}

// porcupineBlue is the colour of operations in porcupine's picture; the rest of the page does not have it.
var porcupineBlue = color.RGBA{0x42, 0xd1, 0xf5, 0xff}

// count says how many pixels of a picture have a colour.
func count(picture image.Image, of color.Color) int {
	r, g, b, a := of.RGBA()
	n := 0
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			if pr, pg, pb, pa := picture.At(x, y).RGBA(); pr == r && pg == g && pb == b && pa == a {
				n++
			}
		}
	}
	return n
}
