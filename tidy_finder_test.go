package ordeal_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// violation is one place that would make runs differ.
type violation struct {
	pos  token.Position
	text string
}

// mapOrder marks the line below it: it reads a map in an order of which nobody can tell. The reason follows.
const mapOrder = "//tidy:maporder"

// syncImport follows an import of sync or sync/atomic on its line: the package is called by goroutines that are not
// its own. The reason follows.
const syncImport = "//tidy:sync"

// finder walks one file.
type finder struct {
	fset *token.FileSet
	info *types.Info
	// marked are the lines below a mapOrder comment; what it excuses takes the mark away.
	marked map[int]bool
	// sorted are the uses of maps.Keys and the like whose result is sorted at once.
	sorted map[*ast.Ident]bool
	found  []violation
}

// findViolations returns what is banned in a file of the simulation, in the order of lines.
func findViolations(fset *token.FileSet, info *types.Info, file *ast.File) []violation {
	f := &finder{fset: fset, info: info, marked: make(map[int]bool), sorted: make(map[*ast.Ident]bool)}
	for _, spec := range file.Imports {
		f.inspectImport(spec)
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			reason, marked := strings.CutPrefix(comment.Text, mapOrder)
			if marked && strings.TrimSpace(reason) == "" {
				f.report(comment, "%s without a reason: say why nobody can tell the order", mapOrder)
			}
			if marked {
				f.marked[fset.Position(comment.Pos()).Line+1] = true
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		f.inspect(node)
		return true
	})
	for line := range f.marked {
		pos := token.Position{Filename: fset.Position(file.Pos()).Filename, Line: line - 1}
		f.found = append(f.found, violation{pos, mapOrder + " above a line that reads no map in its order: delete it"})
	}
	slices.SortStableFunc(f.found, func(a, b violation) int { return a.pos.Line - b.pos.Line })
	return f.found
}

func (f *finder) report(at ast.Node, text string, arguments ...any) {
	f.found = append(f.found, violation{f.fset.Position(at.Pos()), fmt.Sprintf(text, arguments...)})
}

func (f *finder) inspectImport(spec *ast.ImportSpec) {
	var reason string
	var marked bool
	if spec.Comment != nil {
		reason, marked = strings.CutPrefix(spec.Comment.List[0].Text, syncImport)
	}
	imported := strings.Trim(spec.Path.Value, `"`)
	why, banned := bannedImports[imported]
	switch {
	case marked && imported != "sync" && imported != "sync/atomic":
		f.report(spec, "%s behind another import: delete it", syncImport)
	case marked && strings.TrimSpace(reason) == "":
		f.report(spec, "%s without a reason: say whose goroutines these are", syncImport)
	case banned && !marked:
		f.report(spec, "import of %s: %s", imported, why)
	}
}

func (f *finder) inspect(node ast.Node) {
	const realOnly = "goroutines and channels belong to world/real"
	switch node := node.(type) {
	case *ast.GoStmt:
		f.report(node, "go statement: %s", realOnly)
	case *ast.SelectStmt:
		f.report(node, "select: %s", realOnly)
	case *ast.ChanType:
		f.report(node, "channel type: %s", realOnly)
	case *ast.SendStmt:
		f.report(node, "send on a channel: %s", realOnly)
	case *ast.UnaryExpr:
		if node.Op == token.ARROW {
			f.report(node, "receive from a channel: %s", realOnly)
		}
	case *ast.RangeStmt:
		f.inspectRange(node)
	case *ast.CallExpr:
		f.inspectCall(node)
	case *ast.Ident:
		f.inspectUse(node)
	}
}

func (f *finder) inspectRange(loop *ast.RangeStmt) {
	ranged := f.info.TypeOf(loop.X)
	if ranged == nil {
		return
	}
	switch ranged.Underlying().(type) {
	case *types.Map:
		f.reportMapOrder(loop)
	case *types.Chan:
		f.report(loop, "loop over a channel: goroutines and channels belong to world/real")
	}
}

// inspectCall notes what is sorted. Calls are visited before what is in them.
func (f *finder) inspectCall(call *ast.CallExpr) {
	if !strings.HasPrefix(f.qualified(calledName(call)), "slices.Sorted") || len(call.Args) == 0 {
		return
	}
	if iterator, ok := call.Args[0].(*ast.CallExpr); ok {
		f.sorted[calledName(iterator)] = true
	}
}

func (f *finder) inspectUse(name *ast.Ident) {
	qualified := f.qualified(name)
	if why, banned := bannedFunctions[qualified]; banned {
		f.report(name, "%s: %s", qualified, why)
	}
	if global, ok := strings.CutPrefix(qualified, "math/rand/v2."); ok && !strings.HasPrefix(global, "New") {
		f.report(name, "%s draws from a source nobody seeded: use a method of the *rand.Rand that is given", qualified)
	}
	switch qualified {
	case "maps.All", "maps.Keys", "maps.Values":
		if !f.sorted[name] {
			f.reportMapOrder(name)
		}
	}
}

