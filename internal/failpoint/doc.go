// Package failpoint compiles the failpoints of a module in, without touching its files.
//
// A failpoint is a comment in gofail's form. In a normal build it is a comment and costs nothing. Build translates
// every file that has one into a cache folder and returns an overlay for the go tool:
//
//	go build -overlay=FILE ./cmd/ordeal
//
// The go tool must run in the module's root (exec.Cmd.Dir), as the overlay names files by their absolute paths and is
// silently ignored for any other spelling of them. A program can tell that it was built with failpoints because
// runtime.List of go.etcd.io/gofail/runtime is not empty. Coverage (-cover) ignores overlays.
//
// # Writing one
//
// Inside a function, on a line of its own, the header; on the lines after it the body, commented out; then a line that
// is not a comment. The name is unique in the whole module, the type is int, string, bool or struct{}, and inside the
// body the name is a variable that holds the value the failpoint was enabled with (not for struct{}, which has none).
// By convention names begin with bug for planted bugs, with crash for places at which a store may lose power or stand still,
// and with error for those at which an operation may fail as well. All are struct{}: whom one of the latter two strikes is decided
// by whoever has set up the store, in store.Config.Failpoint.
//
// A planted bug, switched on by runtime.Enable("bugStaleRead", "return"):
//
//	confirmed := false
//	// gofail: var bugStaleRead struct{}
//	// confirmed = true
//
//	if !confirmed {
//		return s.askQuorum()
//	}
//
// A crash point, which asks what is to happen when runtime.Enable("crashAfterApply", "return") has switched it on:
//
//	s.engine.Commit(batch)
//	// gofail: var crashAfterApply struct{}
//	// s.at("crashAfterApply", region)
//
//	s.reply()
//
// An operation that may fail:
//
//	// gofail: var errorRead struct{}
//	// if s.at("errorRead", region) {
//	//	return errBusy
//	// }
//
// # Traps
//
// Build refuses the first four; the compiler finds the next two, at the right line, but only with the overlay.
//
//   - A comment right below the body becomes part of it: leave an empty line between.
//   - The last line of the body must not end in a comment of its own: it would swallow what is added behind it.
//   - A name that is used twice, in whatever packages, panics at the start of the program.
//   - Without the blank, //gofail: is not a failpoint at all.
//   - The body must not declare variables at its top level (x := 1), since a goto jumps over it: put it in braces.
//   - Packages that only a body uses must be used elsewhere in the file.
//   - A failpoint stays switched on after it was passed, for all stores of the process.
//   - Panic only where no lock is held and no call into a library is under way.
//
// # What a term gives
//
// return is struct{}, return(3) is int, return(true) is bool, return("x") is string; return(-3) works, fractions do
// not. In a chain a value must have brackets: return()->off works, return->off is accepted but never fires. N*term is
// N visits: 2*off->1*return(3) fires at the third visit only. A value of another type than the failpoint's prints a
// line and does nothing. Never use a percentage, which draws from the global random source, nor sleep, print or break.
package failpoint
