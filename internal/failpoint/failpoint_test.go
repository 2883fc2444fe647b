package failpoint

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module writes a module of the given files into a new folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	if _, ok := files["go.mod"]; !ok {
		files["go.mod"] = "module sample\n\ngo 1.26\n"
	}
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return root
}

// gofailDir finds the sources of gofail that this module is built with.
func gofailDir(t *testing.T) (goBin, dir string) {
	t.Helper()
	root, err := ModuleRoot(".")
	require.NoError(t, err)
	goBin, err = Toolchain()
	require.NoError(t, err)
	cmd := exec.Command(goBin, "list", "-m", "-f", "{{.Dir}}", "go.etcd.io/gofail")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	return goBin, strings.TrimSpace(string(out))
}

const sampleMain = `// Package main is a program with failpoints.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/gofail/runtime"

	"sample/shard"
)

func main() {
	for _, e := range os.Args[1:] {
		name, terms := e[:len("crashX")], e[len("crashX="):]
		if err := runtime.Enable(name, terms); err != nil {
			fmt.Println(err)
			return
		}
	}
	defer func() {
		if v := recover(); v != nil {
			fmt.Printf("%T %v\n", v, v)
		}
	}()
	confirmed := false
	// gofail: var bugFly struct{}
	// confirmed = true

	fmt.Println("confirmed", confirmed, len(runtime.List()))
	shard.Serve(3)
}
`

const sampleShard = `package shard

type Crash struct{ Node int }

func Serve(id uint64) {
	// gofail: var crashX int
	// if crashX == int(id) {
	//	panic(Crash{
	//		Node: crashX,
	//	})
	// }

	func() {
		// gofail: var emptyP bool

		// gofail: outer:
		for {
			// gofail: var breakP string
			// if breakP != "" {
			//	break outer
			// }

			break
		}
	}()
}

func Line() int {
	var m map[string]int
	m["line 30"] = 1
	return 0
}
`

// TestOverlayBuildsAndRuns builds a program twice, plainly and with the overlay, and runs it with crash points armed.
func TestOverlayBuildsAndRuns(t *testing.T) {
	t.Parallel()
	goBin, gofail := gofailDir(t)
	root := module(t, map[string]string{
		"go.mod":         "module sample\n\ngo 1.26\n\nrequire go.etcd.io/gofail v0.2.0\n\nreplace go.etcd.io/gofail => " + gofail + "\n",
		"main.go":        sampleMain,
		"shard/shard.go": sampleShard,
		"shard/shard_test.go": `package shard

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestPlace(t *testing.T) {
	defer func() {
		recover()
		if stack := string(debug.Stack()); !strings.Contains(stack, "/shard/shard.go:30") {
			t.Fatal(stack)
		}
	}()
	Line()
}
`,
	})
	before := tree(t, root)
	file, points, err := Build(root, filepath.Join(root, ".cache"))
	require.NoError(t, err)
	require.Equal(t, []Point{
		{Name: "bugFly", Type: "struct{}", Package: "sample", File: "main.go", Line: 27},
		{Name: "crashX", Type: "int", Package: "sample/shard", File: "shard/shard.go", Line: 6},
		{Name: "emptyP", Type: "bool", Package: "sample/shard", File: "shard/shard.go", Line: 14},
		{Name: "breakP", Type: "string", Package: "sample/shard", File: "shard/shard.go", Line: 18},
	}, points)
	require.Equal(t, "shard/shard.go:6: crashX int", points[1].String())

	run := func(args ...string) string {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = root
		cmd.Env = append(cmd.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	plain, hurt := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "hurt")
	run(goBin, "build", "-o", plain, ".")
	run(goBin, "build", "-overlay="+file, "-o", hurt, ".")
	require.Equal(t, before, tree(t, root), "the tree must stay as it was")
	require.Equal(t, "confirmed false 0\n", run(plain))
	require.Equal(t, "failpoint: failpoint does not exist\n", run(plain, "crashX=return(3)"))
	require.Equal(t, "confirmed false 4\n", run(hurt))
	require.Equal(t, "confirmed true 4\n", run(hurt, "bugFly=return"))
	require.Equal(t, "confirmed true 4\n", run(hurt, "bugFly=return()->off"))
	require.Equal(t, "confirmed false 4\n", run(hurt, "bugFly=return->off"), "a trap of gofail's")
	require.Equal(t, "confirmed false 4\nshard.Crash {3}\n", run(hurt, "crashX=return(3)"))
	require.Equal(t, "confirmed false 4\nshard.Crash {3}\n", run(hurt, "crashX=1*return(3)"))
	require.Equal(t, "confirmed false 4\n", run(hurt, "crashX=return(4)"))
	require.Equal(t, "confirmed false 4\n", run(hurt, "crashX=1*off->1*return(3)"))
	require.Contains(t, run(hurt, "crashX=return"), `got value {} of type "struct {}" but expected type "int"`)
	run(goBin, "test", "-overlay="+file, "./shard")
}

// tree reads all files of a module but its caches.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if err == nil && e.Name() == ".cache" {
				return filepath.SkipDir
			}
			return err
		}
		// go build -mod=mod may complete these two.
		if e.Name() != "go.sum" && e.Name() != "go.mod" {
			text, err := os.ReadFile(file)
			files[file] = string(text)
			return err
		}
		return nil
	}))
	return files
}

