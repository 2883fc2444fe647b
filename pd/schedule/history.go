package schedule

// historyMax is how many of the latest ends are remembered.
const historyMax = 256

// history remembers how the latest operators ended.
type history struct {
	ends []End
	// next is the place of the oldest once there are historyMax.
	next int
}

func (h *history) add(e End) {
	if len(h.ends) < historyMax {
		h.ends = append(h.ends, e)
		return
	}
	h.ends[h.next] = e
	h.next = (h.next + 1) % historyMax
}

// all returns them, the oldest first.
func (h *history) all() []End {
	return append(append([]End(nil), h.ends[h.next:]...), h.ends[:h.next]...)
}
