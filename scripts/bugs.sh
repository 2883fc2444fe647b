#!/usr/bin/env bash
# Proves that the harness can find bugs: every planted bug must be found (exit code 1) within the seeds given, and the
# run that found it must replay to the same trace. The arguments are further flags of `ordeal run`:
#
#   scripts/bugs.sh -seeds=200
#
# Exit code 0: all found and replayed. 1: one was not.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/ordeal" ./cmd/ordeal

missed=0
for bug in $("$work/ordeal" run -bug=list | awk '{ print $1 }'); do
	code=0
	"$work/ordeal" run -nemesis=all -bug="$bug" -out="$work/out" "$@" >"$work/log" 2>&1 || code=$?
	found=$(grep -c '^FAIL ' "$work/log" || true)
	# A failure ends with the line that replays it.
	folder=$(sed -n 's/^  replay: go run .\/cmd\/ordeal replay \([^ ]*\).*/\1/p' "$work/log" | head -n 1)
	if [[ $code != 1 || -z $folder ]]; then
		echo "$bug: NOT FOUND, exit code $code"
		tail -n 5 "$work/log"
		missed=1
		continue
	fi
	code=0
	"$work/ordeal" replay "$folder" >"$work/log" 2>&1 || code=$?
	if [[ $code != 1 ]] || ! grep -q '^they agree' "$work/log"; then
		echo "$bug: found by $(basename "$folder"), but its replay is another run, exit code $code"
		tail -n 5 "$work/log"
		missed=1
		continue
	fi
	echo "$bug: found ($found failures shown); $(basename "$folder") replays event by event"
done
exit "$missed"
