package store

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/raft"
	"ordeal/system/region"
)

// apply carries out committed entries in order, and writes how far it got into the same batch. It returns those that
// have to wait for a turn that is alone.
func (s *Store) apply(p *peer, entries []*raft.Entry) (rest []*raft.Entry) {
	for i, e := range entries {
		at := raft.ID{Index: e.GetIndex(), Term: e.GetTerm()}
		if at.Index != p.applied.Index+1 {
			panic(fmt.Sprintf("store %d %s: entry %d to be applied after %d", s.cfg.StoreID, region.Format(p.region), at.Index, p.applied.Index))
		}
		cmd := s.decode(p, e)
		if s.needsAlone(cmd) {
			rest = entries[i:]
			break
		}
		before := p.applied
		p.applied = at
		p.group.AppliedTo(at)
		if f := s.cfg.Listener.Applied; f != nil {
			f(s.cfg.StoreID, p.region.GetId(), at, xxhash.Sum64(e.GetData()))
		}
		pr := s.take(p, at)
		switch {
		case raft.IsConfChange(e):
			s.applyConfChange(p, e, pr)
		case cmd != nil:
			s.applyCommand(p, cmd, pr, before)
		}
		if p.dead {
			return nil
		}
	}
	s.putApplyState(p)
	// gofail: var crashAfterApply struct{}
	// s.at("crashAfterApply", p.region.GetId())

	return rest
}

// decode reads the command in an entry; nil is an entry without one. Its operations are there until the next one is read.
func (s *Store) decode(p *peer, e *raft.Entry) *ordealpb.Command {
	if raft.IsConfChange(e) || len(e.GetData()) == 0 {
		return nil
	}
	cmd, err := s.commands.Unmarshal(e.GetData())
	if err != nil {
		panic(fmt.Sprintf("store %d %s: entry %d is no command: %v", s.cfg.StoreID, region.Format(p.region), e.GetIndex(), err))
	}
	return cmd
}

// applyCommand carries out one command; before is the entry in front of it.
func (s *Store) applyCommand(p *peer, cmd *ordealpb.Command, pr *proposal, before raft.ID) {
	if b := cmd.GetAdmin().GetRollbackMerge(); b != nil {
		s.applyRollbackMerge(p, b)
		return
	}
	if !p.takesWrites() {
		s.refuseAdmin(p, pr, region.ProposalInMergingMode(p.region.GetId()))
		return
	}
	if !p.member() {
		// It follows the log only so that the one who stays may use its vote; see leave.
		s.refuseAdmin(p, pr, region.RegionNotFound(p.region.GetId()))
		return
	}
	switch b := cmd.GetAdmin().GetBody().(type) {
	case *ordealpb.AdminCommand_Split:
		s.applySplit(p, cmd.GetEpoch(), b.Split, pr)
	case *ordealpb.AdminCommand_CompactLog:
		s.applyCompact(p, b.CompactLog)
	case *ordealpb.AdminCommand_ComputeHash:
		s.applyComputeHash(p, pr)
	case *ordealpb.AdminCommand_VerifyHash:
		s.applyVerifyHash(p, b.VerifyHash)
	case *ordealpb.AdminCommand_PrepareMerge:
		s.applyPrepareMerge(p, cmd.GetEpoch(), b.PrepareMerge, pr)
	case *ordealpb.AdminCommand_CommitMerge:
		s.applyCommitMerge(p, cmd.GetEpoch(), b.CommitMerge, before)
	case *ordealpb.AdminCommand_RefuseMerge:
		s.applyRefuseMerge(p, cmd.GetEpoch(), b.RefuseMerge.GetSourceId())
	default:
		s.applyOps(p, cmd, pr)
	}
}

