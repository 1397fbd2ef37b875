package cmms

import (
	"context"
	"errors"
	"fmt"
)

// SyncFailedError is a sync whose run failed or was cancelled. What it has stored stays, and the next sync goes on behind it.
//
// errors.Is knows the kind of what ended the run, and errors.As finds an [*Error] with its code, field and remedy.
type SyncFailedError struct {
	// Run is the run.
	Run *SyncRun

	cause *Error
}

func (e *SyncFailedError) Error() string {
	what := "failed"
	if e.Run.Status == SyncStatusCancelled {
		what = "was cancelled"
	}
	if e.cause.Code == "" {
		return "cmms: the sync " + what
	}
	return fmt.Sprintf("cmms: the sync %s: %s [%s] %s", what, e.cause.Detail, e.cause.Code, e.cause.Remedy)
}

// Unwrap is what ended the run.
func (e *SyncFailedError) Unwrap() error {
	return e.cause
}

// startSync calls an operation that answers a run. A run that failed is answered with its error.
func startSync(ctx context.Context, c *caller, operation string, in any) (*SyncRun, error) {
	run, err := call[SyncRun](ctx, c, operation, in)
	if err != nil || run.Status != SyncStatusFailed && run.Status != SyncStatusCancelled {
		return run, err
	}
	failed := &SyncFailedError{Run: run, cause: &Error{}}
	if len(run.Errors) > 0 {
		first := run.Errors[0]
		failed.cause = errorOf(first.Code, first.Detail)
		failed.cause.Remedy = first.Remedy
		if first.Field != nil {
			failed.cause.Field = *first.Field
		}
	}
	if ctx.Err() != nil {
		return run, errors.Join(ctx.Err(), failed)
	}
	return run, failed
}
