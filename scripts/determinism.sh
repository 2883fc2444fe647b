#!/usr/bin/env bash
# Runs seeds twice, in separate processes under different runtime settings, and compares their trace hashes. The
# arguments are flags of `ordeal hashes`:
#
#   scripts/determinism.sh -seeds=200
#
# Where two hashes differ, that seed is run twice more with its trace written down, and the first event that differs is
# printed. Exit code 0: all equal. 1: some differ. 2: a mistake in the arguments. 3: a run did not end.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/ordeal" ./cmd/ordeal

# The settings change when the garbage collector runs and how many threads there are; nothing else may change with them.
first() { GOGC=400 GOMAXPROCS=1 "$work/ordeal" hashes "$@"; }
second() { GOGC=50 GOMAXPROCS=2 "$work/ordeal" hashes "$@"; }

first "$@" >"$work/first"
second "$@" >"$work/second"
pairs=$(wc -l <"$work/first")
if cmp -s "$work/first" "$work/second"; then
	echo "$pairs of $pairs pairs of trace hashes are equal"
	exit 0
fi

paste -d' ' "$work/first" "$work/second" | awk '$3 != $6 { print $1, $2 }' >"$work/differ"
echo "$(wc -l <"$work/differ") of $pairs pairs of trace hashes differ:"
cat "$work/differ"
read -r workload seed <"$work/differ"
echo
echo "running $workload seed $seed twice more, with traces"
# The later flag wins, so that the others stay as they were.
one=(-workload="$workload" -seed="$seed" -seeds=1)
first "$@" "${one[@]}" -trace="$work/trace1" >/dev/null
second "$@" "${one[@]}" -trace="$work/trace2" >/dev/null
if cmp -s "$work/trace1" "$work/trace2"; then
	echo "this time the traces are equal: the difference is a rare one"
	exit 1
fi
awk 'NR == FNR { first[FNR] = $0; n = FNR; next }
	first[FNR] != $0 { printf "first difference at event %d\n  first:  %s\n  second: %s\n", FNR, FNR <= n ? first[FNR] : "(has ended)", $0; found = 1; exit }
	END { if (!found) printf "the second trace ends after event %d, where the first goes on: %s\n", FNR, first[FNR + 1] }' \
	"$work/trace1" "$work/trace2"
exit 1
