package region

import "ordeal/proto/metapb"

// CheckEpoch reports whether a request made for epoch req may be served at epoch cur, comparing only what the request
// depends on: checkVersion for anything that names keys, checkConfVer for anything that names peers. A request without
// an epoch is refused unless nothing is compared. Numbers must be equal: a request from the future is refused as well,
// since this replica has yet to learn what its sender knows.
func CheckEpoch(req, cur *metapb.RegionEpoch, checkConfVer, checkVersion bool) bool {
	if !checkConfVer && !checkVersion {
		return true
	}
	if req == nil {
		return false
	}
	if checkConfVer && req.GetConfVer() != cur.GetConfVer() {
		return false
	}
	return !checkVersion || req.GetVersion() == cur.GetVersion()
}

// StaleEpoch reports whether a is older than b in version or in conf_ver. Of two epochs of one region never both are
// older than the other; those of different regions are not comparable in conf_ver.
func StaleEpoch(a, b *metapb.RegionEpoch) bool {
	return a.GetVersion() < b.GetVersion() || a.GetConfVer() < b.GetConfVer()
}

// SameEpoch reports whether a and b are equal in both numbers.
func SameEpoch(a, b *metapb.RegionEpoch) bool {
	return a.GetVersion() == b.GetVersion() && a.GetConfVer() == b.GetConfVer()
}