func TestBuildIsStableAndCached(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	root := module(t, map[string]string{"shard/shard.go": sampleShard, "a.go": "package sample\n"})
	file, _, err := Build(root, cache)
	require.NoError(t, err)
	first := tree(t, cache)
	again, _, err := Build(root, cache)
	require.NoError(t, err)
	require.Equal(t, file, again)
	require.Equal(t, first, tree(t, cache))

	require.NoError(t, os.WriteFile(filepath.Join(root, "shard/shard.go"), []byte(sampleShard+"\n"), 0o644))
	changed, _, err := Build(root, cache)
	require.NoError(t, err)
	require.NotEqual(t, file, changed)

	var o overlay
	text, err := os.ReadFile(changed)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &o))
	require.Len(t, o.Replace, 2)
	rewritten, err := os.ReadFile(o.Replace[filepath.Join(root, "shard/shard.go")])
	require.NoError(t, err)
	require.Equal(t, strings.Count(sampleShard, "\n")+2, strings.Count(string(rewritten), "\n"), "lines keep their numbers")
	require.True(t, strings.HasPrefix(string(rewritten), "//line "+filepath.Join(root, "shard/shard.go")+":1\n"))
}

func TestBuildLooksOnlyAtTheModulesOwnCode(t *testing.T) {
	t.Parallel()
	point := "package p\n\nfunc f() {\n\t// gofail: var twice int\n\n}\n"
	root := module(t, map[string]string{
		"p/p_test.go": point, "p/testdata/p.go": point, "p/.hidden/p.go": point, "p/_p/p.go": point, "p/_p.go": point,
		"vendor/p/p.go": point, "tools/p.go": point, "tools/go.mod": "module tools\n", "out/p.go": point, "p/p.txt": point,
		"p/doc.go": "// Package p shows how:\n//\n//\t// gofail: var twice int\npackage p\n",
		"p/s.go":   "package p\n\nconst s = \"// gofail: var twice int\"\n",
	})
	file, points, err := Build(root, filepath.Join(root, "out"))
	require.NoError(t, err)
	require.Empty(t, points)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.JSONEq(t, `{"Replace":{}}`, string(text))
}

func TestBuildRefusesMistakes(t *testing.T) {
	t.Parallel()
	in := func(body string) string { return "package p\n\nfunc f() {\n" + body + "\n}\n" }
	for want, files := range map[string]map[string]string{
		`q/q.go:4: failpoint bugA has the name of the one at p/p.go:4, names are unique in a module`: {
			"p/p.go": in("\t// gofail: var bugA int\n"), "q/q.go": in("\t// gofail: var bugA int\n")},
		`p/p.go:4: write "// gofail:", with a blank`:                                         {"p/p.go": in("\t//gofail: var bugA int\n")},
		`p/p.go:4: malformed failpoint "// gofail: var bugA": want // gofail: var NAME TYPE`: {"p/p.go": in("\t// gofail: var bugA\n")},
		`malformed failpoint "// gofail: var bugA int // see: there"`:                        {"p/p.go": in("\t// gofail: var bugA int // see: there\n")},
		`malformed failpoint "// gofail: var bug-a int"`:                                     {"p/p.go": in("\t// gofail: var bug-a int\n")},
		`p/p.go:4: failpoint bugA has type error, no term gives that: want int, string, bool, struct{}`: {
			"p/p.go": in("\t// gofail: var bugA error\n")},
		`p/p.go:3: failpoint bugA stands outside of any function`: {"p/p.go": "package p\n\n// gofail: var bugA int\n"},
		`the failpoints of p/p.go do not compile; is there an empty line after each body`: {
			"p/p.go": in("\t// gofail: var bugA int\n\t// f()\n\t// This is prose, not code.\n\tf()")},
		`p/p.go:6:`: {"p/p.go": in("\t// gofail: var bugA int\n\t// f()\n\t// This is prose, not code.\n\tf()")},
		`and no comment at the end of its last line?`: {
			"p/p.go": in("\t// gofail: var bugA int\n\t// f() // or not\n\n\tf()")},
		`but gofail sees [bugA]: a header begins its line`: {
			"p/p.go": in("\t// gofail: var bugA int\n\t// gofail: var bugB int\n\n\tf()")},
		`but gofail sees []: a header begins its line`: {"p/p.go": in("\tf() // gofail: var bugA int\n")},
		`gofail_bindings.go is in the way`: {
			"p/p.go": in("\t// gofail: var bugA int\n"), "p/gofail_bindings.go": "package p\n"},
		`p/p.go is of package p, but p/q.go of package main`: {
			"p/p.go": in("\t// gofail: var bugA int\n"),
			"p/q.go": "//go:build ignore\n\npackage main\n\nfunc main() {\n\t// gofail: var bugB int\n\n}\n"},
		`find failpoints: `:         {"p/p.go": "package p // gofail: var\n\nfunc {"},
		`go.mod declares no module`: {"go.mod": "go 1.26\n"},
	} {
		_, points, err := Build(module(t, files), t.TempDir())
		require.ErrorContains(t, err, want)
		require.Nil(t, points)
	}
	_, _, err := Build(t.TempDir(), t.TempDir())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestModuleRoot(t *testing.T) {
	t.Parallel()
	root := module(t, map[string]string{
		"go.mod": "// The module.\nmodule \"ordeal\" // yes\n", "tools/go.mod": "module ordeal/tools\n", "tools/a/a.go": "package a\n",
	})
	found, err := ModuleRoot(filepath.Join(root, "tools", "a"))
	require.NoError(t, err)
	require.Equal(t, root, found)
	_, err = ModuleRoot(t.TempDir())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "no go.mod of module ordeal in")
}

func TestToolchain(t *testing.T) {
	goBin, err := Toolchain()
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(goBin))
	out, err := exec.Command(goBin, "version").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "go version")

	t.Setenv("PATH", "")
	t.Setenv("GOROOT", filepath.Dir(filepath.Dir(goBin)))
	again, err := Toolchain()
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(again))
}
