"""Brings calls to the native part and answers back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from . import _native
from ._problem import CmmsError
from ._values import UNSET, Model
from .exceptions import _BY_CODE

_load = json.JSONDecoder().decode


def _plain(value: object) -> object:
    """What JSON has no form for."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc) or another aware time")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{value!r} cannot be sent: {type(value).__name__} has no form in JSON")


_dump = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":")).encode


def _input(fields: Mapping[str, Any]) -> str:
    return _dump({name: value for name, value in fields.items() if value is not UNSET})


def error_of(text: str) -> CmmsError:
    """The error of a problem document."""
    problem: dict[str, Any] = _load(text)
    return _BY_CODE.get(str(problem.get("code")), CmmsError)(problem)


class SyncTransport:
    """For calls that wait. Ctrl-C ends them within a tenth of a second."""

    def __init__(self, native: _native.Client) -> None:
        self.native = native

    def call(self, operation: str, fields: Mapping[str, Any], key: str | None = None) -> Any:
        """Calls an operation."""
        try:
            return _load(self.native.call(operation, _input(fields), key))
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None


class AsyncTransport:
    """For coroutines. A task that is cancelled ends its call."""

    def __init__(self, native: _native.Client) -> None:
        self.native = native

    async def call(self, operation: str, fields: Mapping[str, Any], key: str | None = None) -> Any:
        """Calls an operation."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[str] = loop.create_future()

        def resolve(ok: bool, text: str) -> None:
            if answered.done():
                return
            if ok:
                answered.set_result(text)
            else:
                answered.set_exception(error_of(text))

        def done(ok: bool, text: str) -> None:
            loop.call_soon_threadsafe(resolve, ok, text)

        try:
            cancel = self.native.start(operation, _input(fields), key, done)
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None
        try:
            return _load(await answered)
        except asyncio.CancelledError:
            cancel.fire()
            raise
