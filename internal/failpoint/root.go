package failpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// moduleName is the module that ModuleRoot looks for.
const moduleName = "ordeal"

// ModuleRoot returns the folder of this module's go.mod, looking in dir and upwards. The error is fs.ErrNotExist if
// there is none, as for a binary that was copied away from its sources.
func ModuleRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the module's root from %s: %w", dir, err)
	}
	for at := start; ; at = filepath.Dir(at) {
		name, err := moduleOf(at)
		if err == nil && name == moduleName {
			return at, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod of module %s in %s or above it, run this inside a checkout: %w",
				moduleName, start, fs.ErrNotExist)
		}
	}
}

// moduleOf returns the module path that the go.mod in a folder declares.
func moduleOf(dir string) (string, error) {
	file := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the module's name: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return strings.Trim(fields[1], "\"`"), nil
		}
	}
	return "", fmt.Errorf("%s declares no module", file)
}

// Toolchain returns the path of the go command: the one on PATH, else that of GOROOT, else that of the usual place.
// Programs started by go run and go test find the go that started them.
func Toolchain() (goBin string, err error) {
	if found, err := exec.LookPath("go"); err == nil {
		return filepath.Abs(found)
	}
	name := "go"
	if runtime.GOOS == "windows" {
		name = "go.exe"
	}
	for _, root := range []string{os.Getenv("GOROOT"), "/usr/local/go"} {
		if root == "" {
			continue
		}
		candidate := filepath.Join(root, "bin", name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate, nil
		}
	}
	return "", errors.New("no go command on PATH or in GOROOT: compiling failpoints in takes Go (https://go.dev/dl)")
}
