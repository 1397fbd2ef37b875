"""How pydantic, and FastAPI with it, reads and writes records. It is imported by pydantic's own asking only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, get_args, get_type_hints

from ._encode import encode
from ._values import Model


def schema(model: type[Model], handler: Any) -> Any:
    """A record is written as JSON has it; what is read is a record, or a mapping with the fields of one."""
    core: Any = import_module("pydantic_core.core_schema")
    fields = {}
    for name in model._fields:
        hint = get_type_hints(getattr(model, name).fget)["return"]
        optional = hint is Any or type(None) in get_args(hint)
        fields[name] = core.typed_dict_field(handler.generate_schema(hint), required=not optional)

    def read(value: Mapping[str, Any], fitting: Callable[[object], object]) -> Model:
        if isinstance(value, model):
            return value
        fitting(value)
        record: dict[str, Any] = json.loads(encode(value))
        return model(record)

    def write(record: Model) -> dict[str, Any]:
        return record.to_dict()

    return core.no_info_wrap_validator_function(
        read,
        core.typed_dict_schema(fields, cls_name=model.__name__, extra_behavior="allow"),
        serialization=core.plain_serializer_function_ser_schema(write),
    )
