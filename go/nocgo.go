//go:build !cgo

package cmms

import (
	"context"
	"errors"
)

const abi = 1

// errNoCgo explains a build without the native library.
var errNoCgo = errors.New("cmms: this program was built without cgo, which the native library needs: set CGO_ENABLED=1 and install a C compiler")

type caller struct{}

func open([]byte) (*caller, error) { return nil, errNoCgo }

func (*caller) close() error { return nil }

func (*caller) call(context.Context, string, any, any) error { return errNoCgo }
