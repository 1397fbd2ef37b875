"""The native part: opens, and calls operations by name with JSON."""

from collections.abc import Callable
from typing import final

__all__ = [
    "VERSION",
    "Cancel",
    "Client",
    "Problem",
    "Simulator",
    "log_level",
    "log_to",
    "operations",
    "simulated",
]

VERSION: str

class Problem(Exception): ...

@final
class Cancel:
    def fire(self) -> None: ...

@final
class Client:
    def __new__(cls, url: str | None, organization: str | None, settings: dict[str, str]) -> Client: ...
    def call(self, operation: str, input: str, idempotency_key: str | None) -> str: ...
    def start(
        self,
        operation: str,
        input: str,
        idempotency_key: str | None,
        done: Callable[[bool, str], None],
    ) -> Cancel: ...
    def close(self) -> None: ...

@final
class Simulator:
    def __new__(
        cls,
        vendor: str,
        *,
        port: int,
        assets: int,
        work_orders: int,
        seed: int,
        latency_ms: int,
        page_cap: int | None,
        edits_per_minute: int,
    ) -> Simulator: ...
    @property
    def address(self) -> str: ...
    @property
    def account(self) -> dict[str, str]: ...
    def edit(self, how_many: int) -> tuple[int, int]: ...
    def run(self) -> None: ...

def log_level(level: int) -> None: ...
def log_to(handler: Callable[[int, str, str, int, str], None]) -> None: ...
def operations() -> list[str]: ...
def simulated() -> list[str]: ...
