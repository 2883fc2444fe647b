package ordeal_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// importRule lists the packages of the module that pkg may import, and says why no others.
type importRule struct {
	pkg string
	may []string
	why string
}

// imports is the order of the house: every package of the module is in it. "/..." stands for a package and all below
// it, "..." for all. Tests may import what they like, except for foreign below.
var imports = []importRule{
	{"proto/...", []string{"proto/..."}, "the wire knows only itself"},

	{"world", nil, "the seam is values and interfaces; it must not know what lives above it"},
	{"world/sim", []string{"world"}, "a world runs actors without knowing what they are"},
	{"world/real", []string{"world"}, "a world runs actors without knowing what they are"},

	{"system/region", []string{"proto/..."}, "regions are values"},
	{"system/engine", []string{"proto/...", "world"}, "the engine stores bytes; it must not know whose"},
	{"raft", []string{"proto/...", "world", "system/engine", "internal/reach"}, "one Raft group knows its log, not the store around it"},
	{"system/store", []string{"proto/...", "world", "raft", "system/engine", "system/region", "internal/reach"},
		"a store reaches the placement driver and its clients by messages only"},
	{"system/client", []string{"proto/...", "world", "system/region"},
		"a client knows the wire, not what is behind it"},
	{"system/client/clienttest", []string{"proto/...", "world", "system/region"},
		"it stands for a cluster in tests of the client and speaks the wire alone"},

	{"pd/core", []string{"proto/...", "world", "system/region"},
		"what the driver believes is plain values; of the world it knows the time"},
	{"pd/schedule", []string{"proto/...", "world", "pd/core", "system/region"},
		"schedulers are pure functions over pd/core; of the world they know the time"},
	{"pd/placement", []string{"proto/...", "world", "pd/core", "pd/schedule", "system/region"},
		"the schedulers over a model instead of stores; of the world it knows the time"},
	{"pd/internal/pdtest", []string{"proto/...", "pd/core", "system/region"}, "it reads the regions of test scripts"},
	{"pd", []string{"proto/...", "world", "raft", "system/engine", "system/region", "pd/core", "pd/schedule", "internal/reach"},
		"the driver reaches stores by messages only"},

	{"cluster", []string{"proto/...", "world", "world/sim", "world/real", "system/region", "system/engine",
		"system/store", "system/client", "pd", "pd/core", "nemesis", "internal/reach"},
		"a cluster puts stores together and is the target of a nemesis; Raft is the store's affair"},

	{"nemesis", []string{"proto/...", "world", "system/region", "internal/fuzzrand"},
		"faults are done to a Target, of which clusters of any make are one"},
	{"checker/register", []string{"world"}, "one key is steps at times; it must not know whose history they are from"},
	{"checker/register/registertest", []string{"world", "checker/register"}, "it makes histories of one key, and knows porcupine only"},
	{"checker/linear", []string{"world", "checker/register"}, "an engine judges the steps of one key"},
	{"checker/frontier", []string{"world"}, "an engine for any model knows none"},
	{"checker", []string{"proto/...", "world", "system/region", "checker/register", "checker/linear", "checker/frontier"},
		"a checker believes histories, not the store's insides"},
	{"checker/models", []string{"world", "checker", "checker/frontier"}, "objects are judged by what clients saw, as registers are"},
	{"checker/formats", []string{"world", "checker", "checker/frontier", "checker/models"}, "a file is operations; what they were done to is for a model to say"},
	{"checker/report", []string{"proto/...", "world", "system/region", "checker", "nemesis"},
		"a report shows what was recorded"},

	{"internal/browsertest", nil, "a browser knows nothing of the pages that it shows"},
	{"internal/cores", nil, "to spread work nothing need be known of it"},
	{"internal/fuzzrand", nil, "a source of chance knows nothing of what is drawn"},
	{"internal/reach", nil, "names of states mean nothing by themselves"},
	{"internal/failpoint", nil, "the overlay is built before anything of the product is compiled"},
	{"workloads/...", []string{"..."}, ""},
	{"cmd/ordeal", []string{"..."}, ""},
}

// foreign is where libraries may be used that would spread otherwise, in tests too.
var foreign = []struct {
	library string
	only    []string
	why     string
}{
	{"go.etcd.io/raft/v3", []string{"raft"},
		"the library's types stay behind package raft, so that there is one place that keeps its contract"},
	{"github.com/cockroachdb/pebble", []string{"system/engine"},
		"the engine is the only door to the disk, so that there is one place that decides what is durable"},
	{"github.com/go-analyze/charts", []string{"pd/placement"},
		"charts are for pages that people read; nothing that runs in a cluster draws"},
	{"go.etcd.io/gofail", []string{"internal/failpoint", "cluster", "workloads/..."},
		"the product holds failpoints as comments; only what builds and drives the overlay knows the library"},
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	unknown := make(map[string]bool)
	for _, file := range load(t).sources {
		if file.nested || file.test {
			continue
		}
		row := slices.IndexFunc(imports, func(row importRule) bool { return matches(row.pkg, file.pkg()) })
		if row < 0 {
			unknown[file.pkg()] = true
			continue
		}
		for _, imported := range importsOf(file) {
			name, own := strings.CutPrefix(imported, module+"/")
			if own && !allowed(imports[row].may, name) {
				t.Errorf("%s imports %s, which %s may not: %s", file.path, name, file.pkg(), imports[row].why)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(unknown)) {
		t.Errorf("package %s is not in the table of imports: add it with what it may import, and why no more", pkg)
	}
}

func TestForeignLibrariesStayBehindTheirDoor(t *testing.T) {
	t.Parallel()
	for _, file := range load(t).sources {
		if file.nested {
			continue
		}
		for _, imported := range importsOf(file) {
			for _, row := range foreign {
				if matches(row.library+"/...", imported) && !allowed(row.only, file.pkg()) {
					t.Errorf("%s imports %s, which only %s may: %s",
						file.path, imported, strings.Join(row.only, ", "), row.why)
				}
			}
		}
	}
}

// A misspelt name in the table would forbid nothing, or the wrong thing.
func TestImportTableIsConsistent(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, row := range imports {
		if seen[row.pkg] {
			t.Errorf("%s is twice in the table of imports", row.pkg)
		}
		seen[row.pkg] = true
	}
	for _, row := range imports {
		for _, name := range row.may {
			if name != "..." && !seen[name] {
				t.Errorf("%s may import %s, which is no row of the table of imports", row.pkg, name)
			}
		}
	}
}

func allowed(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return pattern == "..." || matches(pattern, name)
	})
}

func importsOf(file goFile) []string {
	var paths []string
	for _, spec := range file.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("the parser let an import path pass that is no string: " + spec.Path.Value)
		}
		paths = append(paths, imported)
	}
	return paths
}
