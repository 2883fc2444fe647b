package nemesis

import (
	"fmt"

	"ordeal/world"
)

// LearnerEnd is how far the life of a learner goes.
type LearnerEnd uint8

// The ends: the learner stays, is removed, is promoted, or is promoted, demoted and removed.
const (
	LearnerStays LearnerEnd = iota + 1
	LearnerRemoved
	LearnerPromoted
	LearnerDemoted
)

// learnerWords are the ends as text.
var learnerWords = []struct {
	end  LearnerEnd
	word string
}{
	{LearnerStays, "stays"}, {LearnerRemoved, "removed"}, {LearnerPromoted, "promoted"}, {LearnerDemoted, "demoted"},
}

// Learner gives a region a replica that gets the log and has no vote.
type Learner struct {
	// Region is an ordinal among the regions, On one among the stores that are up and do not hold it.
	Region, On uint64
	// End is what becomes of it.
	End LearnerEnd
}

// Name is the family.
func (f Learner) Name() string { return "learner" }

// String is the source text.
func (f Learner) String() string {
	word := ""
	for _, w := range learnerWords {
		if w.end == f.End {
			word = w.word
		}
	}
	return fmt.Sprintf("learner region(%d) on(%d) %s", f.Region, f.On, word)
}

func parseLearner(s *scanner) (Fault, error) {
	var f Learner
	var err error
	if f.Region, err = s.call("region", "the ordinal of a region"); err != nil {
		return nil, err
	}
	if f.On, err = s.call("on", "the ordinal of a store"); err != nil {
		return nil, err
	}
	s.space()
	start := s.pos
	word := s.word()
	for _, w := range learnerWords {
		if w.word == word {
			f.End = w.end
			return f, nil
		}
	}
	s.pos = start
	return nil, s.errorAt(start, "want stays, removed, promoted or demoted, found %s", s.rest())
}

// Apply gives one command after the other, up to the first that fails. The placement driver may undo any of them.
func (f Learner) Apply(p world.Proc, t Target) (Receipt, error) {
	before, ok := regionAt(t, f.Region)
	if !ok || len(before.Peers) == 0 {
		return skip("no region is known")
	}
	free := roomFor(t, before)
	if len(free) == 0 {
		return skip("every store that is up holds region %d", before.ID)
	}
	on := pick(free, f.On)
	life := []PeerChangeKind{MakeLearner}
	switch f.End {
	case LearnerRemoved:
		life = append(life, Drop)
	case LearnerPromoted:
		life = append(life, MakeVoter)
	case LearnerDemoted:
		life = append(life, MakeVoter, MakeLearner, Drop)
	}
	var err error
	for _, kind := range life {
		if err = changePeer(p, t, before.ID, kind, on); err != nil {
			break
		}
	}
	r := changedMembers(p, t, before, uint64(len(life)), err == nil)
	if r.Bit {
		r.Text = fmt.Sprintf("learner on s%d, %s", on, r.Text)
	}
	return r, err
}

// Heal does nothing: what becomes of learners is the placement driver's work.
func (f Learner) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
