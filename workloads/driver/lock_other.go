//go:build !unix

package driver

// lockFolder does nothing where files cannot be locked: two drivers that build at the same moment may then fail, and
// can be started again.
func lockFolder(string) (unlock func(), err error) { return func() {}, nil }
