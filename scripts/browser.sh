#!/usr/bin/env bash
# Tests the report and the pages of `ordeal serve` in headless Chromium, which is installed first if there is none (by root, on Debian), and leaves screenshots
# in out/screenshots. `scripts/browser.sh install` only installs. Further arguments are those of go test.
set -euo pipefail
cd "$(dirname "$0")/.."

install() {
	if command -v chromium >/dev/null; then
		chromium --version
		return
	fi
	if ! command -v apt-get >/dev/null || ((EUID != 0)); then
		echo "no chromium here, and no way to install it"
		return
	fi
	apt-get -qq update || echo "apt-get update failed; trying with the lists that are there" >&2
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null ||
		echo "chromium could not be installed" >&2
}

install
if [[ ${1-} == install ]]; then
	exit 0
fi
CI=true ORDEAL_SCREENSHOTS="$PWD/out/screenshots" go test ./checker/report ./workloads/serve -run=Browser -count=1 "$@"
echo "screenshots: out/screenshots"
