package raft

import (
	"reflect"
	"unsafe"

	etcd "go.etcd.io/raft/v3"
)

// The library draws its election jitter from crypto/rand and has no hook for it. A simulated world needs the jitter to
// come from its seed, so the group overwrites the one field that holds the draw, found by name when the program
// starts: a release that renames it is noticed at once and not by traces that differ.
var (
	raftOffset   = fieldOffset(reflect.TypeFor[etcd.RawNode](), "raft")
	jitterOffset = fieldOffset(raftType(), "randomizedElectionTimeout")
)

func raftType() reflect.Type {
	f, _ := reflect.TypeFor[etcd.RawNode]().FieldByName("raft")
	return f.Type.Elem()
}

func fieldOffset(t reflect.Type, name string) uintptr {
	f, ok := t.FieldByName(name)
	if !ok {
		panic("raft: go.etcd.io/raft/v3 has no field " + t.String() + "." + name + " any more: election jitter can't be seeded")
	}
	if name == "randomizedElectionTimeout" && f.Type.Kind() != reflect.Int {
		panic("raft: go.etcd.io/raft/v3 changed the type of " + name + " to " + f.Type.String())
	}
	return f.Offset
}

// setElectionTimeout overrides the election timeout, in ticks, that rn drew last.
func setElectionTimeout(rn *etcd.RawNode, ticks int) {
	r := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(rn), raftOffset))
	*(*int)(unsafe.Add(r, jitterOffset)) = ticks
}
