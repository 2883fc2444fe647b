package ordeal_test

import (
	"bytes"
	"go/ast"
	"maps"
	"slices"
	"testing"
)

// Nobody holds more than this in the head at once. Lines of tests and of generated files are not counted.
const (
	fileLinesMax     = 400
	functionLinesMax = 70
)

// tooLong is a ratchet: what was over the limit when it was noticed, with its length. An entry may only shrink.
// The keys are "path" for a file and "path:Function" or "path:Type.Method" for a function.
var tooLong = map[string]int{}

func TestLengths(t *testing.T) {
	t.Parallel()
	repo := load(t)
	used := make(map[string]bool)
	check := func(what string, lines, limit int) {
		exception, excepted := tooLong[what]
		used[what] = true
		switch {
		case !excepted && lines > limit:
			t.Errorf("%s has %d lines, at most %d are allowed: split it by ideas", what, lines, limit)
		case excepted && lines <= limit:
			t.Errorf("%s has %d lines, which is allowed: delete it from tooLong", what, lines)
		case excepted && lines > exception:
			t.Errorf("%s grew from %d lines to %d: split it by ideas", what, exception, lines)
		case excepted && lines < exception:
			t.Errorf("%s has %d lines now: lower its number in tooLong from %d", what, lines, exception)
		}
	}
	for _, file := range repo.sources {
		if file.test || file.generated {
			continue
		}
		check(file.path, bytes.Count(file.source, []byte("\n")), fileLinesMax)
		for _, declaration := range file.syntax.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				lines := repo.fset.Position(function.End()).Line - repo.fset.Position(function.Pos()).Line + 1
				check(file.path+":"+functionName(function), lines, functionLinesMax)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(tooLong)) {
		if !used[what] {
			t.Errorf("%s is gone: delete it from tooLong", what)
		}
	}
}

// functionName is Function or Type.Method.
func functionName(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	for {
		switch inner := receiver.(type) {
		case *ast.StarExpr:
			receiver = inner.X
		case *ast.IndexExpr:
			receiver = inner.X
		case *ast.IndexListExpr:
			receiver = inner.X
		case *ast.Ident:
			return inner.Name + "." + function.Name.Name
		default:
			panic("a method of something that is no named type: " + function.Name.Name)
		}
	}
}