func (f *finder) reportMapOrder(node ast.Node) {
	line := f.fset.Position(node.Pos()).Line
	if f.marked[line] {
		delete(f.marked, line)
		return
	}
	f.report(node, "order of a map, which differs from run to run: use slices.Sorted(maps.Keys(m)), "+
		"or, if nobody can tell the order, say why in a comment %s above it", mapOrder)
}

// calledName is the name by which a call calls, or nil if it has none.
func calledName(call *ast.CallExpr) *ast.Ident {
	function := ast.Unparen(call.Fun)
	if index, ok := function.(*ast.IndexExpr); ok {
		function = index.X
	}
	switch function := function.(type) {
	case *ast.SelectorExpr:
		return function.Sel
	case *ast.Ident:
		return function
	}
	return nil
}

// qualified is the package and name of the function that the identifier means, or "" if it means none of a package.
func (f *finder) qualified(name *ast.Ident) string {
	function, ok := f.info.Uses[name].(*types.Func)
	if !ok || function.Pkg() == nil || function.Signature().Recv() != nil {
		return ""
	}
	return function.Pkg().Path() + "." + function.Name()
}

// A finder that finds nothing would pass for a clean repository.
func TestFinderFinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		code string
		// want begins the texts that are found.
		want []string
	}{
		{"clock", `import "time"; var _ = time.Now()`, []string{"time.Now"}},
		{"clock under another name", `import clock "time"; var _ = clock.Now`, []string{"time.Now"}},
		{"values of package time", `import "time"; var _ = time.Second.Seconds()`, nil},
		{"a method of the same name", `type s struct{}; func (s) Now() {}; func f(x s) { x.Now() }`, nil},
		{"deadline", `import "context"; var _, _ = context.WithTimeout(nil, 0)`, []string{"context.WithTimeout"}},
		{"lock", `import "sync"; var _ sync.Mutex`, []string{"import of sync:"}},
		{"marked lock", "import \"sync\" //tidy:sync Pebble calls back\nvar _ sync.Mutex", nil},
		{"mark of no lock", "import \"time\" //tidy:sync old\nvar _ time.Time", []string{syncImport + " behind"}},
		{"mark of a lock without a reason", "import \"sync\" //tidy:sync\nvar _ sync.Mutex", []string{syncImport + " without"}},
		{"global chance", `import "math/rand/v2"; var _ = rand.IntN(2)`, []string{"math/rand/v2.IntN"}},
		{"generic chance", `import "math/rand/v2"; var _ = rand.N[int](2)`, []string{"math/rand/v2.N"}},
		{"seeded chance", `import "math/rand/v2"; var _ = rand.New(rand.NewPCG(1, 2)).IntN(2)`, nil},
		{"goroutine", `func f() { go f() }`, []string{"go statement"}},
		{"channel", `func f(c chan int) { c <- 1; <-c }`, []string{"channel type", "send", "receive"}},
		{"loop over a channel", `var c chan int; func f() { for range c {} }`, []string{"channel type", "loop over a channel"}},
		{"select", `func f() { select {} }`, []string{"select"}},
		{"loop over a map", `type m map[int]int; func f(x m) { for range x {} }`, []string{"order of a map"}},
		{"loop over a slice", `func f(x []int) { for range x {} }`, nil},
		{"marked loop", "func f(x map[int]int) (n int) {\n//tidy:maporder a sum\nfor _, v := range x { n += v }; return }", nil},
		{"mark without a reason", "func f(x map[int]int) {\n//tidy:maporder\nfor range x {}}", []string{mapOrder + " without"}},
		{"mark of nothing", "//tidy:maporder old\nvar _ int", []string{mapOrder + " above"}},
		{"keys", `import ("maps"; "slices"); var _ = slices.Collect(maps.Keys(map[int]int{}))`, []string{"order of a map"}},
		{"sorted keys", `import ("maps"; "slices"); var _ = slices.Sorted(maps.Keys(map[int]int{}))`, nil},
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	for _, test := range tests {
		file, err := parser.ParseFile(fset, test.name, "package p; "+test.code, parser.ParseComments)
		require.NoError(t, err, test.name)
		info, err := typesOf(fset, imports, []*ast.File{file})
		require.NoError(t, err, test.name)
		found := findViolations(fset, info, file)
		require.Len(t, found, len(test.want), "%s: %v", test.name, found)
		for i, want := range test.want {
			require.True(t, strings.HasPrefix(found[i].text, want), "%s: found %q, want %q", test.name, found[i].text, want)
		}
	}
}
