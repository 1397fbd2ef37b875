"""What the library logs reaches `logging`, under `cmms`.

The level of the logger `cmms` decides what is made: what it does not let through costs nothing. `cmms.core`, `cmms.store`
and `cmms.adapters` below it can let less through.
"""

from __future__ import annotations

import logging

from . import _native

_logger = logging.getLogger("cmms")
_lowest = logging.WARNING


def _handle(level: int, target: str, file: str, line: int, text: str) -> None:
    """Takes a record; any thread of the library may call."""
    # `cmms_core::services::worker` is `cmms.core.services.worker`.
    logger = logging.getLogger(target.replace("::", ".").replace("cmms_", "cmms.", 1))
    if logger.isEnabledFor(level):
        logger.handle(logger.makeRecord(logger.name, level, file, line, text, (), None))


def follow() -> None:
    """Tells the library which levels `logging` lets through now; it is called before each call."""
    global _lowest
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        if _logger.isEnabledFor(level):
            break
    else:
        level = logging.CRITICAL
    if level != _lowest:
        _lowest = level
        _native.log_level(level)


_native.log_to(_handle)
