package ordeal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A run must be the same whenever it is repeated, so nothing in it may depend on the wall clock, on the order in which
// goroutines run, on chance that was not drawn from the seed, or on the order of a map. This file finds the code that
// would. It covers every package of the module but these, and every file of those but tests.
var besideTheSimulation = []struct{ pkg, why string }{
	{"world/real", "it is the real world"},
	{"cmd/...", "commands are used by people, outside of a run"},
	{"workloads/driver/...", "it spreads runs over processes and never takes part in one"},
	{"workloads/serve", "it shows runs that are over"},
	{"internal/cores", "runs that are over are judged on all cores"},
	{"internal/failpoint", "it works while the product is built"},
	{"internal/browsertest", "only tests show pages"},
	{"proto/...", "generated code holds nothing that runs by itself"},
}

// besideTheSimulationFiles are single files, as patterns of path.Match, in packages that are otherwise covered. One
// that excuses nothing has to go.
var besideTheSimulationFiles = []struct{ files, why string }{
	{"cluster/real*.go", "they start and hurt clusters in the real world"},
	{"workloads/wall.go", "it measures how long a run takes for its summary; nothing in the run sees it"},
}

var bannedImports = map[string]string{
	"crypto/rand":  "draw from the seed, by world.Env or Proc",
	"hash/maphash": "its seeds differ in every process; use xxhash",
	"math/rand":    "use math/rand/v2 with a source drawn from the seed",
	"net":          "send through the world",
	"net/http":     "send through the world",
	"os/exec":      "processes belong to the real world",
	"os/signal":    "signals belong to the real world",
	"sync":         "actors run one at a time; what others call at any time says who in a " + syncImport + " behind this",
	"sync/atomic":  "actors run one at a time; what others call at any time says who in a " + syncImport + " behind this",
}

// bannedFunctions are by package and name.
var bannedFunctions = map[string]string{
	"context.WithDeadline":      "it sets a timer on the wall clock",
	"context.WithDeadlineCause": "it sets a timer on the wall clock",
	"context.WithTimeout":       "it sets a timer on the wall clock",
	"context.WithTimeoutCause":  "it sets a timer on the wall clock",
	"context.AfterFunc":         "it starts a goroutine",
	"time.After":                "set a timer in Effects, or use Proc.Sleep",
	"time.AfterFunc":            "set a timer in Effects, or use Proc.Sleep",
	"time.NewTicker":            "set a timer in Effects, or use Proc.Sleep",
	"time.NewTimer":             "set a timer in Effects, or use Proc.Sleep",
	"time.Now":                  "use the time that Step or Proc.Now gives",
	"time.Since":                "use the time that Step or Proc.Now gives",
	"time.Sleep":                "set a timer in Effects, or use Proc.Sleep",
	"time.Tick":                 "set a timer in Effects, or use Proc.Sleep",
	"time.Until":                "use the time that Step or Proc.Now gives",
}

func TestNothingAboveTheSeamDependsOnChance(t *testing.T) {
	t.Parallel()
	repo := load(t)
	files := make(map[string][]goFile)
	for _, file := range repo.sources {
		if !file.test && !file.nested && !isBesideTheSimulation(file.pkg()) {
			files[file.pkg()] = append(files[file.pkg()], file)
		}
	}
	if len(files) == 0 {
		t.Skip("there is no package above the seam yet")
	}
	packages := slices.Sorted(maps.Keys(files))
	checker := newTypeChecker(t, repo.fset, packages)
	excused := make(map[string]bool)
	for _, pkg := range packages {
		info, built := checker.check(t, pkg, files[pkg])
		for _, file := range built {
			for _, found := range findViolations(repo.fset, info, file.syntax) {
				pattern := excuse(file.path)
				excused[pattern] = true
				if pattern == "" {
					t.Errorf("%s: %s", found.pos, found.text)
				}
			}
		}
	}
	for _, row := range besideTheSimulationFiles {
		if len(files[path.Dir(row.files)]) > 0 && !excused[row.files] {
			t.Errorf("%s excuses nothing: delete it from besideTheSimulationFiles", row.files)
		}
	}
}

func isBesideTheSimulation(pkg string) bool {
	for _, row := range besideTheSimulation {
		if matches(row.pkg, pkg) {
			return true
		}
	}
	return false
}

// excuse returns the pattern that excuses the file, or "".
func excuse(file string) string {
	for _, row := range besideTheSimulationFiles {
		if ok, err := path.Match(row.files, file); err != nil {
			panic(err)
		} else if ok {
			return row.files
		}
	}
	return ""
}

// ---------------------------------------------------------------- types

// listedPackage is what `go list` tells of a package or dependency.
type listedPackage struct {
	ImportPath string
	// Export is the file with the compiler's description of the package's types.
	Export string
	// GoFiles are those that this machine's build takes, tests excluded.
	GoFiles []string
}

// typeChecker knows the types of the packages it was made for, and of all that they import.
type typeChecker struct {
	fset     *token.FileSet
	listed   map[string]listedPackage
	importer types.Importer
}

// newTypeChecker asks the go command, which compiles what has not been compiled yet. Packages of this module are named
// as everywhere here, below the module's path.
func newTypeChecker(t *testing.T, fset *token.FileSet, packages []string) *typeChecker {
	t.Helper()
	arguments := []string{"list", "-e", "-export", "-deps", "-json=ImportPath,Export,GoFiles"}
	for _, pkg := range packages {
		arguments = append(arguments, module+"/"+pkg)
	}
	command := exec.Command("go", arguments...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, "go %s\n%s", strings.Join(arguments, " "), &stderr)

	checker := &typeChecker{fset: fset, listed: make(map[string]listedPackage)}
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var pkg listedPackage
		require.NoError(t, decoder.Decode(&pkg), "decode the answer of go list")
		checker.listed[pkg.ImportPath] = pkg
	}
	checker.importer = importer.ForCompiler(fset, "gc", func(imported string) (io.ReadCloser, error) {
		export := checker.listed[imported].Export
		if export == "" {
			return nil, fmt.Errorf("%s does not compile", imported)
		}
		return os.Open(export)
	})
	return checker
}

// check returns the types in a package and those of its files that belong to this machine's build.
func (c *typeChecker) check(t *testing.T, pkg string, files []goFile) (*types.Info, []goFile) {
	t.Helper()
	var built []goFile
	var syntax []*ast.File
	for _, file := range files {
		if slices.Contains(c.listed[module+"/"+pkg].GoFiles, path.Base(file.path)) {
			built = append(built, file)
			syntax = append(syntax, file.syntax)
		}
	}
	info, err := typesOf(c.fset, c.importer, syntax)
	if err != nil {
		t.Errorf("package %s does not compile, so what it does cannot be judged: %v", pkg, err)
	}
	return info, built
}

// typesOf returns what is known of the types in the files of one package, and the first error.
func typesOf(fset *token.FileSet, imports types.Importer, files []*ast.File) (*types.Info, error) {
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object)}
	// With a handler for errors, checking goes on behind the first one.
	config := types.Config{Importer: imports, Error: func(error) {}}
	_, err := config.Check("checked", fset, files, info)
	return info, err
}
