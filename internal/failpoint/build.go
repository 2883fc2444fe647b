package failpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.etcd.io/gofail/code"
)

// bindingFile is the name under which a package gets the file that declares its failpoints.
const bindingFile = "gofail_bindings.go"

// overlay is the file that go build -overlay reads.
type overlay struct{ Replace map[string]string }

// Build compiles in all failpoints of the module at moduleRoot. It writes only below cacheDir, where every file is
// named by its content: building twice writes nothing, and processes that build at the same time do not disturb each
// other.
// cacheDir holds Go files; inside a module it must be hidden (begin with a dot), or ./... would find them.
// It returns the overlay's path and the failpoints in the order of their files and lines; a module without failpoints
// has an overlay that replaces nothing.
func Build(moduleRoot, cacheDir string) (overlayJSON string, points []Point, err error) {
	if moduleRoot, err = filepath.Abs(moduleRoot); err == nil {
		cacheDir, err = filepath.Abs(cacheDir)
	}
	if err != nil {
		return "", nil, fmt.Errorf("build the failpoint overlay: %w", err)
	}
	module, err := moduleOf(moduleRoot)
	if err != nil {
		return "", nil, fmt.Errorf("build the failpoint overlay: %w", err)
	}
	sources, err := collect(moduleRoot, cacheDir, module)
	if err != nil {
		return "", nil, fmt.Errorf("build the failpoint overlay: %w", err)
	}
	for _, s := range sources {
		points = append(points, s.points...)
	}
	if err := unique(points); err != nil {
		return "", nil, fmt.Errorf("build the failpoint overlay: %w", err)
	}
	overlayJSON, err = write(cacheDir, sources)
	if err != nil {
		return "", nil, fmt.Errorf("build the failpoint overlay: %w", err)
	}
	return overlayJSON, points, nil
}

// collect translates the module's own files that are part of a build, in the order of their paths.
func collect(root, cacheDir, module string) (sources []*source, err error) {
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if file != root && (file == cacheDir || isForeign(file, entry.Name())) {
				return filepath.SkipDir
			}
			return nil
		case !isCode(entry):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		s, err := translate(file, rel, path.Join(module, path.Dir(rel)), text)
		if err == nil && s != nil {
			sources = append(sources, s)
		}
		return err
	})
	return sources, err
}

// isForeign tells whether a folder is none of the module's: hidden, test data, vendored, or a module of its own.
func isForeign(dir, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// isCode tells whether the go tool could compile a file into a program.
func isCode(entry fs.DirEntry) bool {
	name := entry.Name()
	return entry.Type().IsRegular() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// unique checks that no name is used twice: gofail knows failpoints by name alone.
func unique(points []Point) error {
	first := map[string]Point{}
	for _, p := range points {
		if o, ok := first[p.Name]; ok {
			return fmt.Errorf("%s:%d: failpoint %s has the name of the one at %s:%d, names are unique in a module",
				p.File, p.Line, p.Name, o.File, o.Line)
		}
		first[p.Name] = p
	}
	return nil
}

// write puts the rewritten files, one file of bindings a package, and the overlay into the cache.
func write(cacheDir string, sources []*source) (string, error) {
	o := overlay{Replace: map[string]string{}}
	packages := map[string][]*source{}
	var dirs []string
	for _, s := range sources {
		copied, err := store(cacheDir, filepath.Base(s.path), s.rewrite)
		if err != nil {
			return "", err
		}
		o.Replace[s.path] = copied
		dir := filepath.Dir(s.path)
		if packages[dir] == nil {
			dirs = append(dirs, dir)
		}
		packages[dir] = append(packages[dir], s)
	}
	for _, dir := range dirs {
		binding := filepath.Join(dir, bindingFile)
		if _, err := os.Lstat(binding); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is in the way: the overlay adds a file of that name", binding)
		}
		text, err := bindings(packages[dir])
		if err != nil {
			return "", err
		}
		if o.Replace[binding], err = store(cacheDir, bindingFile, text); err != nil {
			return "", err
		}
	}
	text, err := json.MarshalIndent(o, "", "\t")
	if err != nil {
		return "", err
	}
	return store(cacheDir, "overlay.json", text)
}

// bindings declares the failpoints of one package.
func bindings(files []*source) ([]byte, error) {
	var gofails []*code.Failpoint
	for _, s := range files {
		if s.pkg != files[0].pkg {
			return nil, fmt.Errorf("%s is of package %s, but %s of package %s: failpoints cannot be declared for both",
				files[0].rel, files[0].pkg, s.rel, s.pkg)
		}
		gofails = append(gofails, s.gofails...)
	}
	var text bytes.Buffer
	err := code.NewBinding(files[0].pkg, gofails).Write(&text)
	return text.Bytes(), err
}

// store writes a file under a folder named by its content, unless it is there.
func store(cacheDir, name string, text []byte) (string, error) {
	sum := sha256.Sum256(text)
	dir := filepath.Join(cacheDir, hex.EncodeToString(sum[:16]))
	file := filepath.Join(dir, name)
	if have, err := os.ReadFile(file); err == nil && bytes.Equal(have, text) {
		return file, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// Written aside and renamed, so that nobody ever reads half a file.
	temp, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return "", err
	}
	_, err = temp.Write(text)
	if e := temp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return file, nil
}
