"""What becomes of a sync that failed."""

from __future__ import annotations

from typing import Any

from ._problem import CmmsError
from .models import SyncRun


class SyncFailedError(CmmsError):
    """A sync whose run failed or was cancelled; `run` is that run. Its code, field and remedy are those of what ended it.

    What it has stored stays, and the next sync goes on behind it.
    """

    def __init__(self, run: SyncRun) -> None:
        super().__init__(_problem(run))
        self.run = run

    def __reduce__(self) -> tuple[type[SyncFailedError], tuple[SyncRun]]:  # type: ignore[override]
        return (type(self), (self.run,))


def _problem(run: SyncRun) -> dict[str, Any]:
    """The problem document of a run that failed, from what ended it."""
    first: dict[str, Any] = run.to_dict()["errors"][0] if run.errors else {}
    what = "the sync was cancelled" if run.status == "cancelled" else "the sync failed"
    detail = f"{what}: {first['detail']}" if first else what
    return {**first, "detail": detail, "subject": {"name": "run_id", "id": str(run.id)}}


def checked(run: SyncRun, check: bool) -> SyncRun:
    """The run; raised instead where it failed or was cancelled and the caller wants to know."""
    if check and run.status in ("failed", "cancelled"):
        raise SyncFailedError(run)
    return run
