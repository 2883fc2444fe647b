// Package proto_test holds the .proto files to what TiKV's clients expect on the wire.
package proto_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
)

// sharedFiles are the files whose content is TiKV's. ordealpb is our own and may change as it likes.
var sharedFiles = []protoreflect.FileDescriptor{
	metapb.File_metapb_metapb_proto,
	errorpb.File_errorpb_errorpb_proto,
	kvrpcpb.File_kvrpcpb_kvrpcpb_proto,
	pdpb.File_pdpb_pdpb_proto,
}

func TestMessagesHaveTiKVsFieldNumbers(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for _, file := range sharedFiles {
		for i := range file.Messages().Len() {
			message := file.Messages().Get(i)
			got[string(message.FullName())] = describeFields(message.Fields())
		}
	}
	require.Equal(t, tikvMessages, got,
		"a field that differs breaks TiKV's clients; for a new one, add what kvproto says of it to tikvMessages")
}

func TestEnumsHaveTiKVsNumbers(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for _, file := range sharedFiles {
		for i := range file.Enums().Len() {
			enum := file.Enums().Get(i)
			var values []string
			for j := range enum.Values().Len() {
				value := enum.Values().Get(j)
				values = append(values, fmt.Sprintf("%s=%d", value.Name(), value.Number()))
			}
			got[string(enum.FullName())] = strings.Join(values, " ")
		}
	}
	require.Equal(t, tikvEnums, got,
		"a value that differs breaks TiKV's clients; for a new one, add what kvproto says of it to tikvEnums")
}

func TestServicesHaveTiKVsPaths(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for _, file := range sharedFiles {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				path := fmt.Sprintf("/%s/%s", service.FullName(), method.Name())
				got[path] = fmt.Sprintf("%s%s -> %s%s",
					streamPrefix(method.IsStreamingClient()), method.Input().FullName(),
					streamPrefix(method.IsStreamingServer()), method.Output().FullName())
			}
		}
	}
	require.Equal(t, tikvServices, got)
}

// The bytes below were put together by hand from kvproto's field numbers: a tag is number<<3 | wire type, where 0 is a
// varint and 2 a length and that many bytes.
func TestWireBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		message proto.Message
		wire    string
	}{{
		name:    "RegionEpoch",
		message: &metapb.RegionEpoch{ConfVer: 3, Version: 300},
		wire:    "\x08\x03" + "\x10\xac\x02",
	}, {
		name: "RawCASRequest that deletes",
		message: &kvrpcpb.RawCASRequest{
			Context:       &kvrpcpb.Context{RegionId: 7, KeyspaceId: 0xFFFFFFFF},
			Key:           []byte("k"),
			PreviousValue: []byte("old"),
			Delete:        true,
		},
		wire: "\x0a\x09" + "\x08\x07" + "\x80\x02\xff\xff\xff\xff\x0f" +
			"\x12\x01k" + "\x2a\x03old" + "\x40\x01",
	}, {
		name: "RegionHeartbeatResponse with a joint change",
		message: &pdpb.RegionHeartbeatResponse{
			RegionId:    2,
			RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1},
			ChangePeerV2: &pdpb.ChangePeerV2{Changes: []*pdpb.ChangePeer{{
				Peer:       &metapb.Peer{Id: 9, StoreId: 4, Role: metapb.PeerRole_Learner},
				ChangeType: pdpb.ConfChangeType_AddLearnerNode,
			}}},
		},
		wire: "\x20\x02" + "\x2a\x04\x08\x01\x10\x01" +
			"\x4a\x0c" + "\x0a\x0a" + "\x0a\x06\x08\x09\x10\x04\x18\x01" + "\x10\x02",
	}, {
		name:    "Error of the last number",
		message: &errorpb.Error{UndeterminedResult: &errorpb.UndeterminedResult{Message: "?"}},
		wire:    "\xb2\x01\x03" + "\x0a\x01?",
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(test.message)
			require.NoError(t, err)
			require.Equal(t, test.wire, string(encoded))

			decoded := test.message.ProtoReflect().New().Interface()
			require.NoError(t, proto.Unmarshal([]byte(test.wire), decoded))
			require.True(t, proto.Equal(test.message, decoded), "decoded to %v", decoded)
		})
	}
}

// TiKV's clients send fields that the subset leaves out. They must be skipped, not refused.
func TestLeftOutFieldsAreSkipped(t *testing.T) {
	t.Parallel()
	// priority = High, then resource_control_context, an empty message.
	var got kvrpcpb.Context
	require.NoError(t, proto.Unmarshal([]byte("\x08\x07"+"\x30\x02"+"\xe2\x01\x00"), &got))
	require.Equal(t, uint64(7), got.GetRegionId())
}

func describeFields(fields protoreflect.FieldDescriptors) string {
	var described []string
	for i := range fields.Len() {
		field := fields.Get(i)
		kind := field.Kind().String()
		switch {
		case field.Message() != nil:
			kind = string(field.Message().FullName())
		case field.Enum() != nil:
			kind = string(field.Enum().FullName())
		}
		if field.IsList() {
			kind = "[]" + kind
		}
		described = append(described, fmt.Sprintf("%d %s %s", field.Number(), field.Name(), kind))
	}
	return strings.Join(described, ", ")
}

func streamPrefix(streaming bool) string {
	if streaming {
		return "stream "
	}
	return ""
}
