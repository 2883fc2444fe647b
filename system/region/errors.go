package region

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"ordeal/proto/errorpb"
	"ordeal/proto/metapb"
)

// Definite reports whether e says that the request certainly had no effect and never will, so that the caller may try
// again without the danger of doing it twice. That is so for every reason but UndeterminedResult. No error, and an error
// without a reason that this version knows, promise nothing and are not definite either.
func Definite(e *errorpb.Error) bool {
	if e == nil || e.GetUndeterminedResult() != nil {
		return false
	}
	known := false
	e.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		known = known || f.Message() != nil
		return !known
	})
	return known
}

// NotLeader refuses a request to a follower. leader is a hint and may be nil.
func NotLeader(regionID uint64, leader *metapb.Peer) *errorpb.Error {
	hint := "its leader is not known here"
	if leader != nil {
		hint = "its leader is " + FormatPeer(leader)
	}
	return &errorpb.Error{
		Message:   fmt.Sprintf("not the leader of region %d: %s", regionID, hint),
		NotLeader: &errorpb.NotLeader{RegionId: regionID, Leader: leader},
	}
}

// EpochNotMatch refuses a request made for another epoch. current are the regions that hold the keys now as far as
// this store knows, for the caller to learn from; they are not copied.
func EpochNotMatch(current ...*metapb.Region) *errorpb.Error {
	shown := make([]string, len(current))
	for i, r := range current {
		shown[i] = Format(r)
	}
	return &errorpb.Error{
		Message:       "the region has changed since it was looked up, now: " + strings.Join(shown, ", "),
		EpochNotMatch: &errorpb.EpochNotMatch{CurrentRegions: current},
	}
}

// RegionNotFound refuses a request to a store that has no peer of the region.
func RegionNotFound(regionID uint64) *errorpb.Error {
	return &errorpb.Error{
		Message:        fmt.Sprintf("region %d has no peer on this store", regionID),
		RegionNotFound: &errorpb.RegionNotFound{RegionId: regionID},
	}
}

// KeyNotInRegion refuses a key outside of r's range.
func KeyNotInRegion(key []byte, r *metapb.Region) *errorpb.Error {
	return &errorpb.Error{
		Message: fmt.Sprintf("key %s is not in %s", FormatKey(key), Format(r)),
		KeyNotInRegion: &errorpb.KeyNotInRegion{
			Key: key, RegionId: r.GetId(), StartKey: r.GetStartKey(), EndKey: r.GetEndKey(),
		},
	}
}

// ServerIsBusy refuses a request for want of capacity, before anything was done.
func ServerIsBusy(reason string) *errorpb.Error {
	return &errorpb.Error{
		Message:      "the store is busy: " + reason,
		ServerIsBusy: &errorpb.ServerIsBusy{Reason: reason},
	}
}

// ProposalInMergingMode refuses a request to a region that is frozen because it is being merged. Its keys are served again
// when the merge is done, by another region, or when it is taken back.
func ProposalInMergingMode(regionID uint64) *errorpb.Error {
	return &errorpb.Error{
		Message:               fmt.Sprintf("region %d is being merged", regionID),
		ProposalInMergingMode: &errorpb.ProposalInMergingMode{RegionId: regionID},
	}
}

// BusyFor is ServerIsBusy with a hint: before so long it is of no use to try again.
func BusyFor(reason string, backoff time.Duration) *errorpb.Error {
	e := ServerIsBusy(reason)
	e.ServerIsBusy.BackoffMs = uint64(backoff.Milliseconds())
	return e
}

// StaleCommand says that the request was proposed in a term that has ended and was certainly not applied.
func StaleCommand() *errorpb.Error {
	return &errorpb.Error{
		Message:      "the request was overtaken by a new leader and not applied",
		StaleCommand: &errorpb.StaleCommand{},
	}
}

// ReadIndexNotReady says that a read could not be confirmed; it had no effect and may be tried again, here or elsewhere.
func ReadIndexNotReady(regionID uint64, reason string) *errorpb.Error {
	return &errorpb.Error{
		Message:           fmt.Sprintf("region %d can't confirm the read: %s", regionID, reason),
		ReadIndexNotReady: &errorpb.ReadIndexNotReady{RegionId: regionID, Reason: reason},
	}
}

// StoreNotMatch refuses a request meant for another store.
func StoreNotMatch(requested, actual uint64) *errorpb.Error {
	return &errorpb.Error{
		Message:       fmt.Sprintf("the request is for store %d, this is store %d", requested, actual),
		StoreNotMatch: &errorpb.StoreNotMatch{RequestStoreId: requested, ActualStoreId: actual},
	}
}

// MismatchPeerID refuses a request meant for another peer of the region on the same store.
func MismatchPeerID(requested, actual uint64) *errorpb.Error {
	return &errorpb.Error{
		Message:        fmt.Sprintf("the request is for peer %d, this store has peer %d", requested, actual),
		MismatchPeerId: &errorpb.MismatchPeerId{RequestPeerId: requested, StorePeerId: actual},
	}
}

// RaftEntryTooLarge refuses a request that would make a log entry of size bytes. Trying again is of no use.
func RaftEntryTooLarge(regionID, size uint64) *errorpb.Error {
	return &errorpb.Error{
		Message: fmt.Sprintf("the request to region %d makes a log entry of %d B, at most %d B are allowed",
			regionID, size, RaftEntrySizeMax),
		RaftEntryTooLarge: &errorpb.RaftEntryTooLarge{RegionId: regionID, EntrySize: size},
	}
}

// UndeterminedResult says that the request may have taken effect, or may yet do so. It must not be tried again behind
// the caller's back.
func UndeterminedResult(message string) *errorpb.Error {
	return &errorpb.Error{
		Message:            "the outcome is not known: " + message,
		UndeterminedResult: &errorpb.UndeterminedResult{Message: message},
	}
}
