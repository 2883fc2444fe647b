package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	leafProto = `syntax = "proto3";

// Package leaf is imported. It imports nothing.
package leaf;

option go_package = "example/leaf";

message Leaf { uint64 id = 1; }
`
	treeProto = `syntax = "proto3";
package tree;

import "leaf/leaf.proto";

option go_package = "example/tree";

message Tree { repeated leaf.Leaf leaves = 1; }
`
)

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return root
}

func TestWriteThenCheck(t *testing.T) {
	t.Parallel()
	root := writeTree(t, map[string]string{
		"leaf/leaf.proto": leafProto,
		"tree/tree.proto": treeProto,
		"gone/gone.pb.go": "package gone\n",
	})
	require.ErrorContains(t, run(root, true), "gone/gone.pb.go, leaf/leaf.pb.go, tree/tree.pb.go")
	require.NoFileExists(t, filepath.Join(root, "leaf/leaf.pb.go"), "-check must write nothing")

	require.NoError(t, run(root, false))
	require.NoError(t, run(root, true))
	require.NoFileExists(t, filepath.Join(root, "gone/gone.pb.go"), "no .proto generates it any more")
	leaf := filepath.Join(root, "leaf/leaf.pb.go")
	first, err := os.ReadFile(leaf)
	require.NoError(t, err)
	require.Contains(t, string(first), "\n// Package leaf is imported. It imports nothing.\npackage leaf\n")

	require.NoError(t, os.WriteFile(leaf, []byte("package leaf\n"), 0o644))
	require.ErrorContains(t, run(root, true), "what the .proto files generate: leaf/leaf.pb.go\n")
	require.NoError(t, run(root, false))
	second, err := os.ReadFile(leaf)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.TempDir(), false), "no .proto file under")
	require.ErrorContains(t, run(filepath.Join(t.TempDir(), "absent"), false), "absent")

	broken := writeTree(t, map[string]string{"tree/tree.proto": treeProto})
	require.ErrorContains(t, run(broken, false), "tree/tree.proto:4:8", "the import is missing")
}
