package checker

import (
	"slices"

	"ordeal/checker/register"
)

// forget drops the values that the key can't hold any more and that no operation speaks of that may still act. Before,
// it drops operations of unknown outcome that can't act any more because what they expect is gone for good.
func (k *streamKey) forget() {
	needed := map[value]bool{absent: true, k.state: k.search == nil}
	if k.search != nil {
		for s := range k.search.States {
			needed[value(s)] = true
		}
	}
	gone := func(id value) bool { return id != absent && !needed[id] && k.vals[id].writing == written }
	k.cads = slices.DeleteFunc(k.cads, func(i int32) bool {
		v := k.vals[k.steps[i].Expect]
		if !gone(k.steps[i].Expect) {
			return false
		}
		if k.search != nil {
			k.search.Forget(i)
		}
		k.drop(i)
		v.cad = none
		return true
	})
	// A swap that can't act takes with it those that expect its value.
	for again := true; again; {
		again = false
		//tidy:maporder what is dropped in the end does not depend on who goes first
		for _, v := range k.vals {
			if v.writing == waits && k.steps[v.writer].Kind == register.Swap && gone(k.steps[v.writer].Expect) {
				k.drop(v.writer)
				v.writing, again = written, true
			}
		}
	}
	for i := range k.steps {
		if st := &k.steps[i]; st.Kind != 0 {
			needed[st.Value], needed[st.Expect] = true, true
		}
	}
	//tidy:maporder each is dropped or kept by itself
	for id, v := range k.vals {
		if !needed[id] {
			delete(k.vals, id)
			delete(k.ids, v.name)
		}
	}
	k.live = len(k.ids)
}
