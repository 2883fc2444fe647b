package models

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"ordeal/checker"
)

// step is what an operation makes of a state of its object, or false if it can't have seen there what it saw. States are
// whatever the object numbers; 0 is the first.
type step func(state uint64) (next uint64, ok bool)

// object makes steps of the operations on one key.
type object func(o *checker.Op) step

// makeList: append puts a value at the end, get returns all of them in their order. States are places in a tree in which
// the path to a place is the list, so that to append, and to compare with what was read, is one look, however long lists are.
func makeList() object {
	type branch struct {
		from  uint64
		value string
	}
	tree := map[branch]uint64{}
	grow := func(from uint64, value string) uint64 {
		b := branch{from, value}
		to, known := tree[b]
		if !known {
			to = uint64(len(tree) + 1)
			tree[b] = to
		}
		return to
	}
	return func(o *checker.Op) step {
		if o.Kind == checker.Get {
			saw := uint64(0)
			for _, v := range o.Items {
				saw = grow(saw, v)
			}
			return sees(saw)
		}
		return func(state uint64) (uint64, bool) { return grow(state, o.Value), true }
	}
}

// sees is a read that saw a state.
func sees(saw uint64) step {
	return func(state uint64) (uint64, bool) { return state, state == saw }
}

// makeSet: add puts a value in, remove takes it out, whether or not it was there, and get returns those that are in. States
// are numbers of the sorted values.
func makeSet() object {
	sets := [][]string{{}}
	ids := map[string]uint64{"": 0}
	number := func(set []string) uint64 {
		// Lengths tell values apart that contain whatever is put between them.
		var b strings.Builder
		for _, v := range set {
			b.Write(binary.AppendUvarint(nil, uint64(len(v))))
			b.WriteString(v)
		}
		id, known := ids[b.String()]
		if !known {
			id = uint64(len(sets))
			ids[b.String()] = id
			sets = append(sets, set)
		}
		return id
	}
	return func(o *checker.Op) step {
		if o.Kind == checker.Get {
			set := slices.Clone(o.Items)
			slices.Sort(set)
			return sees(number(set))
		}
		return func(state uint64) (uint64, bool) {
			set := sets[state]
			at, in := slices.BinarySearch(set, o.Value)
			switch {
			case in == (o.Kind == checker.Add):
				return state, true
			case in:
				return number(slices.Delete(slices.Clone(set), at, at+1)), true
			default:
				return number(slices.Insert(slices.Clone(set), at, o.Value)), true
			}
		}
	}
}

// makeCounter: increment changes it by a number, get returns it. It begins at 0, be it there or not, and wraps around. What
// was read and is no number, it never held.
func makeCounter() object {
	return func(o *checker.Op) step {
		text := o.Value
		if o.Kind == checker.Get {
			if text = o.Read; !o.Found {
				text = "0"
			}
		}
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return func(state uint64) (uint64, bool) { return state, false }
		case o.Kind == checker.Get:
			return sees(uint64(n))
		default:
			return func(state uint64) (uint64, bool) { return state + uint64(n), true }
		}
	}
}
