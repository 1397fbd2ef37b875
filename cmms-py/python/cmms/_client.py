"""The clients: what a program opens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from . import _native
from ._ops import AsyncOperations, Operations
from ._transport import AsyncTransport, SyncTransport, error_of


def _open(url: str | None, organization: str | None, settings: Mapping[str, str] | None) -> _native.Client:
    try:
        return _native.Client(url, organization, dict(settings or {}))
    except _native.Problem as problem:
        raise error_of(problem.args[0]) from None


class Client(Operations):
    """An open client whose calls wait. Any number of threads may use it."""

    def __init__(self, native: _native.Client) -> None:
        self._transport = SyncTransport(native)
        super().__init__(self._transport)

    def call(self, operation: str, input: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None) -> Any:
        """Calls an operation by name and answers JSON, also one that this package does not know yet."""
        return self._transport.call(operation, input or {}, idempotency_key)

    def close(self) -> None:
        """Ends calls and runs at their next safe point. Twice is once."""
        try:
            self._transport.native.close()
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncClient(AsyncOperations):
    """An open client for coroutines. Any number of tasks and loops may use it."""

    def __init__(self, native: _native.Client) -> None:
        self._transport = AsyncTransport(native)
        super().__init__(self._transport)

    async def call(
        self, operation: str, input: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> Any:
        """Calls an operation by name and answers JSON, also one that this package does not know yet."""
        return await self._transport.call(operation, input or {}, idempotency_key)

    async def aclose(self) -> None:
        """Ends calls and runs at their next safe point. Twice is once."""
        try:
            await asyncio.to_thread(self._transport.native.close)
        except _native.Problem as problem:
            raise error_of(problem.args[0]) from None

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def open(
    url: str | None = None, *, organization: str | None = None, settings: Mapping[str, str] | None = None
) -> Client:
    """Opens a database: `sqlite://cmms.db` is a file, made at the first use; `postgres://…` a server.

    url: Left away: what `CMMS_DATABASE_URL` says, else `sqlite://cmms.db`.
    organization: Left away: `default`.
    settings: Settings that count before those of the environment, such as `{"CMMS_EGRESS_ALLOW": "…"}`.
    """
    return Client(_open(url, organization, settings))


async def aopen(
    url: str | None = None, *, organization: str | None = None, settings: Mapping[str, str] | None = None
) -> AsyncClient:
    """Opens a database for coroutines; see `open`."""
    return AsyncClient(await asyncio.to_thread(_open, url, organization, settings))
