package raft

import "fmt"

// logger keeps the library quiet but for what it can't survive: the owner learns all else from Ready.
type logger struct {
	region, peer uint64
}

func (l logger) Debug(...any)            {}
func (l logger) Debugf(string, ...any)   {}
func (l logger) Error(...any)            {}
func (l logger) Errorf(string, ...any)   {}
func (l logger) Info(...any)             {}
func (l logger) Infof(string, ...any)    {}
func (l logger) Warning(...any)          {}
func (l logger) Warningf(string, ...any) {}

func (l logger) Fatal(v ...any)                 { panic(l.prefix() + fmt.Sprint(v...)) }
func (l logger) Fatalf(format string, v ...any) { panic(l.prefix() + fmt.Sprintf(format, v...)) }
func (l logger) Panic(v ...any)                 { panic(l.prefix() + fmt.Sprint(v...)) }
func (l logger) Panicf(format string, v ...any) { panic(l.prefix() + fmt.Sprintf(format, v...)) }

func (l logger) prefix() string { return fmt.Sprintf("raft: region %d peer %d: ", l.region, l.peer) }