// applyOps carries out the data operations of one entry. They were proposed for one version of the range; if a split
// came first, none of them has an effect.
func (s *Store) applyOps(p *peer, cmd *ordealpb.Command, pr *proposal) {
	fits := region.CheckEpoch(cmd.GetEpoch(), p.region.GetRegionEpoch(), false, true)
	// gofail: var bugSplitNoEpoch struct{}
	// fits = true
	if !fits {
		s.came(p, stateWriteRefused)
		if pr != nil {
			s.fail(p, pr, region.EpochNotMatch(p.region))
		}
		return
	}
	for i, op := range cmd.GetOps() {
		if key, out := opOutside(p.region, op); out {
			// The epoch says that the range is still the one that the key was checked against.
			panic(fmt.Sprintf("store %d %s: entry %d, of epoch %v, writes %s, which is not in the region",
				s.cfg.StoreID, region.Format(p.region), p.applied.Index, cmd.GetEpoch(), region.FormatKey(key)))
		}
		seen, found, done, err := s.applyOp(p, op)
		if err != nil {
			if pr != nil {
				pr.ops = pr.ops[i:]
				s.fail(p, pr, region.UndeterminedResult(err.Error()))
			}
			s.quarantine(p, err.Error())
			return
		}
		if done {
			p.size.grow(op)
			p.traffic.wrote(op)
		}
		if pr != nil {
			s.replyOp(p, &pr.ops[i].req, op, seen, found, done)
		}
	}
}

// applyOp carries out one operation. For the compare kinds it also returns what it saw, and done is false if that is
// not what was expected. On an error, which says that the peer's data can't be trusted, it has done nothing.
func (s *Store) applyOp(p *peer, op *ordealpb.Op) (seen []byte, found, done bool, err error) {
	switch op.GetKind() {
	case ordealpb.Op_PUT:
		s.put(op.GetKey(), op.GetValue())
		return nil, false, true, nil
	case ordealpb.Op_DELETE:
		s.del(op.GetKey())
		return nil, false, true, nil
	case ordealpb.Op_BATCH_PUT:
		for _, kv := range op.GetPairs() {
			s.put(kv.GetKey(), kv.GetValue())
		}
		return nil, false, true, nil
	case ordealpb.Op_DELETE_RANGE:
		s.delRange(op.GetKey(), clipEnd(op.GetValue(), p.region.GetEndKey()))
		return nil, false, true, nil
	}
	seen, found, err = s.read(op.GetKey())
	if err != nil {
		return nil, false, false, err
	}
	if found == op.GetExpectAbsent() || (found && !bytes.Equal(seen, op.GetExpect())) {
		return seen, found, false, nil
	}
	if op.GetKind() == ordealpb.Op_COMPARE_AND_DELETE {
		s.del(op.GetKey())
	} else {
		s.put(op.GetKey(), op.GetValue())
	}
	return seen, found, true, nil
}

func (s *Store) replyOp(p *peer, req *request, op *ordealpb.Op, seen []byte, found, done bool) {
	if op.GetKind() == ordealpb.Op_PUT {
		req.settle()
		s.out.Reply(req.from, req.call, s.replyPut(p))
		return
	}
	resp := &ordealpb.Response{Witness: s.witness(p)}
	switch op.GetKind() {
	case ordealpb.Op_DELETE:
		resp.Body = &ordealpb.Response_Delete{Delete: &kvrpcpb.RawDeleteResponse{}}
	case ordealpb.Op_BATCH_PUT:
		resp.Body = &ordealpb.Response_BatchPut{BatchPut: &kvrpcpb.RawBatchPutResponse{}}
	case ordealpb.Op_DELETE_RANGE:
		resp.Body = &ordealpb.Response_DeleteRange{DeleteRange: &kvrpcpb.RawDeleteRangeResponse{}}
	default:
		resp.Body = &ordealpb.Response_Cas{Cas: &kvrpcpb.RawCASResponse{
			Succeed: done, PreviousValue: seen, PreviousNotExist: !found,
		}}
	}
	s.reply(req, resp)
}

// sharedReply is an answer that the puts of one entry have in common.
type sharedReply struct {
	region  uint64
	at      raft.ID
	payload []byte
}

// replyPut is the answer to a put of the entry that is being applied.
func (s *Store) replyPut(p *peer) []byte {
	w := &s.written
	if w.payload == nil || w.region != p.region.GetId() || w.at != p.applied {
		*w = sharedReply{region: p.region.GetId(), at: p.applied, payload: wire.MarshalResponse(&ordealpb.Response{
			Body: &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{}}, Witness: s.witness(p),
		})}
	}
	return w.payload
}

// answerAdmin answers whoever waits for an admin command.
func (s *Store) answerAdmin(p *peer, pr *proposal, resp *ordealpb.AdminResponse) {
	if pr != nil && pr.admin != nil {
		s.replyAdmin(pr.admin, p, resp)
	}
}

func (s *Store) refuseAdmin(p *peer, pr *proposal, err *errorpb.Error) {
	if pr != nil {
		s.fail(p, pr, err)
	}
}
