"""What the service classes have in common: one client, opened when it is first needed."""

from __future__ import annotations

import asyncio
import threading

from ._client import AsyncClient, _open

_lock = threading.Lock()
_shared: AsyncClient | None = None


def _open_shared() -> AsyncClient:
    global _shared
    with _lock:
        if _shared is None:
            _shared = AsyncClient(_open(None, None, {}))
        return _shared


class Service:
    """A part of the product, on a client of its own or on one that all services share.

    client: Left away: the database that `CMMS_DATABASE_URL` names, else `sqlite://cmms.db`.
    """

    def __init__(self, client: AsyncClient | None = None) -> None:
        self._client = client

    async def _open(self) -> AsyncClient:
        if self._client is not None:
            return self._client
        return await asyncio.to_thread(_open_shared) if _shared is None else _shared
