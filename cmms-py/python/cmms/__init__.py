"""The maintenance-integration engine that any program can embed."""

from . import models
from ._client import AsyncClient, Client, Opening, aopen, open
from ._native import VERSION as __version__
from ._sync import SyncFailedError
from ._values import UNSET, Model, Page, Unset
from .exceptions import *  # noqa: F403
from .exceptions import __all__ as _errors
from .models import *  # noqa: F403
from .models import __all__ as _models

__all__ = [
    "UNSET",
    "AsyncClient",
    "Client",
    "Model",
    "Opening",
    "Page",
    "SyncFailedError",
    "Unset",
    "__version__",
    "aopen",
    "models",
    "open",
    *_errors,
    *_models,
]
