package registertest

import (
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/checker/register"
)

// Referee lets porcupine judge the steps as they are: nothing rewritten, nothing left out, and a model of its own. The
// second answer is false if that took longer than the limit; 0 is none.
func Referee(steps []register.Step, limit time.Duration) (explained, judged bool) {
	ops := make([]porcupine.Operation, len(steps))
	for i := range steps {
		ops[i] = porcupine.Operation{Input: &steps[i], Call: int64(steps[i].Call), Return: int64(steps[i].Ret)}
	}
	switch porcupine.CheckOperationsTimeout(plain, ops, limit) {
	case porcupine.Ok:
		return true, true
	case porcupine.Illegal:
		return false, true
	default:
		return false, false
	}
}

// plain is written down once more, in other words than Step.Act, so that a mistake in one of them shows.
var plain = porcupine.Model{
	Init: func() any { return register.Value(0) },
	Step: func(state, input, _ any) (bool, any) {
		s, holds := input.(*register.Step), state.(register.Value)
		matches := s.Expect == holds
		switch {
		case s.Kind == register.Read:
			return holds == s.Value && !matches, holds
		case s.Kind == register.Write, matches:
			return true, s.Value
		default:
			return !s.Sure, holds
		}
	},
}
