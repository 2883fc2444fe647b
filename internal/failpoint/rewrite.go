package failpoint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"

	"go.etcd.io/gofail/code"
)

// marker begins a header. gofail looks for it at the beginning of a line.
const marker = "// gofail:"

// types are those that a term can give.
var types = []string{"int", "string", "bool", "struct{}"}

// Point is a failpoint.
type Point struct {
	Name string
	// Type is int, string, bool or struct{}.
	Type string
	// Package is the import path, File the path from the module's root with slashes, Line counts from 1.
	Package string
	File    string
	Line    int
}

// String prints the point with its place.
func (p Point) String() string { return fmt.Sprintf("%s:%d: %s %s", p.File, p.Line, p.Name, p.Type) }

// source is a file that has failpoints.
type source struct {
	path    string // absolute
	rel     string // from the module's root, with slashes
	text    []byte
	pkg     string // what its package clause says
	points  []Point
	gofails []*code.Failpoint
	rewrite []byte
}

// translate finds the failpoints of a file and compiles them in. It returns nil if there are none.
func translate(path, rel, importPath string, text []byte) (*source, error) {
	if !bytes.Contains(text, []byte("gofail:")) {
		return nil, nil
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, path, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("find failpoints: %w", err)
	}
	s := &source{path: path, rel: rel, text: text, pkg: tree.Name.Name}
	headers := 0
	for _, group := range tree.Comments {
		for _, c := range group.List {
			place := fmt.Sprintf("%s:%d", rel, files.Position(c.Pos()).Line)
			if strings.HasPrefix(c.Text, "//gofail:") {
				return nil, fmt.Errorf("%s: write %q, with a blank, or it is no failpoint", place, marker)
			}
			if !strings.HasPrefix(c.Text, marker) {
				continue
			}
			headers++
			if err := s.header(c, place, importPath, tree, files); err != nil {
				return nil, err
			}
		}
	}
	if headers == 0 {
		return nil, nil
	}
	return s, s.compile(headers)
}

// header reads one gofail comment: a variable or, which is no point of its own, a label.
func (s *source) header(c *ast.Comment, place, importPath string, tree *ast.File, files *token.FileSet) error {
	decl := strings.TrimPrefix(c.Text, marker)
	if label, ok := strings.CutSuffix(strings.TrimSpace(decl), ":"); ok && token.IsIdentifier(label) {
		return nil
	}
	fields := strings.Fields(decl)
	if len(fields) != 3 || fields[0] != "var" || !token.IsIdentifier(fields[1]) {
		return fmt.Errorf("%s: malformed failpoint %q: want %s var NAME TYPE", place, c.Text, marker)
	}
	if !slices.Contains(types, fields[2]) {
		return fmt.Errorf("%s: failpoint %s has type %s, no term gives that: want %s",
			place, fields[1], fields[2], strings.Join(types, ", "))
	}
	if !inFunction(tree, c.Pos()) {
		return fmt.Errorf("%s: failpoint %s stands outside of any function, so it can never be reached", place, fields[1])
	}
	s.points = append(s.points, Point{Name: fields[1], Type: fields[2], Package: importPath, File: s.rel,
		Line: files.Position(c.Pos()).Line})
	return nil
}

// inFunction tells whether pos is inside the body of a function.
func inFunction(tree *ast.File, pos token.Pos) bool {
	for _, d := range tree.Decls {
		inside := false
		ast.Inspect(d, func(n ast.Node) bool {
			switch f := n.(type) {
			case *ast.FuncDecl:
				inside = inside || f.Body != nil && f.Body.Lbrace < pos && pos < f.Body.Rbrace
			case *ast.FuncLit:
				inside = inside || f.Body.Lbrace < pos && pos < f.Body.Rbrace
			}
			return !inside
		})
		if inside {
			return true
		}
	}
	return false
}

// compile translates the file with gofail and checks that the result is still Go. Every line keeps its number.
func (s *source) compile(headers int) error {
	var out bytes.Buffer
	// The name of the original goes into messages, traces and debug information instead of the copy's.
	fmt.Fprintf(&out, "//line %s:1\n", s.path)
	points, err := code.ToFailpoints(&out, bytes.NewReader(s.text))
	if err != nil {
		return fmt.Errorf("compile the failpoints of %s: %w", s.rel, err)
	}
	s.gofails, s.rewrite = points, out.Bytes()
	compiled := make([]string, len(points))
	for i, p := range points {
		compiled[i] = p.Name()
	}
	if want := pointNames(s.points); !slices.Equal(compiled, want) {
		return fmt.Errorf("compile the failpoints of %s: %d comments declare %v, but gofail sees %v: "+
			"a header begins its line, an empty line comes after each body, "+
			"and no line of a string looks like a header", s.rel, headers, want, compiled)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), s.path, s.rewrite, parser.SkipObjectResolution); err != nil {
		return fmt.Errorf("the failpoints of %s do not compile; is there an empty line after each body, "+
			"and no comment at the end of its last line? %w", s.rel, err)
	}
	return nil
}

func pointNames(points []Point) []string {
	names := make([]string, len(points))
	for i, p := range points {
		names[i] = p.Name
	}
	return names
}
