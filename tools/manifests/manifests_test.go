// Package manifests checks the Kubernetes manifests of the repository against the types of Kubernetes. It is in this module so that the
// product does not depend on them.
package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// decode reads a manifest into the type of its kind. Fields that the type does not have are errors, and so are kinds that this
// repository has no use for so far.
func decode(t *testing.T, text []byte) (any, error) {
	var head metav1.TypeMeta
	if err := yaml.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	var object any
	switch head.APIVersion + " " + head.Kind {
	case "v1 PersistentVolumeClaim":
		object = &corev1.PersistentVolumeClaim{}
	case "batch/v1 CronJob":
		object = &batchv1.CronJob{}
	default:
		t.Fatalf("add %s %s to the kinds that are decoded here", head.APIVersion, head.Kind)
	}
	return object, yaml.UnmarshalStrict(text, object)
}

func TestManifests(t *testing.T) {
	files, err := filepath.Glob("../../deploy/kubernetes/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	claims, used := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for part := range strings.SplitSeq(string(text), "\n---\n") {
			object, err := decode(t, []byte(part))
			require.NoError(t, err, file)
			switch o := object.(type) {
			case *corev1.PersistentVolumeClaim:
				claims[o.Name] = true
				require.Equal(t, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, o.Spec.AccessModes)
			case *batchv1.CronJob:
				for _, claim := range checkCronJob(t, o) {
					used[claim] = true
				}
			}
		}
	}
	require.Equal(t, claims, used, "every claim is used, and every one that is used is there")
}

// checkCronJob checks what no type says, and returns the claims that a job uses.
func checkCronJob(t *testing.T, o *batchv1.CronJob) (claims []string) {
	job := o.Spec.JobTemplate.Spec
	require.Equal(t, batchv1.IndexedCompletion, *job.CompletionMode)
	pod := job.Template.Spec
	require.Equal(t, corev1.RestartPolicyNever, pod.RestartPolicy, "a pod failure policy and limits for each index ask for it")
	require.LessOrEqual(t, *job.MaxFailedIndexes, *job.Completions)
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		claims = append(claims, v.PersistentVolumeClaim.ClaimName)
	}
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			require.True(t, volumes[m.Name], "volume %s is mounted and not there", m.Name)
		}
		// A worker for each CPU of the limit, of 1 GiB each, and the driver.
		cpus, memory := c.Resources.Limits.Cpu().Value(), c.Resources.Limits.Memory().Value()
		require.GreaterOrEqual(t, memory, (cpus+1)<<30)
	}
	return claims
}

func TestDecodeIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: batch/v1\nkind: CronJob\nspec: {schedul: x}":                               "schedul",
		"apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {completions: many}}}": "completions",
		"apiVersion: v1\nkind: PersistentVolumeClaim\nkind: PersistentVolumeClaim":              "already set",
	} {
		_, err := decode(t, []byte(text))
		require.ErrorContains(t, err, want)
	}
}
