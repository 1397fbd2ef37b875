"""Brings calls to the native part and answers back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from . import _native
from ._encode import encode
from ._logging import follow
from ._problem import CmmsError
from .exceptions import _BY_CODE

_load = json.JSONDecoder().decode


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
        follow()
        try:
            return _load(self.native.call(operation, encode(fields), key))
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None


class AsyncTransport:
    """For coroutines. A task that is cancelled ends its call."""

    def __init__(self, native: _native.Client) -> None:
        self.native = native

    async def call(self, operation: str, fields: Mapping[str, Any], key: str | None = None) -> Any:
        """Calls an operation."""
        follow()
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
            cancel = self.native.start(operation, encode(fields), key, done)
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None
        try:
            return _load(await answered)
        except asyncio.CancelledError:
            cancel.fire()
            raise
