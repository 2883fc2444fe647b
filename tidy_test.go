// Package ordeal_test is the repository's test of itself: who may import whom, what code under simulation must not
// do, and how the sources look. Rules are literal tables, one file for each subject; an exception carries its reason
// and has to go once it is no longer needed.
package ordeal_test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is the path in go.mod. Packages are named below it: "world", "system/store".
const module = "ordeal"

// skippedFolders hold nothing that is written by hand for this repository.
var skippedFolders = []string{
	".git",
	"out",
	"internal/deps", // keeps libraries in go.mod until the packages that need them are there
}

// goFile is one Go source, wherever it is in the repository.
type goFile struct {
	// path is relative to the root, with slashes.
	path   string
	source []byte
	syntax *ast.File
	test   bool
	// generated files say so in their head, as `go help generate` describes.
	generated bool
	// nested files belong to a module of their own (tools, bench, interop).
	nested bool
}

// pkg is the file's package below the module's path.
func (f goFile) pkg() string { return path.Dir(f.path) }

// repository is what all tests here look at. It is read once.
type repository struct {
	fset *token.FileSet
	// texts are the paths of all files that are not binary, in order.
	texts map[string][]byte
	// sources are the Go files in the order of their paths, without those below a testdata folder.
	sources []goFile
}

var loadOnce = sync.OnceValues(loadRepository)

func load(t *testing.T) repository {
	t.Helper()
	repo, err := loadOnce()
	require.NoError(t, err, "read the repository")
	return repo
}

func loadRepository() (repository, error) {
	repo := repository{fset: token.NewFileSet(), texts: make(map[string][]byte)}
	var nested []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if slices.Contains(skippedFolders, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0 {
			return nil
		}
		repo.texts[name] = content
		if path.Base(name) == "go.mod" && path.Dir(name) != "." {
			nested = append(nested, path.Dir(name)+"/")
		}
		return nil
	})
	if err != nil {
		return repository{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(repo.texts)) {
		if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		syntax, err := parser.ParseFile(repo.fset, name, repo.texts[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return repository{}, err
		}
		repo.sources = append(repo.sources, goFile{
			path:      name,
			source:    repo.texts[name],
			syntax:    syntax,
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(syntax),
			nested:    slices.ContainsFunc(nested, func(dir string) bool { return strings.HasPrefix(name, dir) }),
		})
	}
	return repo, nil
}

func TestGofmt(t *testing.T) {
	t.Parallel()
	for _, file := range load(t).sources {
		formatted, err := format.Source(file.source)
		require.NoError(t, err, file.path)
		if !bytes.Equal(formatted, file.source) {
			t.Errorf("%s is not formatted: run gofmt -w on it", file.path)
		}
	}
}

// A sentence ends with one of these and then space or nothing.
var sentenceEnd = regexp.MustCompile(`[.!?]["')]*(\s|$)`)

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	names := make(map[string]string)
	docs := make(map[string]string)
	for _, file := range load(t).sources {
		if file.test {
			continue
		}
		names[file.pkg()] = file.syntax.Name.Name
		if doc := file.syntax.Doc.Text(); doc != "" {
			if docs[file.pkg()] != "" {
				t.Errorf("%s: package %s already has a comment in another file: keep one", file.path, file.pkg())
			}
			docs[file.pkg()] = doc
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(names)) {
		doc, name := docs[pkg], names[pkg]
		switch {
		case doc == "":
			t.Errorf("package %s has no comment: say in at least two sentences what the idea of it is", pkg)
		case name != "main" && !strings.HasPrefix(doc, "Package "+name+" "):
			t.Errorf("package %s: its comment must begin with %q", pkg, "Package "+name+" ")
		case len(sentenceEnd.FindAllString(doc, -1)) < 2:
			t.Errorf("package %s: its comment is one sentence; say in at least two what the idea of it is", pkg)
		}
	}
}

// A note of work to be done names the issue that will do it. The words are put together so as not to find themselves.
var openWork = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b(\(#\d+\))?`)

func TestOpenWorkNamesItsIssue(t *testing.T) {
	t.Parallel()
	repo := load(t)
	for _, name := range slices.Sorted(maps.Keys(repo.texts)) {
		for number, line := range strings.Split(string(repo.texts[name]), "\n") {
			for _, match := range openWork.FindAllStringSubmatch(line, -1) {
				if match[2] == "" {
					t.Errorf("%s:%d: %s without an issue: do it, or write %s(#N)", name, number+1, match[1], match[1])
				}
			}
		}
	}
}

// matches says whether name is pattern, or lies below it if pattern ends in "/...".
func matches(pattern, name string) bool {
	parent, subtree := strings.CutSuffix(pattern, "/...")
	return name == parent || subtree && strings.HasPrefix(name, parent+"/")
}
