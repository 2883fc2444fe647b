package linear

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker/register/registertest"
)

// TestAgreesWithPorcupine: whatever this package decides, porcupine decides alike on the history as it is.
func TestAgreesWithPorcupine(t *testing.T) {
	t.Parallel()
	const histories = 30_000
	r := rand.New(rand.NewPCG(19, 1))
	var c Checker
	illegal, undecided := 0, 0
	for n := range histories {
		h := registertest.Random(r, registertest.Small(r, 24))
		for range n % 3 {
			h.Mutate(r)
		}
		legal, _ := registertest.Referee(h.Steps, 0)
		if n%3 == 0 {
			require.True(t, legal, "explained by construction\n%s", h)
		}
		answer, err := c.Check(h.Steps, h.Values)
		switch answer {
		case Undecided:
			require.ErrorIs(t, err, ErrLooseDelete, "%s", h)
			undecided++
		default:
			require.Equal(t, legal, answer == Explained, "porcupine says %v\n%s", legal, h)
		}
		if !legal {
			illegal++
		}
	}
	t.Logf("%d histories, %d illegal, %d undecided", histories, illegal, undecided)
	require.Greater(t, illegal, histories/10, "too few illegal histories to mean anything")
	require.Less(t, undecided, histories/200, "too many histories are undecided")
}
