package store

import (
	"errors"
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/raft"
	"ordeal/system/region"
)

// proposeQueued puts data operations of p into the log, as few entries as the bounds allow. While enough entries are under
// way the rest waits, which makes it fewer entries still; the last of them to be applied, or to be given up, lets it go on.
func (s *Store) proposeQueued(p *peer) {
	if len(p.ops) == 0 || p.dead || p.held || s.enoughInFlight(p) {
		return
	}
	s.refuseOutdated(p)
	for len(p.ops) > 0 && !p.dead && !s.enoughInFlight(p) {
		n := s.entryOps(p.ops)
		cmd := &ordealpb.Command{Epoch: p.region.GetRegionEpoch(), Ops: make([]*ordealpb.Op, 0, n)}
		pr := proposal{ops: p.ops[:n:n]}
		for i := range pr.ops {
			cmd.Ops = append(cmd.Ops, pr.ops[i].op)
		}
		p.ops = p.ops[n:]
		p.opsRoom = n + n/opsRoomSpare
		if err := s.propose(p, wire.MarshalCommand(cmd), pr); err != nil {
			s.fail(p, &pr, err)
		}
	}
	if len(p.ops) == 0 {
		p.ops = nil
	}
}

// opsRoomSpare is the part by which more operations than the last entry took are made room for at first.
const opsRoomSpare = 4

// enoughInFlight says whether p leads and has as many entries under way as it may have. One that does not lead keeps nobody
// waiting.
func (s *Store) enoughInFlight(p *peer) bool {
	n := 0
	for _, list := range [][]proposal{p.unplaced, p.pending} {
		for i := range list {
			if len(list[i].ops) > 0 {
				n++
			}
		}
	}
	return n >= s.cfg.EntriesInFlightMax && p.group.IsLeader()
}

// refuseOutdated answers those operations that were checked against another range than p has by now.
func (s *Store) refuseOutdated(p *peer) {
	// gofail: var bugWaitingNotChecked struct{}
	// return

	fits := p.ops[:0]
	for i := range p.ops {
		if p.ops[i].req.version == p.region.GetRegionEpoch().GetVersion() {
			fits = append(fits, p.ops[i])
			continue
		}
		s.came(p, stateWaitingOutdated)
		s.replyError(&p.ops[i].req, p, region.EpochNotMatch(p.region))
	}
	clear(p.ops[len(fits):])
	p.ops = fits
}

// entryOps is how many of ops go into one entry: one at least.
func (s *Store) entryOps(ops []queuedOp) int {
	n, size := 0, 0
	for n < len(ops) && n < s.cfg.OpsPerEntryMax {
		size += opSize(ops[n].op)
		if n > 0 && size > s.cfg.OpsBytesPerEntryMax {
			break
		}
		n++
	}
	return n
}

// propose appends a command, unless the region is frozen. On an error nothing was started.
func (s *Store) propose(p *peer, data []byte, pr proposal) *errorpb.Error {
	if !p.takesWrites() {
		return region.ProposalInMergingMode(p.region.GetId())
	}
	// gofail: var errorPropose struct{}
	// if s.at("errorPropose", p.region.GetId()) {
	//	return region.ServerIsBusy("a failpoint refuses proposals")
	// }

	return s.appendCommand(p, data, pr)
}

// appendCommand appends a command that a frozen region takes, too. On an error nothing was started.
func (s *Store) appendCommand(p *peer, data []byte, pr proposal) *errorpb.Error {
	s.nextToken++
	pr.token = s.nextToken
	if err := p.group.Propose(pr.token, data); err != nil {
		// gofail: var bugProposeInTransfer struct{}
		// if p.group.Transferring() {
		//	pr.at = raft.ID{Index: p.group.LastIndex() + 1, Term: p.group.Term()}
		//	p.pending = append(p.pending, pr)
		//	return nil
		// }

		return s.groupError(p, err)
	}
	p.unplaced = append(p.unplaced, pr)
	s.wake(p)
	return nil
}

