//go:build cgo

package cmms

// #cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libcmms.a -lpthread -ldl -lm
// #cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libcmms.a -lpthread -ldl -lm
// #cgo darwin,amd64 LDFLAGS: ${SRCDIR}/lib/darwin_amd64/libcmms.a -framework CoreFoundation -framework Security
// #cgo darwin,arm64 LDFLAGS: ${SRCDIR}/lib/darwin_arm64/libcmms.a -framework CoreFoundation -framework Security
// #include "cmms.h"
//
// #if defined(__linux__) && defined(__x86_64__)
// #define CMMS_ARCHIVE "lib/linux_amd64/libcmms.a"
// #elif defined(__linux__) && defined(__aarch64__)
// #define CMMS_ARCHIVE "lib/linux_arm64/libcmms.a"
// #elif defined(__APPLE__) && defined(__x86_64__)
// #define CMMS_ARCHIVE "lib/darwin_amd64/libcmms.a"
// #elif defined(__APPLE__) && defined(__aarch64__)
// #define CMMS_ARCHIVE "lib/darwin_arm64/libcmms.a"
// #else
// #error "cmms has no library for this platform: it runs on Linux and macOS, on amd64 and arm64"
// #endif
// #if defined(CMMS_ARCHIVE) && defined(__has_include)
// #if !__has_include(CMMS_ARCHIVE)
// #error "the native library of cmms is not built: run `cargo xtask go` in the repository of cmms"
// #endif
// #endif
//
// /* Options hold pointers, and Go's own may not stand in memory that Go hands over. */
// static int32_t call_once(cmms_client client, const uint8_t *op, size_t op_len, const uint8_t *in, size_t in_len,
//                          cmms_cancel cancel, const uint8_t *key, size_t key_len, cmms_buf *out) {
//   cmms_call_opts opts = {sizeof(cmms_call_opts), cancel, key, key_len};
//   return cmms_call(client, op, op_len, in, in_len, &opts, out);
// }
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"
)

const abi = C.CMMS_ABI_VERSION

// caller is the library's side of a client.
type caller struct {
	handle C.cmms_client
	closed atomic.Bool
}

func open(config []byte) (*caller, error) {
	c := &caller{}
	var buf C.cmms_buf
	status := C.cmms_open(first(config), C.size_t(len(config)), &c.handle, &buf)
	if status != 0 {
		return nil, taken(status, &buf, nil)
	}
	C.cmms_buf_free(&buf)
	// Only a net: a program closes its clients.
	runtime.AddCleanup(c, func(handle C.cmms_client) { C.cmms_close(handle, nil) }, c.handle)
	return c, nil
}

func (c *caller) close() error {
	if c.closed.Swap(true) {
		return nil
	}
	var buf C.cmms_buf
	status := C.cmms_close(c.handle, &buf)
	runtime.KeepAlive(c)
	return taken(status, &buf, nil)
}

func (c *caller) call(ctx context.Context, operation string, in, out any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.closed.Load() {
		return ErrClosed
	}
	text, err := encode(operation, in)
	if err != nil {
		return err
	}
	key, _ := ctx.Value(keyOfCalls{}).(string)
	var cancel C.cmms_cancel
	if ctx.Done() != nil {
		C.cmms_cancel_new(&cancel, nil)
		defer C.cmms_cancel_free(cancel, nil)
		stop := context.AfterFunc(ctx, func() { C.cmms_cancel_fire(cancel, nil) })
		defer stop()
	}
	op := []byte(operation)
	keyText := []byte(key)
	var buf C.cmms_buf
	status := C.call_once(c.handle, first(op), C.size_t(len(op)), first(text), C.size_t(len(text)),
		cancel, first(keyText), C.size_t(len(keyText)), &buf)
	runtime.KeepAlive(c)
	err = taken(status, &buf, out)
	// It was closed on the way, so the library knows no such client any more.
	if c.closed.Load() && errors.Is(err, &Error{Code: "CMMS-EMBED-003"}) {
		err = ErrClosed
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// taken reads what a function gave and gives the text back.
func taken(status C.int32_t, buf *C.cmms_buf, out any) error {
	defer C.cmms_buf_free(buf)
	text := unsafe.Slice((*byte)(buf.data), int(buf.len))
	if status != 0 {
		return problem(int32(status), text)
	}
	if out == nil {
		return nil
	}
	answer := json.NewDecoder(bytes.NewReader(text))
	// A float would lose digits of whole numbers beyond 2^53 in free fields.
	answer.UseNumber()
	if err := answer.Decode(out); err != nil {
		return fmt.Errorf("cmms: the answer cannot be read: %w", err)
	}
	return nil
}

// first points to the first byte, where there is one.
func first(text []byte) *C.uint8_t {
	if len(text) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(text)))
}
