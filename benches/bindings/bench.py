"""Single operations from Python: cmms, sqlite3 with pydantic, SQLAlchemy. bench.py STYLE DATABASE IDS"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

STYLE, DATABASE, IDS = sys.argv[1:4]
KEYS = Path(IDS).read_text("utf-8").split()
TEXTS = ["created_by", "number", "title", "priority", "status", "work_order_type", "source"]
OPTIONAL = ["description", "asset_id", "asset_pending", "status_reason", "location", "assigned_to", "assigned_team"]
OPTIONAL += ["requested_by", "safety_notes"]
TIMES = ["created_at", "updated_at"]
OPTIONAL_TIMES = ["scheduled_start", "scheduled_end", "due_at", "actual_start", "actual_end", "completed_at"]
REALS, MONEY = ["estimated_hours", "actual_hours"], ["estimated_cost", "actual_cost"]
COLUMNS = ["id", "version", *TEXTS, *OPTIONAL, *TIMES, *OPTIONAL_TIMES, *REALS, *MONEY, "tags", "custom_fields"]
NEEDED = ["org_id", "id", "version", *TEXTS, *TIMES, "tags", "custom_fields"]


def per_call(call: Callable[[int], object], count: int) -> float:
    """Microseconds: the middle of five blocks."""
    blocks = []
    for block in range(5):
        start = time.perf_counter()
        for n in range(count):
            call(block * count + n)
        blocks.append((time.perf_counter() - start) / count * 1e6)
    return sorted(blocks)[2]


def result(get: Callable[[int], object], create: Callable[[int], object], page: Callable[[int], object]) -> None:
    figures = {"get": per_call(get, 2_000), "list": per_call(page, 100), "create": per_call(create, 200)}
    print("RESULT", json.dumps(figures))


def at(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, timezone.utc)


def new_row(n: int, org: bytes) -> dict[str, Any]:
    now = time.time_ns() // 1000
    fixed = {"created_by": "user:bench", "priority": "high", "status": "scheduled", "work_order_type": "corrective"}
    return {
        **fixed, "source": "manual", "number": f"XX-{STYLE}-{n}", "title": "Check pump", "org_id": org, "version": 1,
        "id": uuid.uuid4().bytes, "created_at": now, "updated_at": now, "tags": "[]", "custom_fields": "{}",
    }


def cmms_itself() -> None:
    import cmms

    with cmms.open(f"sqlite://{DATABASE}") as client:
        result(
            lambda n: client.work_orders.get(KEYS[n % len(KEYS)]),
            lambda n: client.work_orders.create("Check pump", priority="high"),
            lambda n: client.work_orders.list(status=["scheduled"], limit=50),
        )


def pydantic() -> None:
    import sqlite3

    from pydantic import BaseModel

    class WorkOrder(BaseModel):
        id: uuid.UUID
        version: int
        created_by: str
        number: str
        title: str
        priority: str
        status: str
        work_order_type: str
        source: str
        description: str | None
        asset_id: str | None
        asset_pending: str | None
        status_reason: str | None
        location: str | None
        assigned_to: str | None
        assigned_team: str | None
        requested_by: str | None
        safety_notes: str | None
        created_at: datetime
        updated_at: datetime
        scheduled_start: datetime | None
        scheduled_end: datetime | None
        due_at: datetime | None
        actual_start: datetime | None
        actual_end: datetime | None
        completed_at: datetime | None
        estimated_hours: float | None
        actual_hours: float | None
        estimated_cost: Decimal | None
        actual_cost: Decimal | None
        tags: list[str]
        custom_fields: dict[str, Any]

    connection = sqlite3.connect(DATABASE, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    connection.row_factory = sqlite3.Row
    org = connection.execute("SELECT id FROM organizations").fetchone()[0]
    columns = ", ".join(COLUMNS)

    def model(row: sqlite3.Row) -> WorkOrder:
        fields = dict(row)
        fields["id"] = uuid.UUID(bytes=fields["id"])
        for name in (*TIMES, *OPTIONAL_TIMES):
            fields[name] = at(fields[name])
        fields["tags"], fields["custom_fields"] = json.loads(fields["tags"]), json.loads(fields["custom_fields"])
        return WorkOrder.model_validate(fields)

    one = f"SELECT {columns} FROM work_orders WHERE org_id = ? AND id = ?"
    many = f"SELECT {columns} FROM work_orders WHERE org_id = ? AND status = ? ORDER BY id LIMIT 50"
    insert = f"INSERT INTO work_orders ({', '.join(NEEDED)}) VALUES ({', '.join(':' + name for name in NEEDED)})"
    keys = [uuid.UUID(key).bytes for key in KEYS]
    result(
        lambda n: model(connection.execute(one, (org, keys[n % len(keys)])).fetchone()),
        lambda n: connection.execute(insert, new_row(n, org)),
        lambda n: [model(row) for row in connection.execute(many, (org, "scheduled"))],
    )


def sqlalchemy() -> None:
    import sqlalchemy as sa
    from sqlalchemy.orm import DeclarativeBase, Session

    class Micros(sa.TypeDecorator[datetime]):
        impl = sa.BigInteger
        cache_ok = True

        def process_bind_param(self, value: Any, dialect: Any) -> Any:
            return value

        def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
            return at(value)

    class Base(DeclarativeBase):
        pass

    fields: dict[str, Any] = {"__tablename__": "work_orders"}
    fields["org_id"] = sa.Column(sa.LargeBinary, primary_key=True)
    fields["id"] = sa.Column(sa.LargeBinary, primary_key=True)
    fields["version"] = sa.Column(sa.BigInteger)
    fields |= {name: sa.Column(sa.Text) for name in (*TEXTS, *OPTIONAL)}
    fields |= {name: sa.Column(Micros) for name in (*TIMES, *OPTIONAL_TIMES)}
    fields |= {name: sa.Column(sa.Float) for name in REALS} | {name: sa.Column(sa.BigInteger) for name in MONEY}
    fields |= {name: sa.Column(sa.JSON) for name in ("tags", "custom_fields")}
    order = type("WorkOrder", (Base,), fields)
    engine = sa.create_engine(f"sqlite:///{DATABASE}")

    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=FULL")

    with engine.connect() as connection:
        org = connection.execute(sa.text("SELECT id FROM organizations")).scalar()
    keys = [uuid.UUID(key).bytes for key in KEYS]

    def get(n: int) -> None:
        with Session(engine) as session:
            session.get(order, (org, keys[n % len(keys)]))

    def create(n: int) -> None:
        with Session(engine) as session:
            session.add(order(**{**new_row(n, org), "tags": [], "custom_fields": {}}))  # type: ignore[arg-type]
            session.commit()

    def page(_n: int) -> None:
        query = sa.select(order).where(order.org_id == org, order.status == "scheduled").order_by(order.id).limit(50)
        with Session(engine) as session:
            session.scalars(query).all()

    result(get, create, page)


{"cmms": cmms_itself, "pydantic": pydantic, "sqlalchemy": sqlalchemy}[STYLE]()
