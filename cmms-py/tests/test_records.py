"""What a Python program does with records: mappings, tables, other libraries' values and types."""

from __future__ import annotations

import importlib
import pydoc
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import fastapi
import numpy
import pydantic
import pytest
from fastapi.testclient import TestClient

import cmms

# It has no types of its own.
pandas: Any = importlib.import_module("pandas")


@pytest.fixture
def order(client: cmms.Client) -> cmms.WorkOrder:
    due = datetime(2030, 1, 15, 9, tzinfo=timezone.utc)
    return client.work_orders.create("Check pump", priority="high", due_at=due, estimated_cost="12.30", tags=["a"])


def test_a_record_is_a_mapping_of_its_fields(order: cmms.WorkOrder) -> None:
    fields = dict(order)
    assert isinstance(order, Mapping)
    assert list(fields)[:2] == ["id", "version"]
    assert (fields["id"], fields["due_at"], fields["estimated_cost"]) == (order.id, order.due_at, Decimal("12.30"))
    assert (fields["description"], order["title"], len(order)) == (None, "Check pump", len(fields))
    assert {**order} == fields
    with pytest.raises(KeyError):
        order["no such field"]
    newer = cmms.WorkOrder({**order.to_dict(), "colour": "blue"})
    assert (dict(newer)["colour"], "colour" in newer, len(newer)) == ("blue", True, len(order) + 1)


def test_records_are_a_data_frame(client: cmms.Client, order: cmms.WorkOrder) -> None:
    client.work_orders.create("Check valve")
    frame = pandas.DataFrame(client.work_orders.iterate())
    assert list(frame["title"]) == ["Check pump", "Check valve"]
    assert set(frame.columns) == set(order)
    assert frame["due_at"].dt.year[0] == 2030
    assert frame.sort_values("priority").iloc[-1]["number"] == order.number


def test_an_endpoint_returns_a_record(order: cmms.WorkOrder) -> None:
    app = fastapi.FastAPI()

    @app.get("/typed")
    def typed() -> cmms.WorkOrder:
        return order

    @app.get("/list")
    def listed() -> list[cmms.WorkOrder]:
        return [order]

    @app.get("/plain", response_model=None)
    def plain() -> cmms.WorkOrder:
        return order

    with TestClient(app) as web:
        assert web.get("/typed").json() == order.to_dict()
        assert web.get("/list").json() == [order.to_dict()]
        assert web.get("/plain").json()["title"] == "Check pump"
        document = web.get("/openapi.json").json()
        described = document["paths"]["/typed"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert described["properties"]["title"]["type"] == "string"
        assert document["components"]["schemas"]["Priority"]["enum"] == ["low", "medium", "high", "critical"]


def test_a_model_of_pydantic_has_a_record(order: cmms.WorkOrder) -> None:
    class Shift(pydantic.BaseModel):
        order: cmms.WorkOrder
        name: str

    shift = Shift(order=order, name="night")
    assert shift.order is order
    again = Shift.model_validate_json(shift.model_dump_json())
    assert (again, again.order.due_at) == (shift, order.due_at)
    with pytest.raises(pydantic.ValidationError, match="order.title"):
        Shift.model_validate({"order": {"title": 5}, "name": "night"})


def test_words_of_urgency_are_ordered() -> None:
    priorities = [cmms.Priority.MEDIUM, cmms.Priority.CRITICAL, cmms.Priority.LOW, cmms.Priority.HIGH]
    assert [str(word) for word in sorted(priorities)] == ["low", "medium", "high", "critical"]
    assert max(priorities) is cmms.Priority.CRITICAL
    assert cmms.Priority.HIGH >= "medium" > cmms.Priority.LOW
    assert not cmms.Priority.LOW > "low"
    assert cmms.AssetCondition.POOR > cmms.AssetCondition.GOOD
    # One of a newer version comes before all.
    assert cmms.Priority("whenever") < cmms.Priority.LOW
    assert sorted([cmms.Priority.LOW, cmms.Priority("whenever")])[0] == "whenever"


def test_values_of_numpy_and_pandas_are_taken(client: cmms.Client) -> None:
    row = pandas.DataFrame({"hours": [4], "cost": [1.5], "title": ["Check pump"], "due": ["2030-01-15T09:00:00Z"]})
    row["due"] = pandas.to_datetime(row["due"])
    order = client.work_orders.create(
        row["title"][0],
        estimated_hours=row["hours"][0],
        due_at=row["due"][0],
        tags=numpy.array(["a", "b"]),  # type: ignore[arg-type]
        custom_fields={"ok": numpy.bool_(True), "n": numpy.int64(7), "x": numpy.float32(0.5)},
    )
    assert (order.estimated_hours, order.due_at) == (4.0, datetime(2030, 1, 15, 9, tzinfo=timezone.utc))
    assert (order.tags, order.custom_fields) == (["a", "b"], {"ok": True, "n": 7, "x": 0.5})
    assert len(client.work_orders.list(limit=numpy.int64(1))) == 1


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"due_at": datetime(2030, 1, 1)}, "due_at", "CMMS-INPUT-007"),
        ({"due_at": numpy.datetime64("2030-01-01")}, "due_at", "CMMS-INPUT-007"),
        ({"due_at": pandas.Timestamp("2030-01-01")}, "due_at", "CMMS-INPUT-007"),
        ({"due_at": pandas.NaT}, "due_at", "CMMS-INPUT-003"),
        ({"estimated_hours": float("nan")}, "estimated_hours", "CMMS-INPUT-003"),
        ({"estimated_hours": numpy.float64("inf")}, "estimated_hours", "CMMS-INPUT-003"),
        ({"estimated_cost": Decimal("NaN")}, "estimated_cost", "CMMS-INPUT-003"),
        ({"location": pandas.NA}, "location", "CMMS-INPUT-003"),
        ({"custom_fields": {"a": [{"b": float("nan")}]}}, "custom_fields.a.0.b", "CMMS-INPUT-003"),
        ({"custom_fields": {"x": object()}}, "custom_fields.x", "CMMS-INPUT-005"),
        ({"custom_fields": {(1, 2): "x"}}, "custom_fields", "CMMS-INPUT-005"),
        ({"tags": [datetime(2030, 1, 1)]}, "tags.0", "CMMS-INPUT-007"),
    ],
)
def test_a_value_that_cannot_be_sent_names_its_field(
    client: cmms.Client, fields: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(cmms.InvalidInputError) as refused:
        client.work_orders.create("Check pump", **fields)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.violations[0]["field"] == field
    assert refused.value.remedy and str(refused.value).startswith(f"{field}: ")
    assert isinstance(refused.value, TypeError) == (code == "CMMS-INPUT-005")


def test_help_of_a_client_shows_its_groups() -> None:
    for client in (cmms.Client, cmms.AsyncClient):
        text = pydoc.plain(pydoc.render_doc(client))
        for group in ("connections", "mappings", "sync", "runs", "quarantine", "work_orders", "assets"):
            assert f"\n |  {group}\n" in text
        assert "`create`, `get`, `list`" in text
