"""The main job on a simulated vendor: connect, sync, sync again, sync what changed."""

from __future__ import annotations

import time
from pathlib import Path

from . import _native
from ._client import Client, open
from .models import SyncRun

_FILE = Path("cmms-demo.db")
_NAME = "Demo UpKeep"
_EDITS = 12


def demo(seed: int) -> int:
    """Shows it; answers the exit status."""
    _replace()
    vendor = _native.Simulator(
        "upkeep", port=0, assets=200, work_orders=2_000, seed=seed, latency_ms=0, page_cap=None, edits_per_minute=0
    )
    print(f"1. A simulated UpKeep runs at {vendor.address}")
    with open(_FILE, settings={"CMMS_EGRESS_ALLOW": vendor.address}) as client:
        print(f"2. A database is made at ./{_FILE}")
        plant = client.connections.create("upkeep", vendor.address, _NAME, credentials=vendor.account)
        print(f"3. Connected: {client.connections.test(plant.id).health.state}")
        print("4. The first sync brings everything in:")
        first = _sync(client, plant.id)
        print("5. The second sync finds nothing new:")
        second = _sync(client, plant.id)
        assets, orders = vendor.edit(_EDITS)
        print(f"6. At the vendor, {assets} assets and {orders} work orders are edited; the third sync brings just these:")
        third = _sync(client, plant.id)
        print("7. What is in the database now:")
        for order in client.work_orders.iterate(limit=5):
            print(f"   {order.number}  {order.status:11}  {order.priority:8}  {order.title}")
    good = first.created == 2_200 and second.created + second.updated == 0
    good = good and (third.created, third.updated) == (0, assets + orders)
    print(f"Result: {'as it should be' if good else 'NOT as it should be'}. To look further:")
    print(f'   python -c "import cmms; print(cmms.open(\'{_FILE}\').work_orders.list(limit=3))"')
    return 0 if good else 1


def _sync(client: Client, connection: object) -> SyncRun:
    began = time.perf_counter()
    run = client.sync.all(str(connection))
    took = time.perf_counter() - began
    print(f"   {run.status}: created {run.created}, updated {run.updated}, unchanged {run.unchanged} in {took:.2f} s")
    return run


def _replace() -> None:
    """Takes the database of an earlier demo away; leaves any other file alone."""
    if not _FILE.exists():
        return
    if _FILE.stat().st_size == 0 or not _is_demo():
        raise FileExistsError(f"./{_FILE} was not made by a demo: move it away, or run the demo in another folder")
    for end in ("", "-wal", "-shm"):
        Path(f"{_FILE}{end}").unlink(missing_ok=True)


def _is_demo() -> bool:
    with open(_FILE) as client:
        connections = list(client.connections.iterate())
    here = "http://127.0.0.1:"
    return bool(connections) and all(c.connection_name == _NAME and c.api_url.startswith(here) for c in connections)
