"""The native part: opens, and calls operations by name with JSON."""

from collections.abc import Callable
from typing import final

__all__ = ["VERSION", "Cancel", "Client", "Problem", "operations"]

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

def operations() -> list[str]: ...
