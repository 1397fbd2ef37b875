"""What records are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class Unset(Enum):
    """Tells a field that is left away from one that is cleared by `None`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET


class OpenEnum(str, Enum):
    """A word. One that this version does not know is a member of its own, equal to its text."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = value.upper()
        word._value_ = value
        return word

    def __str__(self) -> str:
        return str(self.value)


class UrgencyEnum(OpenEnum):
    """Words that are ordered by urgency: the more urgent one is the greater one.

    A word that this version does not know comes before all that it knows.
    """

    @property
    def _rank(self) -> tuple[int, str]:
        known = list(type(self).__members__)
        return (known.index(self.name) if self.name in known else -1, self.value)

    def _compared(self, other: object) -> tuple[int, str] | None:
        return type(self)(other)._rank if isinstance(other, str) else None

    def __lt__(self, other: str) -> bool:
        rank = self._compared(other)
        return NotImplemented if rank is None else self._rank < rank

    def __le__(self, other: str) -> bool:
        rank = self._compared(other)
        return NotImplemented if rank is None else self._rank <= rank

    def __gt__(self, other: str) -> bool:
        rank = self._compared(other)
        return NotImplemented if rank is None else self._rank > rank

    def __ge__(self, other: str) -> bool:
        rank = self._compared(other)
        return NotImplemented if rank is None else self._rank >= rank


class Model(Mapping[str, Any]):
    """A record as it was answered. Its fields are read when they are asked for; it never changes.

    It is a mapping of its fields as well: `order["title"]`, `dict(order)`, `pandas.DataFrame(orders)`. pydantic and FastAPI
    take it as a type: `def read(order_id: str) -> cmms.WorkOrder`.
    """

    __slots__ = ("_data",)
    _fields: tuple[str, ...] = ()
    _data: dict[str, Any]

    def __init__(self, data: Mapping[str, Any]) -> None:
        _put(self, data)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it, with fields that this version does not know."""
        return dict(self._data)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name) if name in self._fields else self._data[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._fields
        # Those that this version does not know.
        yield from (name for name in self._data if name not in self._fields)

    def __len__(self) -> int:
        return len({*self._fields, *self._data})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> Any:
        from ._pydantic import schema

        return schema(cls, handler)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: call an operation to change {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and type(self) is type(other) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Model], tuple[dict[str, Any]]]:
        return (type(self), (self._data,))

    def __repr__(self) -> str:
        fields = (name for name in self._fields if self._data.get(name) not in (None, [], {}))
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"


# What `__setattr__` refuses to others.
_put: Callable[[Model, Mapping[str, Any]], None] = Model.__dict__["_data"].__set__


class Page(Generic[M]):
    """A page of a list: its items, and the cursor of the next one."""

    __slots__ = ("items", "next")

    items: list[M]
    next: str | None

    def __init__(self, of: Callable[[dict[str, Any]], M], data: Mapping[str, Any]) -> None:
        self.items = [of(item) for item in data["items"]]
        self.next = data.get("next")

    def __iter__(self) -> Iterator[M]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> M:
        return self.items[place]

    def __repr__(self) -> str:
        return f"Page(items={self.items!r}, next={self.next!r})"


def as_time(text: str) -> datetime:
    """A time with its offset. Python before 3.11 does not read the letter for UTC."""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def as_date(text: str) -> date:
    """A day."""
    return date.fromisoformat(text)
