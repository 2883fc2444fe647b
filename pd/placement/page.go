package placement

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/go-analyze/charts"
)

//go:embed page.html.tmpl
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// WritePage writes what a person looks at: one HTML file that needs nothing else, with what came of it in a sentence, the
// distances from the mean and the moves over time, and the stores before and after.
func (r *Result) WritePage(w io.Writer) error {
	v := struct {
		*Result
		Plots []plot
	}{Result: r}
	for _, draw := range []func() (plot, error){r.spread, r.work, r.shares} {
		p, err := draw()
		if err != nil {
			return fmt.Errorf("plot of a placement: %w", err)
		}
		v.Plots = append(v.Plots, p)
	}
	return page.Execute(w, v)
}

// plot is a chart with its caption.
type plot struct {
	Caption string
	SVG     template.HTML
}

// plotWidth and plotHeight are the size of a chart in pixels; the page scales it to its own width.
const plotWidth, plotHeight = 960, 320

func (r *Result) spread() (plot, error) {
	return r.overTime("How far the worst store is from the mean, in percent of it", []string{"regions, by size", "leaders"},
		func(s Sample) []float64 { return []float64{s.WorstWeight, s.WorstLeaders} })
}

func (r *Result) work() (plot, error) {
	return r.overTime("Peers moved and leaders handed over so far, and operators under way", []string{"moves", "transfers", "under way"},
		func(s Sample) []float64 {
			return []float64{float64(s.Moves), float64(s.Transfers), float64(s.Underway)}
		})
}

// overTime draws some values of each sample.
func (r *Result) overTime(caption string, names []string, values func(Sample) []float64) (plot, error) {
	lines := make([][]float64, len(names))
	labels := make([]string, 0, len(r.Samples))
	for _, s := range r.Samples {
		for i, v := range values(s) {
			lines[i] = append(lines[i], v)
		}
		labels = append(labels, fmt.Sprintf("%d s", s.Tick))
	}
	opt := charts.NewLineChartOptionWithData(lines)
	opt.XAxis.Labels = labels
	opt.Legend.SeriesNames = names
	opt.Symbol.Shape = charts.SymbolNone
	return draw(caption, func(p *charts.Painter) error { return p.LineChart(opt) })
}

// shares draws what each store has, by id, in GiB.
func (r *Result) shares() (plot, error) {
	const gib = 1 << 10 // of MiB, which is what weights are in
	lines := make([][]float64, 2)
	var labels []string
	for i := range r.Before {
		lines[0] = append(lines[0], r.Before[i]/gib)
		lines[1] = append(lines[1], r.After[i]/gib)
		labels = append(labels, fmt.Sprintf("s%d", i+1))
	}
	opt := charts.NewBarChartOptionWithData(lines)
	opt.CategoryAxis.Labels = labels
	opt.Legend.SeriesNames = []string{"before", "after"}
	return draw("What each store holds, in GiB", func(p *charts.Painter) error { return p.BarChart(opt) })
}

func draw(caption string, chart func(*charts.Painter) error) (plot, error) {
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: plotWidth, Height: plotHeight})
	if err := chart(p); err != nil {
		return plot{}, err
	}
	svg, err := p.Bytes()
	return plot{Caption: caption, SVG: template.HTML(svg)}, err
}
