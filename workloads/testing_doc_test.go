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

// TestTestingPage: docs/TESTING.md names every planted bug with its kin, and every scenario of TestParity, and the tests and
// scripts that it names exist.
func TestTestingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/TESTING.md")
	require.NoError(t, err)
	text := string(page)
	for _, b := range Bugs() {
		require.True(t, strings.Contains(text, "\n| `"+b.Name+"` | "+b.Kin+" | "), "no row for planted bug %s of kin %s", b.Name, b.Kin)
		require.True(t, strings.Contains(text, "\n| "+b.Kin+" | "), "the catalogue lacks %q, the kin of %s", b.Kin, b.Name)
	}
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
	for _, root := range []string{"../raft", "../system", "../pd", "../cluster", "."} {
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
