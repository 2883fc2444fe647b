#!/bin/bash -eu
# OSS-Fuzz and ClusterFuzzLite build the fuzz targets with this: a package, a target of it, and a name for the fuzzer.
compile_native_go_fuzzer_v2 ordeal/checker FuzzHistory checker_history
compile_native_go_fuzzer_v2 ordeal/checker FuzzJSONL checker_jsonl
compile_native_go_fuzzer_v2 ordeal/checker/formats FuzzEDN checker_formats_edn
compile_native_go_fuzzer_v2 ordeal/nemesis FuzzParseSchedule nemesis_parse_schedule
compile_native_go_fuzzer_v2 ordeal/pd FuzzStep pd_step
compile_native_go_fuzzer_v2 ordeal/proto/wire FuzzWire wire
compile_native_go_fuzzer_v2 ordeal/raft FuzzMessage raft_message
compile_native_go_fuzzer_v2 ordeal/system/engine FuzzKeys engine_keys
compile_native_go_fuzzer_v2 ordeal/system/region FuzzKeys region_keys
compile_native_go_fuzzer_v2 ordeal/system/store FuzzPacket store_packet
compile_native_go_fuzzer_v2 ordeal/system/store FuzzRequest store_request
compile_native_go_fuzzer_v2 ordeal/workloads FuzzSchedule workloads_schedule
compile_native_go_fuzzer_v2 ordeal/workloads FuzzSummary workloads_summary
