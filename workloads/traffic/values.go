package traffic

import (
	"fmt"
	"strings"
)

// newValue returns a value that nobody has written before: the client and the place of the operation in what it has
// recorded, such as c3-17, padded to a size drawn from the knobs.
func (c *Ctx) newValue(sizeMin, sizeMax int) string {
	tag := fmt.Sprintf("c%d-%d", c.ID, c.Rec.Len())
	size := sizeMin
	if sizeMax > sizeMin {
		size += c.Rand.IntN(sizeMax - sizeMin + 1)
	}
	return pad(tag, size)
}

// value is newValue for workloads that have no sizes of their own.
func (c *Ctx) value() string { return c.newValue(c.Knobs.ValueMin, c.Knobs.ValueMax) }

// pad fills tag up to size bytes with a + and repetitions of itself.
func pad(tag string, size int) string {
	fill := size - len(tag) - 1
	if fill <= 0 {
		return tag
	}
	return tag + "+" + strings.Repeat(tag, fill/len(tag)+1)[:fill]
}

// short is how a value stands in the history: the padding of one that is whole is replaced by its length. A value that is
// not as it was written is left as it is, and so is none that anybody wrote.
func short(value string) string {
	tag, filling, padded := strings.Cut(value, "+")
	if !padded || tag == "" || pad(tag, len(value)) != value {
		return value
	}
	return fmt.Sprintf("%s+%d", tag, len(filling))
}
