package shrink

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"strings"
	"text/template"
	"unicode"
)

//go:embed regression.go.tmpl
var regressionText string

var regression = template.Must(template.New("regression").Funcs(template.FuncMap{
	"ns": func(v any) string { return fmt.Sprintf("%d", v) },
}).Parse(regressionText))

// RegressionTest returns the source of a test that makes the run again and wants it to be OK: a file for the folder of package
// workloads.
func (f Found) RegressionTest() ([]byte, error) {
	var b bytes.Buffer
	lines := strings.Split(strings.TrimSuffix(f.Config.Schedule, "\n"), "\n")
	err := regression.Execute(&b, map[string]any{
		"Name": testName(f.Config.Name()), "Kind": f.Summary.Kind, "Config": f.Config, "Lines": lines,
	})
	if err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// testName makes a Go name of that of a run: churn-7 becomes Churn7.
func testName(run string) string {
	var b strings.Builder
	up := true
	for _, r := range run {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
