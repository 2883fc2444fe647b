package world

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseAddr reads what Addr.String prints.
func ParseAddr(s string) (Addr, error) {
	node, actor, ok := strings.Cut(s, "/")
	if !ok {
		return Addr{}, fmt.Errorf("address %q: want node/actor, such as 3/0", s)
	}
	n, err := strconv.ParseUint(node, 10, 64)
	if err != nil {
		return Addr{}, fmt.Errorf("address %q: node %q is no number", s, node)
	}
	a, err := strconv.ParseUint(actor, 10, 16)
	if err != nil {
		return Addr{}, fmt.Errorf("address %q: actor %q is no number below 65536", s, actor)
	}
	return Addr{Node: NodeID(n), Actor: uint16(a)}, nil
}
