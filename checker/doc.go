// Package checker judges what a cluster did.
//
// Two kinds of evidence come in. Clients record a History: every operation with its invocation, its return and one of
// three outcomes, ok, failed (it certainly had no effect) or unknown (nobody can say). And the simulated cluster feeds
// Invariants while it runs: elections, appended, committed and applied entries, hard states, epochs.
//
// Check splits a history by key and asks whether each key behaved like one register that every operation acted on at
// one instant between its invocation and its return. That question is exponential in general, so it is answered in
// steps, each of which is exact, that is, it never changes the answer:
//
//  1. split.go: one sub-history a key. A scan is one read of every key in its range.
//  2. tighten.go: written values are unique, so a read names its writer. A write of unknown outcome whose value was seen
//     did happen, before the first sighting; one whose value nobody saw is left out. Most reads say nothing new.
//  3. valid.go: what no order can explain is named at once: a value that nobody wrote, a value read before its write
//     was invoked, a value replaced twice, another value while the key must have held this one.
//  4. judge.go: package linear decides keys by chains and zones, package frontier what that cannot; or, if asked for,
//     porcupine, segment by segment. docs/decisions/0019-checkers.md says why they are right.
//
// A history that fails comes down to the operations that a named flaw rests on, or is shrunk with steps that keep a
// linearizable history linearizable (shrink.go); porcupine confirms what is left, as it was recorded; and it is told in
// words (narrate.go).
//
// Nothing that could not be judged counts as passed: a search that runs out of time makes the verdict UNKNOWN.
package checker
