"""What Python's values become in JSON, and what is said of those that become nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ._values import UNSET, Model
from .exceptions import InvalidInputError, WrongTypeError

_NO_VALUE = "is no value that can be sent"
_NO_ZONE = "has no time zone"


class _Unfit(ValueError):
    """What is wrong with a value."""


def _plain(value: object) -> object:
    """What JSON has no form for."""
    if isinstance(value, datetime):
        # pandas has a time that is none and equals nothing.
        if value != value:
            raise _Unfit(_NO_VALUE)
        if value.tzinfo is None:
            raise _Unfit(_NO_ZONE)
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise _Unfit(_NO_VALUE)
        return str(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return _of_numpy(value)


def _of_numpy(value: object) -> object:
    """The values of numpy and pandas, known by what they can do: neither is imported here."""
    if type(value).__name__ == "NAType":
        raise _Unfit(_NO_VALUE)
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    listed = getattr(value, "tolist", None)
    if kind is None or listed is None:
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    if kind == "M":
        raise _Unfit(_NO_ZONE)
    if kind == "m":
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    found: object = listed()
    return found


_dump = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":")).encode


def encode(fields: Mapping[str, Any]) -> str:
    """The fields in JSON, without those that are left away.

    A value that cannot be sent is an `InvalidInputError` that names its field.
    """
    given = {name: value for name, value in fields.items() if value is not UNSET}
    try:
        return _dump(given)
    except (TypeError, ValueError, RecursionError) as error:
        for name, value in given.items():
            _check(name, value)
        raise error


def _check(at: str, value: object) -> None:
    """Finds the first value that cannot be sent."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, (str, int, float, type(None))):
                raise _wrong_type(at, f"the name {name!r} is no text")
            _check(f"{at}.{name}", item)
        return
    if isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            _check(f"{at}.{place}", item)
        return
    try:
        _dump(value)
    except _Unfit as unfit:
        raise _refused(at, value, str(unfit)) from None
    except TypeError as error:
        raise _wrong_type(at, str(error)) from None
    except ValueError:
        raise _refused(at, value, _NO_VALUE) from None


def _refused(at: str, value: object, why: str) -> InvalidInputError:
    if why == _NO_ZONE:
        code, reason, remedy = "CMMS-INPUT-007", "malformed_date", (
            "Send an aware time: datetime.now(timezone.utc), or .replace(tzinfo=...) for one whose zone you know."
        )
    else:
        code, reason, remedy = "CMMS-INPUT-003", "invalid_value", (
            "Send a finite number or a time, or None where there is no value."
        )
    return InvalidInputError(_problem(at, f"{value!r} {why}", code, reason, remedy))


def _wrong_type(at: str, detail: str) -> WrongTypeError:
    remedy = "Send the named field with the type that its description says."
    return WrongTypeError(_problem(at, detail, "CMMS-INPUT-005", "wrong_type", remedy))


def _problem(at: str, detail: str, code: str, reason: str, remedy: str) -> dict[str, Any]:
    return {
        "code": code,
        "reason": reason,
        "status": 422,
        "detail": f"{at}: {detail}",
        "field": at,
        "violations": [{"field": at, "reason": reason, "detail": detail}],
        "remedy": remedy,
        "retryable": False,
    }
