"""Goes through lists page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from ._values import UNSET, M, Page, Unset

# The size of a page that nobody asked for.
_USUAL = 50


def _size(left: int | None, page_size: int | None) -> int | Unset:
    """How much the next page should have, where so much is still wanted."""
    if left is None or left >= (page_size or _USUAL):
        return UNSET if page_size is None else page_size
    return left


def _given(value: int | None | Unset) -> int | None:
    return None if isinstance(value, Unset) else value


def pages(
    page: Callable[[str | None, int | Unset], Page[M]], limit: int | None | Unset, page_size: int | None | Unset
) -> Iterator[M]:
    """The items of all pages, at most `limit`."""
    cursor, left, size = None, _given(limit), _given(page_size)
    while True:
        got = page(cursor, _size(left, size))
        items = got.items if left is None else got.items[:left]
        yield from items
        left = None if left is None else left - len(items)
        cursor = got.next
        if cursor is None or left == 0:
            return


async def apages(
    page: Callable[[str | None, int | Unset], Awaitable[Page[M]]],
    limit: int | None | Unset,
    page_size: int | None | Unset,
) -> AsyncIterator[M]:
    """The items of all pages, at most `limit`."""
    cursor, left, size = None, _given(limit), _given(page_size)
    while True:
        got = await page(cursor, _size(left, size))
        items = got.items if left is None else got.items[:left]
        for item in items:
            yield item
        left = None if left is None else left - len(items)
        cursor = got.next
        if cursor is None or left == 0:
            return
