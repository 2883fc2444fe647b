package workloads

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ordeal/checker"
	"ordeal/checker/models"
)

// shownMax is how many of its newest operations the report of a run shows that is judged while it goes on.
const shownMax = 20_000

// streaming judges a run while it goes on, and writes its history as far as it has settled, so that the run's length
// does not matter to memory, and a process that dies leaves what it knew.
type streaming struct {
	tail   *checker.Tail
	stream stream
	// witnesses are looked at beside what clients saw.
	witnesses *checker.WitnessOrder
	// file is nil if the run has no folder.
	file *os.File
	out  *checker.Writer
	// shown holds the newest operations, as a ring that begins at place given % shownMax.
	shown []checker.Op
	given int
	err   error
}

// stream judges a history while it is made: a checker.Stream, or one of package checker/models.
type stream interface {
	Feed(o *checker.Op)
	Violated() bool
	Counts() checker.Counts
	Finish() checker.Result
	Confirm(history io.Reader, opts checker.Options) (checker.Result, error)
}

// openStream begins to judge what recorders will record, if that was asked for.
func (r *run) openStream() error {
	if !r.cfg.Stream {
		return nil
	}
	s := &streaming{stream: checker.NewStream(), witnesses: checker.NewWitnessOrder()}
	if m := models.ByName(r.load.Model); m != nil {
		s.stream = m.NewStream()
	}
	if r.cfg.Out != "" {
		var err error
		if s.file, err = os.Create(filepath.Join(r.cfg.Out, HistoryFile)); err != nil {
			return err
		}
		s.out = checker.NewWriter(s.file)
	}
	r.stream = s
	return nil
}

// pull takes what has settled.
func (r *run) pull() {
	s := r.stream
	if s == nil || len(r.recs) == 0 {
		return
	}
	if s.tail == nil {
		s.tail = checker.NewTail(r.recs...)
	}
	s.tail.Pull(r.w.Now(), s.take)
	s.flush()
}

// violated says whether anything that is known by now makes the run fail.
func (r *run) violated() bool {
	return r.verdict == checker.FAIL || r.stream.stream.Violated() || r.stream.witnesses.Violated() || len(r.watch.inv.Violations()) > 0 || len(r.watch.placement.broken) > 0
}

// take takes the next operation of the history.
func (s *streaming) take(o *checker.Op) {
	s.stream.Feed(o)
	kept := *o
	s.witnesses.Feed(&kept)
	if s.out != nil && s.err == nil {
		s.err = s.out.Write(o)
	}
	if len(s.shown) < shownMax {
		s.shown = append(s.shown, *o)
	} else {
		s.shown[s.given%shownMax] = *o
	}
	s.given++
}

func (s *streaming) flush() {
	if s.out != nil && s.err == nil {
		s.err = s.out.Flush()
	}
}

// finish takes the rest and says what the stream has found. Violations are looked at again in the file.
func (s *streaming) finish(engine checker.Engine) (checker.Result, error) {
	if s.tail != nil {
		s.tail.Close(s.take)
	}
	s.flush()
	if s.err != nil || s.file == nil {
		return s.stream.Finish(), s.err
	}
	history, err := os.Open(s.file.Name())
	if err != nil {
		return checker.Result{}, err
	}
	defer history.Close()
	return s.stream.Confirm(history, checker.Options{Engine: engine})
}

func (s *streaming) close() {
	if s.file != nil {
		_ = s.file.Close() // all was flushed before, and an error then was reported
	}
}

// newest is the part of the history that is still known.
func (s *streaming) newest() *checker.History {
	begin := 0
	if len(s.shown) == shownMax {
		begin = s.given % shownMax
	}
	return &checker.History{Ops: append(append([]checker.Op{}, s.shown[begin:]...), s.shown[:begin]...)}
}

// left says what a report leaves out, or "".
func (s *streaming) left() string {
	if s.given <= len(s.shown) {
		return ""
	}
	return fmt.Sprintf(" (judged while it went on; what follows shows the newest %d of %d operations, %s has all)", len(s.shown), s.given, HistoryFile)
}
