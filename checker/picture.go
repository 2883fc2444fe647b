package checker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// pictureStepsMax bounds what is drawn: a larger set would cost porcupine much memory, and nobody could read it.
const pictureStepsMax = 100

// draw lets porcupine judge the steps as they are, with nothing tightened or left out, and draw them if it agrees that
// no order explains them. The picture is nil if there is none.
func draw(h Operations, k *keyHistory, steps []step, timeout time.Duration) (porcupine.CheckResult, []byte) {
	if len(steps) > pictureStepsMax {
		return porcupine.Unknown, nil
	}
	lanes := map[int]int{} // porcupine wants clients numbered from 0, without holes
	var clients []int
	for i := range steps {
		clients = append(clients, h.At(int(steps[i].Op), nil).Client)
	}
	slices.Sort(clients)
	for n, c := range slices.Compact(clients) {
		lanes[c] = n
	}
	ops := make([]porcupine.Operation, len(steps))
	for i := range steps {
		st := &steps[i]
		ops[i] = porcupine.Operation{ClientId: lanes[h.At(int(st.Op), nil).Client], Input: st, Call: int64(st.Call), Return: int64(st.Ret)}
	}
	model := porcupine.Model{
		Init: func() any { return absent },
		Step: func(state, input, _ any) (bool, any) {
			ok, next := input.(*step).Act(state.(value))
			return ok, next
		},
		DescribeOperation: func(input, _ any) string { return k.describe(h, input.(*step)) },
		DescribeState:     func(state any) string { return seen(state.(value) != absent, k.values[state.(value)]) },
	}
	answer, info := porcupine.CheckOperationsVerbose(model, ops, timeout)
	if answer != porcupine.Illegal {
		return answer, nil
	}
	var page bytes.Buffer
	if err := porcupine.Visualize(model, info, &page); err != nil {
		return answer, nil
	}
	return answer, canonical(page.Bytes())
}

// describe labels a step in the picture.
func (k *keyHistory) describe(h Operations, st *step) string {
	o := h.At(int(st.Op), nil)
	label := fmt.Sprintf("c%d %s → %s", o.Client, o.Call(), o.Answer())
	if note := k.note(st, o); note != "" {
		label += " (" + note + ")"
	}
	return label
}

// Marks in porcupine's page.
var (
	pictureData = []byte("const data = ")
	pictureEnd  = []byte("\n")
	pictureDraw = []byte("render(data)")
	// pictureDrawLater waits until the page has a size. porcupine measures its labels while it draws, and in a frame
	// of a report there is at first no layout to measure them in.
	pictureDrawLater = []byte(`new ResizeObserver((_, seen) => {
        if (innerWidth > 0) { seen.disconnect(); render(data) }
      }).observe(document.documentElement)`)
)

// drawing is the part of porcupine's data that has to be put in order.
type drawing struct {
	Partitions []struct {
		History               json.RawMessage
		PartialLinearizations [][]struct {
			Index            int
			StateDescription string
		}
		Largest map[int]int
	}
	Annotations json.RawMessage
}

// canonical makes porcupine's page the same in every run, and fit for a frame. porcupine collects partial orders in a
// map, so that those of equal length come out in any order. A page that it does not understand is returned as it is.
func canonical(page []byte) []byte {
	head, rest, ok := bytes.Cut(page, pictureData)
	data, tail, ok2 := bytes.Cut(rest, pictureEnd)
	var d drawing
	if !ok || !ok2 || json.Unmarshal(data, &d) != nil {
		return page
	}
	for p := range d.Partitions {
		part := &d.Partitions[p]
		slices.SortFunc(part.PartialLinearizations, func(a, b []struct {
			Index            int
			StateDescription string
		}) int {
			if c := cmp.Compare(len(b), len(a)); c != 0 {
				return c
			}
			for i := range a {
				if c := cmp.Compare(a[i].Index, b[i].Index); c != 0 {
					return c
				}
			}
			return 0
		})
		part.Largest = map[int]int{}
		for i, order := range part.PartialLinearizations {
			for _, s := range order {
				if _, known := part.Largest[s.Index]; !known {
					part.Largest[s.Index] = i
				}
			}
		}
	}
	sorted, err := json.Marshal(d)
	if err != nil {
		return page
	}
	tail = bytes.Replace(tail, pictureDraw, pictureDrawLater, 1)
	return slices.Concat(head, pictureData, sorted, pictureEnd, tail)
}
