package proto_test

// tikvMessages is what TiKV's kvproto (July 2026) says of the messages and fields that the subset has: number, name
// and kind of each field. It was written from kvproto, not from the .proto files here, so that it can contradict them.
// The one liberty is ConfChangeType, whose package there is eraftpb.
var tikvMessages = map[string]string{
	"metapb.Cluster":    "1 id uint64, 2 max_peer_count uint32",
	"metapb.StoreLabel": "1 key string, 2 value string",
	"metapb.Store": "1 id uint64, 2 address string, 3 state metapb.StoreState, 4 labels []metapb.StoreLabel, " +
		"5 version string, 6 peer_address string, 7 status_address string, 9 start_timestamp int64, " +
		"11 last_heartbeat int64",
	"metapb.RegionEpoch": "1 conf_ver uint64, 2 version uint64",
	"metapb.Region": "1 id uint64, 2 start_key bytes, 3 end_key bytes, 4 region_epoch metapb.RegionEpoch, " +
		"5 peers []metapb.Peer",
	"metapb.Peer":                   "1 id uint64, 2 store_id uint64, 3 role metapb.PeerRole",
	"errorpb.NotLeader":             "1 region_id uint64, 2 leader metapb.Peer",
	"errorpb.DiskFull":              "1 store_id []uint64, 2 reason string",
	"errorpb.StoreNotMatch":         "1 request_store_id uint64, 2 actual_store_id uint64",
	"errorpb.RegionNotFound":        "1 region_id uint64",
	"errorpb.RegionNotInitialized":  "1 region_id uint64",
	"errorpb.KeyNotInRegion":        "1 key bytes, 2 region_id uint64, 3 start_key bytes, 4 end_key bytes",
	"errorpb.EpochNotMatch":         "1 current_regions []metapb.Region",
	"errorpb.ServerIsBusy":          "1 reason string, 2 backoff_ms uint64, 3 estimated_wait_ms uint32, 4 applied_index uint64",
	"errorpb.StaleCommand":          "",
	"errorpb.RaftEntryTooLarge":     "1 region_id uint64, 2 entry_size uint64",
	"errorpb.ReadIndexNotReady":     "1 reason string, 2 region_id uint64",
	"errorpb.ProposalInMergingMode": "1 region_id uint64",
	"errorpb.MismatchPeerId":        "1 request_peer_id uint64, 2 store_peer_id uint64",
	"errorpb.UndeterminedResult":    "1 message string",
	"errorpb.Error": "1 message string, 2 not_leader errorpb.NotLeader, 3 region_not_found errorpb.RegionNotFound, " +
		"4 key_not_in_region errorpb.KeyNotInRegion, 5 epoch_not_match errorpb.EpochNotMatch, " +
		"6 server_is_busy errorpb.ServerIsBusy, 7 stale_command errorpb.StaleCommand, " +
		"8 store_not_match errorpb.StoreNotMatch, 9 raft_entry_too_large errorpb.RaftEntryTooLarge, " +
		"11 read_index_not_ready errorpb.ReadIndexNotReady, " +
		"12 proposal_in_merging_mode errorpb.ProposalInMergingMode, " +
		"14 region_not_initialized errorpb.RegionNotInitialized, 15 disk_full errorpb.DiskFull, " +
		"20 mismatch_peer_id errorpb.MismatchPeerId, 22 undetermined_result errorpb.UndeterminedResult",
	"kvrpcpb.Context": "1 region_id uint64, 2 region_epoch metapb.RegionEpoch, 3 peer metapb.Peer, 5 term uint64, " +
		"12 replica_read bool, 14 max_execution_duration_ms uint64, 20 is_retry_request bool, " +
		"21 api_version kvrpcpb.APIVersion, 24 request_source string, 32 keyspace_id uint32, " +
		"35 cluster_id uint64",
	"kvrpcpb.KvPair":              "2 key bytes, 3 value bytes",
	"kvrpcpb.RawGetRequest":       "1 context kvrpcpb.Context, 2 key bytes, 3 cf string",
	"kvrpcpb.RawGetResponse":      "1 region_error errorpb.Error, 2 error string, 3 value bytes, 4 not_found bool",
	"kvrpcpb.RawBatchGetRequest":  "1 context kvrpcpb.Context, 2 keys []bytes, 3 cf string",
	"kvrpcpb.RawBatchGetResponse": "1 region_error errorpb.Error, 2 pairs []kvrpcpb.KvPair",
	"kvrpcpb.RawPutRequest": "1 context kvrpcpb.Context, 2 key bytes, 3 value bytes, 4 cf string, 5 ttl uint64, " +
		"6 for_cas bool",
	"kvrpcpb.RawPutResponse": "1 region_error errorpb.Error, 2 error string",
	"kvrpcpb.RawBatchPutRequest": "1 context kvrpcpb.Context, 2 pairs []kvrpcpb.KvPair, 3 cf string, 5 for_cas bool, " +
		"6 ttls []uint64",
	"kvrpcpb.RawBatchPutResponse":    "1 region_error errorpb.Error, 2 error string",
	"kvrpcpb.RawDeleteRequest":       "1 context kvrpcpb.Context, 2 key bytes, 3 cf string, 4 for_cas bool",
	"kvrpcpb.RawDeleteResponse":      "1 region_error errorpb.Error, 2 error string",
	"kvrpcpb.RawBatchDeleteRequest":  "1 context kvrpcpb.Context, 2 keys []bytes, 3 cf string, 4 for_cas bool",
	"kvrpcpb.RawBatchDeleteResponse": "1 region_error errorpb.Error, 2 error string",
	"kvrpcpb.RawDeleteRangeRequest":  "1 context kvrpcpb.Context, 2 start_key bytes, 3 end_key bytes, 4 cf string",
	"kvrpcpb.RawDeleteRangeResponse": "1 region_error errorpb.Error, 2 error string",
	"kvrpcpb.RawScanRequest": "1 context kvrpcpb.Context, 2 start_key bytes, 3 limit uint32, 4 key_only bool, 5 cf string, " +
		"6 reverse bool, 7 end_key bytes",
	"kvrpcpb.RawScanResponse": "1 region_error errorpb.Error, 2 kvs []kvrpcpb.KvPair",
	"kvrpcpb.RawCASRequest": "1 context kvrpcpb.Context, 2 key bytes, 3 value bytes, 4 previous_not_exist bool, " +
		"5 previous_value bytes, 6 cf string, 7 ttl uint64, 8 delete bool",
	"kvrpcpb.RawCASResponse": "1 region_error errorpb.Error, 2 error string, 3 succeed bool, 4 previous_not_exist bool, " +
		"5 previous_value bytes",
	"pdpb.RequestHeader":  "1 cluster_id uint64, 2 sender_id uint64, 3 caller_id string, 4 caller_component string",
	"pdpb.ResponseHeader": "1 cluster_id uint64, 2 error pdpb.Error",
	"pdpb.Error":          "1 type pdpb.ErrorType, 2 message string",
	"pdpb.Member": "1 name string, 2 member_id uint64, 3 peer_urls []string, 4 client_urls []string, " +
		"5 leader_priority int32, 7 binary_version string",
	"pdpb.GetMembersRequest": "1 header pdpb.RequestHeader",
	"pdpb.GetMembersResponse": "1 header pdpb.ResponseHeader, 2 members []pdpb.Member, 3 leader pdpb.Member, " +
		"4 etcd_leader pdpb.Member",
	"pdpb.AllocIDRequest":         "1 header pdpb.RequestHeader, 2 count uint32",
	"pdpb.AllocIDResponse":        "1 header pdpb.ResponseHeader, 2 id uint64, 3 count uint32",
	"pdpb.Timestamp":              "1 physical int64, 2 logical int64, 3 suffix_bits uint32",
	"pdpb.TsoRequest":             "1 header pdpb.RequestHeader, 2 count uint32",
	"pdpb.TsoResponse":            "1 header pdpb.ResponseHeader, 2 count uint32, 3 timestamp pdpb.Timestamp",
	"pdpb.BootstrapRequest":       "1 header pdpb.RequestHeader, 2 store metapb.Store, 3 region metapb.Region",
	"pdpb.BootstrapResponse":      "1 header pdpb.ResponseHeader",
	"pdpb.IsBootstrappedRequest":  "1 header pdpb.RequestHeader",
	"pdpb.IsBootstrappedResponse": "1 header pdpb.ResponseHeader, 2 bootstrapped bool",
	"pdpb.PutStoreRequest":        "1 header pdpb.RequestHeader, 2 store metapb.Store",
	"pdpb.PutStoreResponse":       "1 header pdpb.ResponseHeader",
	"pdpb.GetStoreRequest":        "1 header pdpb.RequestHeader, 2 store_id uint64",
	"pdpb.GetStoreResponse":       "1 header pdpb.ResponseHeader, 2 store metapb.Store, 3 stats pdpb.StoreStats",
	"pdpb.GetAllStoresRequest":    "1 header pdpb.RequestHeader, 2 exclude_tombstone_stores bool",
	"pdpb.GetAllStoresResponse":   "1 header pdpb.ResponseHeader, 2 stores []metapb.Store",
	"pdpb.TimeInterval":           "1 start_timestamp uint64, 2 end_timestamp uint64",
	"pdpb.StoreStats": "1 store_id uint64, 2 capacity uint64, 3 available uint64, 4 region_count uint32, " +
		"5 sending_snap_count uint32, 6 receiving_snap_count uint32, 7 start_time uint32, " +
		"8 applying_snap_count uint32, 9 is_busy bool, 10 used_size uint64, 11 bytes_written uint64, " +
		"12 keys_written uint64, 13 bytes_read uint64, 14 keys_read uint64, " +
		"15 interval pdpb.TimeInterval, 24 is_apply_busy bool, 32 is_stopping bool",
	"pdpb.StoreHeartbeatRequest":  "1 header pdpb.RequestHeader, 2 stats pdpb.StoreStats",
	"pdpb.StoreHeartbeatResponse": "1 header pdpb.ResponseHeader, 3 cluster_version string",
	"pdpb.GetRegionRequest":       "1 header pdpb.RequestHeader, 2 region_key bytes, 3 need_buckets bool",
	"pdpb.GetRegionByIDRequest":   "1 header pdpb.RequestHeader, 2 region_id uint64, 3 need_buckets bool",
	"pdpb.GetRegionResponse": "1 header pdpb.ResponseHeader, 2 region metapb.Region, 3 leader metapb.Peer, " +
		"5 down_peers []pdpb.PeerStats, 6 pending_peers []metapb.Peer",
	"pdpb.ScanRegionsRequest": "1 header pdpb.RequestHeader, 2 start_key bytes, 3 limit int32, 4 end_key bytes",
	"pdpb.Region": "1 region metapb.Region, 2 leader metapb.Peer, 3 down_peers []pdpb.PeerStats, " +
		"4 pending_peers []metapb.Peer",
	"pdpb.ScanRegionsResponse": "1 header pdpb.ResponseHeader, 2 region_metas []metapb.Region, 3 leaders []metapb.Peer, " +
		"4 regions []pdpb.Region",
	"pdpb.PeerStats": "1 peer metapb.Peer, 2 down_seconds uint64",
	"pdpb.RegionHeartbeatRequest": "1 header pdpb.RequestHeader, 2 region metapb.Region, 3 leader metapb.Peer, " +
		"4 down_peers []pdpb.PeerStats, 5 pending_peers []metapb.Peer, 6 bytes_written uint64, " +
		"7 bytes_read uint64, 8 keys_written uint64, 9 keys_read uint64, 10 approximate_size uint64, " +
		"12 interval pdpb.TimeInterval, 13 approximate_keys uint64, 14 term uint64",
	"pdpb.RegionHeartbeatResponse": "1 header pdpb.ResponseHeader, 2 change_peer pdpb.ChangePeer, " +
		"3 transfer_leader pdpb.TransferLeader, 4 region_id uint64, 5 region_epoch metapb.RegionEpoch, " +
		"6 target_peer metapb.Peer, 7 merge pdpb.Merge, 8 split_region pdpb.SplitRegion, " +
		"9 change_peer_v2 pdpb.ChangePeerV2",
	"pdpb.ChangePeer":     "1 peer metapb.Peer, 2 change_type pdpb.ConfChangeType",
	"pdpb.ChangePeerV2":   "1 changes []pdpb.ChangePeer",
	"pdpb.TransferLeader": "1 peer metapb.Peer, 2 peers []metapb.Peer",
	"pdpb.Merge":          "1 target metapb.Region",
	"pdpb.SplitRegion":    "1 policy pdpb.CheckPolicy, 2 keys []bytes",
	"pdpb.AskBatchSplitRequest": "1 header pdpb.RequestHeader, 2 region metapb.Region, 3 split_count uint32, " +
		"4 reason pdpb.SplitReason",
	"pdpb.SplitID":                  "1 new_region_id uint64, 2 new_peer_ids []uint64",
	"pdpb.AskBatchSplitResponse":    "1 header pdpb.ResponseHeader, 2 ids []pdpb.SplitID",
	"pdpb.ReportBatchSplitRequest":  "1 header pdpb.RequestHeader, 2 regions []metapb.Region",
	"pdpb.ReportBatchSplitResponse": "1 header pdpb.ResponseHeader",
}

