package driver

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// statusWidth keeps a status on one line of any terminal, where it can be overwritten.
	statusWidth = 78
	// statusEvery is how often a status is printed where lines stay.
	statusEvery = 10 * time.Second
)

// Console prints what is going on: on a terminal a status line that is overwritten, elsewhere a line now and then.
type Console struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	shown    int
	last     time.Time
}

// NewConsole returns a console that prints to f.
func NewConsole(f *os.File) *Console {
	return &Console{w: f, terminal: Terminal(f), last: time.Now()}
}

// Terminal says whether f is a terminal that knows colours and can go back to the start of a line; without that, a status that
// overwrites itself makes no sense.
func Terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// Line prints a line that stays.
func (c *Console) Line(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	fmt.Fprintf(c.w, format+"\n", args...)
}

// Status shows where things are now.
func (c *Console) Status(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal {
		if now := time.Now(); now.Sub(c.last) >= statusEvery {
			c.last = now
			fmt.Fprintln(c.w, text)
		}
		return
	}
	if r := []rune(text); len(r) > statusWidth {
		text = string(r[:statusWidth])
	}
	c.clear()
	fmt.Fprint(c.w, text)
	c.shown = len([]rune(text))
}

// Done takes the status away.
func (c *Console) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

func (c *Console) clear() {
	if c.shown > 0 {
		fmt.Fprintf(c.w, "\r%s\r", strings.Repeat(" ", c.shown))
		c.shown = 0
	}
}
