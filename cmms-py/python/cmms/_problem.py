"""The base of all errors."""

from __future__ import annotations

from typing import Any


class CmmsError(Exception):
    """What went wrong: `code`, the `field` of the input, and the `remedy`."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", ""))
        self.problem = problem

    @property
    def code(self) -> str:
        """`CMMS-AREA-NNN`; `docs/errors` has a page for each."""
        return str(self.problem.get("code", ""))

    @property
    def reason(self) -> str:
        """A stable slug, such as `illegal_transition`."""
        return str(self.problem.get("reason", ""))

    @property
    def detail(self) -> str:
        """What happened."""
        return str(self.problem.get("detail", ""))

    @property
    def field(self) -> str | None:
        """The first field that cannot be accepted."""
        return self.problem.get("field")

    @property
    def violations(self) -> list[dict[str, str]]:
        """All fields that cannot be accepted, each with `field`, `reason` and `detail`."""
        return list(self.problem.get("violations", ()))

    @property
    def remedy(self) -> str:
        """What to do."""
        return str(self.problem.get("remedy", ""))

    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed later."""
        return bool(self.problem.get("retryable", False))

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait before the next try."""
        return self.problem.get("retry_after")

    @property
    def request_id(self) -> str | None:
        """The id of the request in the log."""
        return self.problem.get("request_id")

    def __str__(self) -> str:
        return f"{self.detail} [{self.code}] {self.remedy}"

    def __reduce__(self) -> tuple[type[CmmsError], tuple[dict[str, Any]]]:
        return (type(self), (self.problem,))