// onAdmin starts an admin call.
func (s *Store) onAdmin(p *peer, req request, a *ordealpb.AdminRequest) {
	if a.GetStatus() != nil {
		s.replyAdmin(&req, p, &ordealpb.AdminResponse{Regions: []*metapb.Region{p.region}, Status: p.status()})
		return
	}
	if !p.group.IsLeader() {
		s.replyError(&req, p, region.NotLeader(p.region.GetId(), p.leader()))
		return
	}
	s.disturb(p)
	s.wake(p)
	switch err := s.startAdmin(p, &req, a).(type) {
	case nil:
	case regionError:
		s.replyError(&req, p, err.of)
	default:
		s.replyAdmin(&req, p, &ordealpb.AdminResponse{Error: err.Error()})
	}
}

// regionError is an error of the region layer: it may go well elsewhere or later. Every other error of an admin call
// says that the call makes no sense.
type regionError struct{ of *errorpb.Error }

func (e regionError) Error() string { return e.of.GetMessage() }

// startAdmin starts an admin call on the leader. It is answered when it is applied; on an error nothing was started.
func (s *Store) startAdmin(p *peer, req *request, a *ordealpb.AdminRequest) error {
	epoch, now := a.GetContext().GetRegionEpoch(), p.region.GetRegionEpoch()
	switch b := a.GetBody().(type) {
	case *ordealpb.AdminRequest_Split:
		if !region.CheckEpoch(epoch, now, true, true) {
			return regionError{region.EpochNotMatch(p.region)}
		}
		return s.startSplit(p, req, b.Split)
	case *ordealpb.AdminRequest_ChangePeer:
		if !region.CheckEpoch(epoch, now, true, false) {
			return regionError{region.EpochNotMatch(p.region)}
		}
		one := &ordealpb.ChangePeerV2Request{Changes: []*ordealpb.ChangePeerRequest{b.ChangePeer}}
		return s.proposeConfChange(p, one, req)
	case *ordealpb.AdminRequest_ChangePeerV2:
		if !region.CheckEpoch(epoch, now, true, false) {
			return regionError{region.EpochNotMatch(p.region)}
		}
		return s.proposeConfChange(p, b.ChangePeerV2, req)
	case *ordealpb.AdminRequest_Merge:
		if !region.CheckEpoch(epoch, now, true, true) {
			return regionError{region.EpochNotMatch(p.region)}
		}
		return s.prepareMerge(p, b.Merge.GetTarget(), req)
	case *ordealpb.AdminRequest_ConsistencyCheck:
		if err := s.proposeCheck(p, req); err != nil {
			return regionError{err}
		}
		return nil
	case *ordealpb.AdminRequest_TransferLeader:
		if err := s.transferLeader(p, b.TransferLeader.GetPeer()); err != nil {
			return err
		}
		s.replyAdmin(req, p, &ordealpb.AdminResponse{Regions: []*metapb.Region{p.region}})
		return nil
	}
	return errors.New("admin request without a body: want split, change_peer, change_peer_v2, merge, consistency_check, transfer_leader or status")
}

func (s *Store) replyAdmin(req *request, p *peer, resp *ordealpb.AdminResponse) {
	s.reply(req, &ordealpb.Response{Body: &ordealpb.Response_Admin{Admin: resp}, Witness: s.witness(p)})
}

func (p *peer) status() *ordealpb.RegionStatus {
	return &ordealpb.RegionStatus{
		Leader: p.leader(), Term: p.group.Term(), AppliedIndex: p.applied.Index, CommitIndex: p.group.CommitIndex(),
		TruncatedIndex: p.group.Truncated().Index, ApproximateSize: p.size.bytes,
	}
}

// transferLeader hands leadership over. It is not replicated: the answer says that the attempt has begun.
func (s *Store) transferLeader(p *peer, to *metapb.Peer) error {
	m := region.FindPeerByID(p.region, to.GetId())
	if m == nil {
		return errors.New("transfer leader: no such peer in " + region.Format(p.region))
	}
	switch err := p.group.TransferLeader(m.GetId()); {
	case errors.Is(err, raft.ErrRefused):
		return fmt.Errorf("transfer leader: %s leads already or has no vote in %s", region.FormatPeer(m), region.Format(p.region))
	case err != nil:
		return regionError{s.groupError(p, err)}
	}
	s.wake(p)
	return nil
}
