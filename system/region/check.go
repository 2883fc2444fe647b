package region

import (
	"bytes"
	"fmt"
)

// Pair is a key with its value, in whatever message it stands.
type Pair interface {
	GetKey() []byte
	GetValue() []byte
}

// CheckKey says what is wrong with a key that one wants to read or write. Any bytes are allowed.
func CheckKey(key []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("the key is empty, want 1 to %d B", MaxKeySize)
	case len(key) > MaxKeySize:
		return fmt.Errorf("the key %s is too long, want at most %d B", FormatKey(key), MaxKeySize)
	}
	return nil
}

// CheckValue says what is wrong with a value. An empty one is a value like any other.
func CheckValue(value []byte) error {
	if len(value) > MaxValueSize {
		return fmt.Errorf("the value has %d B, want at most %d B", len(value), MaxValueSize)
	}
	return nil
}

// CheckBatchGet says what is wrong with the keys of a batch to read.
func CheckBatchGet(keys [][]byte) error {
	if len(keys) == 0 || len(keys) > BatchKeysMax {
		return fmt.Errorf("the batch has %d keys, want 1 to %d", len(keys), BatchKeysMax)
	}
	for _, k := range keys {
		if err := CheckKey(k); err != nil {
			return err
		}
	}
	return nil
}

// CheckBatchPut says what is wrong with the pairs of a batch to write.
func CheckBatchPut[P Pair](pairs []P) error {
	if len(pairs) == 0 || len(pairs) > BatchKeysMax {
		return fmt.Errorf("the batch has %d pairs, want 1 to %d", len(pairs), BatchKeysMax)
	}
	size := 0
	for _, p := range pairs {
		if err := CheckKey(p.GetKey()); err != nil {
			return err
		}
		if err := CheckValue(p.GetValue()); err != nil {
			return err
		}
		size += len(p.GetKey()) + len(p.GetValue())
	}
	if size > BatchBytesMax {
		return fmt.Errorf("the batch has %d B of keys and values, want at most %d B", size, BatchBytesMax)
	}
	return nil
}

// CheckRange says what is wrong with a range of keys, where an empty start is the beginning of the key space and an
// empty end its end.
func CheckRange(start, end []byte) error {
	switch {
	case len(end) > 0 && bytes.Compare(start, end) >= 0:
		return fmt.Errorf("the range [%s, %s) is empty", FormatKey(start), FormatKey(end))
	case len(start) > MaxKeySize || len(end) > MaxKeySize:
		return fmt.Errorf("a border of the range is longer than %d B", MaxKeySize)
	}
	return nil
}
