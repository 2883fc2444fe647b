package driver

import (
	"fmt"
	"strings"
	"sync"
)

// A crash says what happened first and where after that, so both ends of what a worker printed are kept.
const (
	captureHeadMax = 256 << 10
	captureTailMax = 64 << 10
)

// capture keeps the beginning and the end of what is written to it.
type capture struct {
	mu      sync.Mutex
	head    []byte
	tail    []byte
	skipped int
}

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), captureHeadMax-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	// Twice the size before cutting, so that not every write moves the whole tail.
	if len(c.tail) > 2*captureTailMax {
		c.cut()
	}
	return len(p), nil
}

func (c *capture) cut() {
	if over := len(c.tail) - captureTailMax; over > 0 {
		c.skipped += over
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

func (c *capture) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.tail, c.skipped = nil, nil, 0
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut()
	if c.skipped == 0 {
		return string(c.head) + string(c.tail)
	}
	return fmt.Sprintf("%s\n... %d bytes left out ...\n%s", c.head, c.skipped, c.tail)
}

// lastWords is the line in which a Go program says why it dies, or "" if there is none.
func lastWords(stderr string) string {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, begin := range []string{"panic: ", "fatal error: ", "runtime: out of memory", "SIGQUIT"} {
			if strings.HasPrefix(line, begin) {
				return line
			}
		}
	}
	return ""
}
