#!/usr/bin/env bash
# Proves that the harness can find bugs: every planted bug must be found (exit code 1) within the seeds given, and the
# run that found it must replay to the same trace. Each is looked for with the workload and the faults that `ordeal run
# -bug=list` names, until the first run fails. Arguments are names of bugs, for all if there are none, and further flags of
# `ordeal run`, which win:
#
#   scripts/bugs.sh -seeds=200
#   scripts/bugs.sh stale-read merge-writes -nemesis=all -workload=all
#
# Exit code 0: all found and replayed. 1: one was not.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/ordeal" ./cmd/ordeal

names=() flags=()
for arg in "$@"; do
	case $arg in
	-*) flags+=("$arg") ;;
	*) names+=("$arg") ;;
	esac
done
"$work/ordeal" run -bug=list >"$work/bugs"
if ((${#names[@]} == 0)); then
	mapfile -t names < <(awk '{ print $1 }' "$work/bugs")
fi

missed=0
for bug in "${names[@]}"; do
	read -r _ workload nemesis _ < <(grep "^$bug " "$work/bugs") || {
		echo "$bug: there is no such bug"
		missed=1
		continue
	}
	begin=$SECONDS code=0
	"$work/ordeal" run -until-fail -shrink=0 "$workload" "$nemesis" -bug="$bug" -out="$work/out" "${flags[@]}" >"$work/log" 2>&1 || code=$?
	# A failure ends with the line that replays it.
	folder=$(sed -n 's/^  replay: go run .\/cmd\/ordeal replay \([^ ]*\).*/\1/p' "$work/log" | head -n 1)
	if [[ $code != 1 || -z $folder ]]; then
		echo "$bug: NOT FOUND with $workload $nemesis, exit code $code"
		tail -n 5 "$work/log"
		missed=1
		continue
	fi
	took=$((SECONDS - begin))
	why=$(sed -n 's/^FAIL //p' "$work/log" | head -n 1)
	code=0
	"$work/ordeal" replay "$folder" >"$work/log" 2>&1 || code=$?
	if [[ $code != 1 ]] || ! grep -q '^they agree' "$work/log"; then
		echo "$bug: found by $(basename "$folder"), but its replay is another run, exit code $code"
		tail -n 5 "$work/log"
		missed=1
		continue
	fi
	echo "$bug: found in $took s and replays event by event: ${why:0:200}"
done
exit "$missed"
