package checker

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	largeFile    = flag.String("large-file", "", "new `file` that TestLargeFile writes a history to, for ordeal check; without it there is nothing to do")
	largeOps     = flag.Int("large-ops", 10_000_000, "how many operations the history of -large-file has")
	largeKeys    = flag.Int("large-keys", 1, "on how many keys")
	largeClients = flag.Int("large-clients", 10, "how many clients are always busy on each key")
)

// TestLargeFile writes a history that is linearizable to a file, sorted by invocation as a run writes it.
func TestLargeFile(t *testing.T) {
	if *largeFile == "" {
		t.Skip("there is no -large-file")
	}
	h := largeHistory(*largeOps, *largeKeys, *largeClients)
	sortHistory(h)
	for i := range h.Ops {
		h.Ops[i].ID = i + 1
	}
	f, err := os.OpenFile(*largeFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	require.NoError(t, err)
	require.NoError(t, WriteJSONL(f, h))
	require.NoError(t, f.Close())
}