// tikvEnums is the same for enums.
var tikvEnums = map[string]string{
	"metapb.StoreState":  "Up=0 Offline=1 Tombstone=2",
	"metapb.PeerRole":    "Voter=0 Learner=1 IncomingVoter=2 DemotingVoter=3",
	"kvrpcpb.APIVersion": "V1=0 V1TTL=1 V2=2 V3=3",
	"pdpb.ErrorType": "OK=0 UNKNOWN=1 NOT_BOOTSTRAPPED=2 STORE_TOMBSTONE=3 ALREADY_BOOTSTRAPPED=4 " +
		"INCOMPATIBLE_VERSION=5 REGION_NOT_FOUND=6 GLOBAL_CONFIG_NOT_FOUND=7 DUPLICATED_ENTRY=8 " +
		"ENTRY_NOT_FOUND=9 INVALID_VALUE=10 DATA_COMPACTED=11 REGIONS_NOT_CONTAIN_ALL_KEY_RANGE=12",
	"pdpb.ConfChangeType": "AddNode=0 RemoveNode=1 AddLearnerNode=2",
	"pdpb.CheckPolicy":    "SCAN=0 APPROXIMATE=1 USEKEY=2",
	"pdpb.SplitReason":    "ADMIN=0 SIZE=1 LOAD=2",
}

