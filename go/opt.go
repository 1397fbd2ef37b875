package cmms

import "encoding/json"

// Opt is a field that may be left away: its zero value leaves it away, [Some] has a value, [Null] clears it.
type Opt[T any] struct {
	value T
	state state
}

type state uint8

const (
	away state = iota
	null
	some
)

// Some is a value.
func Some[T any](value T) Opt[T] {
	return Opt[T]{value, some}
}

// Null clears a field.
func Null[T any]() Opt[T] {
	return Opt[T]{state: null}
}

// Get gives the value, and whether there is one.
func (o Opt[T]) Get() (T, bool) {
	return o.value, o.state == some
}

// IsZero says whether the field is left away.
func (o Opt[T]) IsZero() bool {
	return o.state == away
}

// MarshalJSON writes the value, or null.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != some {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads a value, or null.
func (o *Opt[T]) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*o = Null[T]()
		return nil
	}
	o.state = some
	return json.Unmarshal(text, &o.value)
}

// Money is an exact amount in the organization's currency, such as "180.00".
type Money string
