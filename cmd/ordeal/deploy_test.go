package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"ordeal/workloads"
)

const deploy = "../../deploy"

// workflow is what these tests read of a workflow of a CI.
type workflow struct {
	Jobs map[string]struct {
		Strategy struct {
			Matrix struct {
				Shard   []int
				Include []map[string]string
			}
		}
		Steps []struct {
			Uses string
			Run  string
			With map[string]any
		}
	}
}

func readWorkflow(t *testing.T, name string) (w workflow) {
	text, err := os.ReadFile(filepath.Join(deploy, "github", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &w))
	require.NotEmpty(t, w.Jobs)
	return w
}

// requireTaken says whether the command takes these arguments: names and types of flags as far as -h, and for nightly their values,
// by a night that is over before it begins.
func requireTaken(t *testing.T, args []string) {
	t.Helper()
	code, stdout, stderr := ordeal(t, t.TempDir(), append(slices.Clone(args), "-h")...)
	require.Equal(t, workloads.ExitOK, code, "%q: %s", args, stderr)
	require.Contains(t, stdout, "ordeal "+args[0])
	if args[0] == "nightly" {
		code, stdout, stderr = ordeal(t, t.TempDir(), append(slices.Clone(args), "-for=1ns", "-out=night")...)
		require.Equal(t, workloads.ExitUnknown, code, "%q: %s", args, stderr)
		require.Contains(t, stdout, "verdict: INCONCLUSIVE")
	}
}

func TestRequireTakenRejects(t *testing.T) {
	t.Parallel()
	code, _, _ := ordeal(t, t.TempDir(), "nightly", "-hours=8", "-h")
	require.Equal(t, workloads.ExitUsage, code)
	code, _, _ = ordeal(t, t.TempDir(), "nightly", "-for=8", "-h")
	require.Equal(t, workloads.ExitUsage, code)
	code, _, _ = ordeal(t, t.TempDir(), "nightly", "-shard=10/10", "-for=1ns")
	require.Equal(t, workloads.ExitUsage, code)
}

