"""The clients: what a program opens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Generator, Mapping
from types import TracebackType
from typing import Any, Union

from . import _native
from ._logging import follow
from ._ops import AsyncOperations, Operations
from ._transport import AsyncTransport, SyncTransport, error_of


Location = Union[str, "os.PathLike[str]"]
Setting = Union[str, int, "os.PathLike[str]"]


def _located(url: Location | None) -> str | None:
    """The database's URL. A path is that file, whatever its name."""
    if url is None or isinstance(url, str):
        return url
    path = os.fspath(url)
    for letter in "%?#":
        path = path.replace(letter, f"%{ord(letter):02X}")
    return f"sqlite://{path}"


def _texts(settings: Mapping[str, Setting] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (settings or {}).items()}


def _open(url: str | None, organization: str | None, settings: dict[str, str]) -> _native.Client:
    follow()
    try:
        return _native.Client(url, organization, settings)
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
    url: Location | None = None,
    *,
    organization: str | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> Client:
    """Opens a database: `sqlite://cmms.db`, `cmms.db` or a `Path` is a file, made at the first use; `postgres://…` a server;
    `:memory:` lives as long as the client.

    url: Left away: what `CMMS_DATABASE_URL` says, else `sqlite://cmms.db`.
    organization: Left away: `default`.
    settings: Settings that count before those of the environment, such as `{"CMMS_EGRESS_ALLOW": "…"}`.
    """
    return Client(_open(_located(url), organization, _texts(settings)))


async def _aopen(url: str | None, organization: str | None, settings: dict[str, str]) -> AsyncClient:
    return AsyncClient(await asyncio.to_thread(_open, url, organization, settings))


class Opening(Coroutine[Any, Any, AsyncClient]):
    """What `aopen` answers: `await` it for a client that stays open, or let `async with` close it at its end."""

    __slots__ = ("_client", "_opened")

    def __init__(self, opened: Coroutine[Any, Any, AsyncClient]) -> None:
        self._opened = opened

    def __await__(self) -> Generator[Any, Any, AsyncClient]:
        return self._opened.__await__()

    def send(self, value: Any) -> Any:
        return self._opened.send(value)

    def throw(self, *error: Any) -> Any:
        return self._opened.throw(*error)

    def close(self) -> None:
        self._opened.close()

    async def __aenter__(self) -> AsyncClient:
        self._client = await self._opened
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()


def aopen(
    url: Location | None = None,
    *,
    organization: str | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> Opening:
    """Opens a database for coroutines: `async with cmms.aopen(…) as client`, or `client = await cmms.aopen(…)`; see `open`."""
    return Opening(_aopen(_located(url), organization, _texts(settings)))
