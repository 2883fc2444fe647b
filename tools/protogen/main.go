// Protogen turns the .proto files under ../proto into Go without protoc. It compiles them with protocompile, hands
// the result to protoc-gen-go, pinned by this module's go.mod, and writes each .pb.go beside its .proto.
//
// From the root of the repository:
//
//	go -C tools run ./protogen          # write
//	go -C tools run ./protogen -check   # write nothing; exit 1 and name the files that differ
//
// The output depends on nothing but the .proto files and the pinned versions.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const regenerate = "go -C tools run ./protogen"

func main() {
	root := flag.String("proto", "../proto", "folder of the .proto files; imports are relative to it")
	check := flag.Bool("check", false, "write nothing; exit 1 and name the files that differ")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "protogen: unexpected argument %q: it takes flags only, see -help\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	sources, err := filesWithSuffix(root, ".proto")
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return fmt.Errorf("no .proto file under %s: run `%s` in the root of the repository, or set -proto",
			root, regenerate)
	}
	descriptors, err := compile(root, sources)
	if err != nil {
		return err
	}
	generated, err := generate(sources, descriptors)
	if err != nil {
		return err
	}
	changes, err := compare(root, generated)
	if err != nil {
		return err
	}
	if !check {
		return apply(root, generated, changes)
	}
	if len(changes) > 0 {
		return fmt.Errorf("not what the .proto files generate: %s\nrun `%s` and commit the result",
			strings.Join(changes, ", "), regenerate)
	}
	return nil
}

// filesWithSuffix returns the sorted paths, relative to root and with slashes, of the files that end in suffix.
func filesWithSuffix(root, suffix string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		relative, err := filepath.Rel(root, path)
		found = append(found, filepath.ToSlash(relative))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for *%s under %s: %w", suffix, root, err)
	}
	slices.Sort(found)
	return found, nil
}

// compile returns the descriptors of the sources and all that they import, each after its imports.
func compile(root string, sources []string) ([]*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		// Comments become Go doc comments.
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), sources...)
	if err != nil {
		return nil, fmt.Errorf("compile the .proto files under %s: %w", root, err)
	}
	var ordered []*descriptorpb.FileDescriptorProto
	seen := make(map[string]bool)
	var visit func(file protoreflect.FileDescriptor)
	visit = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			visit(file.Imports().Get(i).FileDescriptor)
		}
		ordered = append(ordered, protoutil.ProtoFromFileDescriptor(file))
	}
	for _, file := range linker.Files(files) {
		visit(file)
	}
	return ordered, nil
}

// generate returns the content of each .pb.go by its path relative to the proto folder.
func generate(sources []string, descriptors []*descriptorpb.FileDescriptorProto) (map[string][]byte, error) {
	request, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: sources,
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      descriptors,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the request to protoc-gen-go: %w", err)
	}
	var output bytes.Buffer
	plugin := exec.Command("go", "tool", "protoc-gen-go")
	plugin.Stdin, plugin.Stdout, plugin.Stderr = bytes.NewReader(request), &output, os.Stderr
	if err := plugin.Run(); err != nil {
		return nil, fmt.Errorf("`go tool protoc-gen-go`: %w: run protogen in the folder tools, whose go.mod pins that tool", err)
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output.Bytes(), &response); err != nil {
		return nil, fmt.Errorf("decode the answer of protoc-gen-go: %w", err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("protoc-gen-go refuses the .proto files: %s", response.GetError())
	}
	generated := make(map[string][]byte, len(response.File))
	for _, file := range response.File {
		generated[file.GetName()] = packageDoc.ReplaceAll([]byte(file.GetContent()), []byte("$1$2"))
	}
	return generated, nil
}

// packageDoc finds a .proto file's comment on its package and the package clause. protoc-gen-go puts an empty line
// between them, which keeps go doc from seeing the comment.
var packageDoc = regexp.MustCompile(`(?m)(^// Package .*\n(?://.*\n)*)\n(package \w+\n)`)

// compare returns the sorted paths at which the tree is not what was generated, those of files that no .proto
// generates any more included.
func compare(root string, generated map[string][]byte) ([]string, error) {
	present, err := filesWithSuffix(root, ".pb.go")
	if err != nil {
		return nil, err
	}
	var changes []string
	for _, path := range present {
		if _, wanted := generated[path]; !wanted {
			changes = append(changes, path)
		}
	}
	for path, content := range generated {
		old, err := os.ReadFile(filepath.Join(root, path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || !bytes.Equal(old, content) {
			changes = append(changes, path)
		}
	}
	slices.Sort(changes)
	return changes, nil
}

// apply makes the tree what was generated and says what it changed.
func apply(root string, generated map[string][]byte, changes []string) error {
	for _, path := range changes {
		content, wanted := generated[path]
		if !wanted {
			if err := os.Remove(filepath.Join(root, path)); err != nil {
				return err
			}
			fmt.Println("removed", path)
			continue
		}
		if err := os.WriteFile(filepath.Join(root, path), content, 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	return nil
}
