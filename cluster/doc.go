// Package cluster puts a whole cluster into a world: the placement driver, the stores, and the means to look at them,
// to hurt them and to talk to them. It satisfies nemesis.Target.
//
// Sim is a cluster in a simulated world. It sees everything: what each store believes is read from the actors
// themselves, without messages, so looking at a cluster does not change its run. Real runs the same actors in a real
// world, in one process, on loopback sockets and folders.
package cluster
