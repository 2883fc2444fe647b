package checker

import (
	"slices"

	"ordeal/checker/register"
)

// forget drops the values that the key can't hold any more and that no operation speaks of that may still act. Before,
// it drops operations of unknown outcome that can't act any more because what they expect is gone for good.
func (k *streamKey) forget() {
	if k.search == nil {
		k.values.need(k.state)
	} else {
		for s := range k.search.States {
			k.values.need(value(s))
		}
	}
	gone := func(id value) bool {
		v := k.values.at(id)
		return v != nil && !v.needed && v.writing == written
	}
	k.cads = slices.DeleteFunc(k.cads, func(i int32) bool {
		expect := k.steps[i].Expect
		if !gone(expect) {
			return false
		}
		if k.search != nil {
			k.search.Forget(i)
		}
		k.drop(i)
		k.values.at(expect).cad = none
		return true
	})
	// A swap that can't act takes with it those that expect its value.
	for again := true; again; {
		again = false
		for id := range k.values.list {
			v := &k.values.list[id]
			if v.used && v.writing == waits && k.steps[v.writer].Kind == register.Swap && gone(k.steps[v.writer].Expect) {
				k.drop(v.writer)
				v.writing, again = written, true
			}
		}
	}
	for i := range k.steps {
		if st := &k.steps[i]; st.Kind != 0 {
			k.values.need(st.Value)
			k.values.need(st.Expect)
		}
	}
	k.values.sweep()
	k.live = k.values.len()
}
