package workloads

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCatalogue: docs/bugs.md has a row with an origin for the kin of every planted bug. The table of the bugs themselves is a
// test's of package driver.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/bugs.md")
	require.NoError(t, err)
	_, catalogue, ok := strings.Cut(string(page), "\n## The catalogue\n")
	require.True(t, ok)
	require.GreaterOrEqual(t, len(Bugs()), 40)
	for _, b := range Bugs() {
		row := regexp.MustCompile(`(?m)^\| ` + b.Kin + ` \| [^|]+ \| [^|]+ \| [^|]+ \|$`)
		require.Len(t, row.FindAllString(catalogue, -1), 1, "the catalogue must have one row for %s, the kin of %s", b.Kin, b.Name)
		require.NotEmpty(t, b.Anomaly, b.Name)
		loads, families, err := b.Mix()
		require.NoError(t, err, b.Name)
		require.True(t, len(loads) > 0 && len(families) > 0, b.Name)
	}
}

// TestTestingPage: docs/TESTING.md names every scenario of TestParity, and the tests and scripts that it names exist.
func TestTestingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/TESTING.md")
	require.NoError(t, err)
	text := string(page)
	for _, row := range parities() {
		require.True(t, strings.Contains(text, "| `TestParity/"+row.name+"` |"), "no row for scenario %s", row.name)
	}
	tests, scripts := testsAndScripts(t)
	for _, m := range regexp.MustCompile("`(Test[A-Za-z0-9]+)[`/]").FindAllStringSubmatch(text, -1) {
		require.True(t, tests[m[1]], "no test is called %s", m[1])
	}
	for _, m := range regexp.MustCompile("`([a-z0-9_/]+[.]txt)`").FindAllStringSubmatch(text, -1) {
		require.True(t, strings.Contains(scripts, "/"+m[1]+"\n"), "no script is called %s", m[1])
	}
}

// testsAndScripts returns the names of all tests of the module, and the paths of all scripts, one a line.
func testsAndScripts(t *testing.T) (tests map[string]bool, scripts string) {
	tests = map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	for _, root := range []string{"../raft", "../system", "../pd", "../cluster", "../checker", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case strings.HasSuffix(path, ".txt") && strings.Contains(path, "testdata"):
				scripts += filepath.ToSlash(path) + "\n"
			case strings.HasSuffix(path, "_test.go"):
				source, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
					tests[m[1]] = true
				}
			}
			return nil
		})
		require.NoError(t, err)
	}
	return tests, scripts
}
