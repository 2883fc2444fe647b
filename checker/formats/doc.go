// Package formats reads histories that others recorded, and writes ours for others.
//
// Three kinds of files come in, told apart by how they begin:
//
//   - jsonl: Ordeal's own, one operation a line (checker.WriteJSONL).
//   - edn: events of a Jepsen test, one map each, in a vector or one after the other. porcupine's logs of key-value stores
//     are such files too.
//   - log: lines of a Jepsen log or of its history.txt: a process, a type, a function and a value.
//
// An edn or log file says when operations began and ended by the order of its events. Times count only where they
// agree with that; a file without any has its n-th event at n milliseconds.
//
// What an operation means is for a Model to say. A Jepsen operation that failed had no effect; one that ended in :info,
// or did not end, may have had one at any time since.
//
// A file that is cut off or malformed is read up to there (Broken). What was over by then is judged: a violation in the
// beginning of a history is one, whatever followed; but nothing is OK that has not been read, except that the last line
// of a file may be half a line, which is what a crash of its writer leaves.
package formats
