package cmms

import (
	"encoding/json"
	"fmt"
)

// kind is what an error is about, whatever its code; the variables Err… are its values.
type kind int32

func (k kind) Error() string {
	return "cmms: " + kindNames[k]
}

// Error says what went wrong and what to do. Every error of the library is one.
//
// errors.Is knows the kinds: errors.Is(err, cmms.ErrNotFound).
type Error struct {
	// Code is CMMS-AREA-NNN; docs/errors has a page for each.
	Code string `json:"code"`

	// Reason is a stable slug, such as illegal_transition.
	Reason string `json:"reason"`

	// Status is the HTTP status of its kind.
	Status int `json:"status"`

	// Detail says what happened.
	Detail string `json:"detail"`

	// Field is the first field that cannot be accepted.
	Field string `json:"field"`

	// Violations are all fields that cannot be accepted.
	Violations []Violation `json:"violations"`

	// Remedy says what to do.
	Remedy string `json:"remedy"`

	// Retryable says whether the same call can succeed later.
	Retryable bool `json:"retryable"`

	// RetryAfter is how many seconds to wait before; 0: it is not known.
	RetryAfter int `json:"retry_after"`

	kind kind
}

// ErrClosed is the error of every call of a client that was closed, for errors.Is.
var ErrClosed error = errorOf("CMMS-EMBED-001", "the client was closed")

// errorOf is the error of a code that this package makes itself.
func errorOf(code, detail string) *Error {
	e := codes[code]
	e.Code, e.Detail = code, detail
	return &e
}

// Violation is a field that cannot be accepted.
type Violation struct {
	// Field is its dotted path.
	Field string `json:"field"`

	// Reason is a stable slug of the rule that it breaks.
	Reason string `json:"reason"`

	// Detail says what would be right.
	Detail string `json:"detail"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("cmms: %s [%s] %s", e.Detail, e.Code, e.Remedy)
}

// Is says whether the error is of a kind, or has the code of another one.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case kind:
		return e.kind == target
	case *Error:
		return e.Code == target.Code
	}
	return false
}

// problem reads a problem document.
func problem(status int32, text []byte) error {
	e := &Error{kind: kind(status)}
	if err := json.Unmarshal(text, e); err != nil {
		e.Code, e.Detail = "CMMS-INTERNAL-001", fmt.Sprintf("the problem of status %d cannot be read: %v", status, err)
	}
	return e
}
