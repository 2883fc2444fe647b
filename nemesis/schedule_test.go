package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHoldUpMax: what is slow adds up with who stands still.
func TestHoldUpMax(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"+1.000s for 1.000s kill all\n":                                          0,
		"+1.000s for 1.000s net all loss(0) again(0) overtake(0) slow(0.872s)\n": 872 * time.Millisecond,
		"+1.000s for 1.000s net all loss(0) again(0) overtake(0) slow(0.300s)\n" +
			"+1.000s for 1.000s delay-at crashAfterApply all by 0.200s\n" +
			"+2.000s for 1.000s when merging within 1.000s: delay-at crashAfterApply all by 0.400s\n": 700 * time.Millisecond,
	} {
		s, err := ParseSchedule(text)
		require.NoError(t, err)
		require.Equal(t, want, s.HoldUpMax(), text)
	}
}