// TestKubernetesManifest: the arguments of the container are taken, and shards are numbered as the job numbers its pods. A test of module
// tools decodes the manifests strictly.
func TestKubernetesManifest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "kubernetes", "nightly.yaml"))
	require.NoError(t, err)
	_, job, ok := strings.Cut(string(text), "\n---\n")
	require.True(t, ok)
	var m struct {
		Spec struct {
			JobTemplate struct {
				Spec struct {
					Completions, Parallelism int
					CompletionMode           string
					Template                 struct {
						Spec struct {
							Containers []struct {
								Args []string
								Env  []struct{ Name string }
							}
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	// Keys of Kubernetes are in camel case, those that yaml looks for in lower case.
	lower := regexp.MustCompile(`(?m)^(\s*-?\s*)completionMode:`).ReplaceAllString(job, "${1}completionmode:")
	require.NoError(t, yaml.Unmarshal([]byte(lower), &m))
	spec := m.Spec.JobTemplate.Spec
	require.Equal(t, "Indexed", spec.CompletionMode)
	require.Equal(t, spec.Completions, spec.Parallelism, "all shards run in the same night")
	require.Len(t, spec.Template.Spec.Containers, 1)
	c := spec.Template.Spec.Containers[0]
	require.Equal(t, "SHARD", c.Env[0].Name)
	require.Contains(t, c.Args, fmt.Sprintf("-shard=$(SHARD)/%d", spec.Completions))
	for _, shard := range []int{0, spec.Completions - 1} {
		args := slices.Clone(c.Args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "$(SHARD)", fmt.Sprint(shard))
		}
		requireTaken(t, args)
	}
}

// TestWorkflows: all commands of ordeal in the workflows are taken, for all shards there are, and go test is asked for targets that exist.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	w := readWorkflow(t, "nightly.yml")
	commands := 0
	for name, job := range w.Jobs {
		for _, step := range job.Steps {
			line, ok := strings.CutPrefix(step.Run, "go run ./cmd/ordeal ")
			if !ok {
				require.True(t, step.Run == "" || strings.HasPrefix(step.Run, "go test "), "job %s: what is checked here is `go run ./cmd/ordeal` and `go test`, not %q", name, step.Run)
				continue
			}
			commands++
			const shard = "${{ matrix.shard }}"
			shards := job.Strategy.Matrix.Shard
			if !strings.Contains(line, shard) {
				requireTaken(t, strings.Fields(line))
				continue
			}
			require.Contains(t, line, fmt.Sprintf("-shard=%s/%d", shard, len(shards)), "one job for each shard")
			for i := range shards {
				require.Equal(t, i, shards[i])
			}
			requireTaken(t, strings.Fields(strings.ReplaceAll(line, shard, fmt.Sprint(len(shards)-1))))
		}
	}
	require.Equal(t, 2, commands)
}

// target is a fuzz target of a package, whose path begins with ./.
type target struct{ pkg, name string }

// fuzzTargets are those of the module.
func fuzzTargets(t *testing.T) []target {
	declared := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)
	var all []target
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "out") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", filepath.Dir(path))
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			all = append(all, target{"./" + filepath.ToSlash(rel), m[1]})
		}
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// TestFuzzTargetsAreRun: the workflow, ClusterFuzzLite and the page about testing name every fuzz target, and no others.
func TestFuzzTargetsAreRun(t *testing.T) {
	t.Parallel()
	want := fuzzTargets(t)
	var matrix, lite, page []target
	for _, row := range readWorkflow(t, "nightly.yml").Jobs["fuzz"].Strategy.Matrix.Include {
		matrix = append(matrix, target{row["package"], row["target"]})
	}
	require.ElementsMatch(t, want, matrix)

	script, err := os.ReadFile(filepath.Join(deploy, "clusterfuzzlite", "build.sh"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^compile_native_go_fuzzer_v2 ordeal/(\S+) (\S+) (\w+)$`).FindAllStringSubmatch(string(script), -1) {
		lite = append(lite, target{"./" + m[1], m[2]})
		require.False(t, names[m[3]], "two fuzzers are called %s", m[3])
		names[m[3]] = true
	}
	require.ElementsMatch(t, want, lite)
	for line := range strings.Lines(string(script)) {
		require.True(t, strings.HasPrefix(line, "#") || strings.HasPrefix(line, "compile_native_go_fuzzer_v2 "), line)
	}

	text, err := os.ReadFile("../../docs/TESTING.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?m)^\\| `go test (\\./\\S+) -fuzz=(\\w+)` \\|").FindAllStringSubmatch(string(text), -1) {
		page = append(page, target{m[1], m[2]})
	}
	require.ElementsMatch(t, want, page)
	// A name that is also the beginning of another one's would ask for two.
	for _, a := range want {
		for _, b := range want {
			require.False(t, a.pkg == b.pkg && a.name != b.name && strings.HasPrefix(b.name, a.name), "-fuzz=%s is also %s", a.name, b.name)
		}
	}
}

// TestOtherDeployFiles: what is left of deploy/ fits the tree: the Go of the image is that of go.mod, and the YAML can be read.
func TestOtherDeployFiles(t *testing.T) {
	t.Parallel()
	image, err := os.ReadFile(filepath.Join(deploy, "Containerfile"))
	require.NoError(t, err)
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	require.Contains(t, string(image), "golang:"+version+"\n")
	command := regexp.MustCompile(`ordeal (run .*?) &&`).FindStringSubmatch(string(image))
	require.NotNil(t, command)
	requireTaken(t, strings.Fields(command[1]))
	read := 0
	err = filepath.WalkDir(deploy, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".yaml") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for part := range strings.SplitSeq(string(text), "\n---\n") {
			var any map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(part), &any), path)
			require.NotEmpty(t, any, path)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 4, read)
	require.NotEmpty(t, readWorkflow(t, "clusterfuzzlite.yml").Jobs["batch"].Steps)
}