// tikvServices has the calls whose path and shape the subset shares with kvproto.
var tikvServices = map[string]string{
	"/pdpb.PD/GetMembers":       "pdpb.GetMembersRequest -> pdpb.GetMembersResponse",
	"/pdpb.PD/Tso":              "stream pdpb.TsoRequest -> stream pdpb.TsoResponse",
	"/pdpb.PD/Bootstrap":        "pdpb.BootstrapRequest -> pdpb.BootstrapResponse",
	"/pdpb.PD/IsBootstrapped":   "pdpb.IsBootstrappedRequest -> pdpb.IsBootstrappedResponse",
	"/pdpb.PD/AllocID":          "pdpb.AllocIDRequest -> pdpb.AllocIDResponse",
	"/pdpb.PD/GetStore":         "pdpb.GetStoreRequest -> pdpb.GetStoreResponse",
	"/pdpb.PD/PutStore":         "pdpb.PutStoreRequest -> pdpb.PutStoreResponse",
	"/pdpb.PD/GetAllStores":     "pdpb.GetAllStoresRequest -> pdpb.GetAllStoresResponse",
	"/pdpb.PD/StoreHeartbeat":   "pdpb.StoreHeartbeatRequest -> pdpb.StoreHeartbeatResponse",
	"/pdpb.PD/RegionHeartbeat":  "stream pdpb.RegionHeartbeatRequest -> stream pdpb.RegionHeartbeatResponse",
	"/pdpb.PD/GetRegion":        "pdpb.GetRegionRequest -> pdpb.GetRegionResponse",
	"/pdpb.PD/GetPrevRegion":    "pdpb.GetRegionRequest -> pdpb.GetRegionResponse",
	"/pdpb.PD/GetRegionByID":    "pdpb.GetRegionByIDRequest -> pdpb.GetRegionResponse",
	"/pdpb.PD/ScanRegions":      "pdpb.ScanRegionsRequest -> pdpb.ScanRegionsResponse",
	"/pdpb.PD/AskBatchSplit":    "pdpb.AskBatchSplitRequest -> pdpb.AskBatchSplitResponse",
	"/pdpb.PD/ReportBatchSplit": "pdpb.ReportBatchSplitRequest -> pdpb.ReportBatchSplitResponse",
}
