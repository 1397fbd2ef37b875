"""The lines of the product's first document, in a process of their own: the services share one store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import program

import cmms

LINES = '''
import asyncio, sys
from cmms.data_synchronization import CMMSDataSynchronizationService
from cmms.work_order_processing import WorkOrderProcessingService
from cmms.maintenance_scheduling import MaintenanceSchedulingService
from cmms.asset_tracking import AssetTrackingService

async def main():
    # Initialize services
    data_sync_service = CMMSDataSynchronizationService()
    work_order_service = WorkOrderProcessingService()
    maintenance_service = MaintenanceSchedulingService()
    asset_tracking_service = AssetTrackingService()

    # Add CMMS connection
    connection = await data_sync_service.add_cmms_connection(
        cmms_type="upkeep",
        api_url=sys.argv[1],
        api_key=sys.argv[2],
        connection_name="Upkeep Production"
    )

    # Sync work orders
    result = await data_sync_service.sync_work_orders(
        cmms_connection_id=connection.id,
        force_sync=False
    )

    # Create work order
    work_order = await work_order_service.create_work_order(
        asset_id="asset_001",
        title="Equipment Maintenance",
        description="Monthly preventive maintenance",
        priority="high",
        estimated_hours=4.0,
        assigned_to="technician_001"
    )

    # Register asset
    asset = await asset_tracking_service.register_asset(
        asset_id="asset_001",
        name="Production Machine",
        asset_type="equipment",
        department="Manufacturing"
    )
    print(result.status, result.errors, work_order.title, asset.name)

asyncio.run(main())
'''


def login(address: str) -> str:
    """A session token: what UpKeep takes for an API key."""
    body = json.dumps({"email": "integration@example.com", "password": "upkeep-sim"}).encode()
    request = urllib.request.Request(f"{address}/api/v2/auth/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["result"]["sessionToken"])


def run(folder: Path, address: str, key: str) -> str:
    env = {**os.environ, "CMMS_EGRESS_ALLOW": address, "HOME": str(folder)}
    args = [sys.executable, "-c", LINES, address, key]
    done = subprocess.run(args, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_documents_lines_run(tmp_path: Path, simulator: Callable[..., str]) -> None:
    address = simulator()
    said = run(tmp_path, address, login(address))
    assert said == "ok [] Equipment Maintenance Production Machine\n"
    assert (tmp_path / "cmms.db").exists()


def test_the_documents_lines_run_with_a_key_that_is_none(tmp_path: Path, simulator: Callable[..., str]) -> None:
    said = run(tmp_path, simulator(), "your_api_key")
    assert said.startswith("failed [RunError(code='CMMS-VENDOR-")
    assert said.endswith("Equipment Maintenance Production Machine\n")


def listed(folder: Path, database: str) -> list[dict[str, Any]]:
    """All work orders as the command lists them."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        args = [str(program()), "op", "work_orders.list", json.dumps({"limit": 500, "cursor": cursor})]
        said = subprocess.check_output([*args, "--database-url", database], cwd=folder, text=True)
        page = json.loads(said)
        found += page["items"]
        if (cursor := page["next"]) is None:
            return found


def test_the_demos_store_lists_the_same_as_the_command(tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([str(program()), "demo", "--no-serve"], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    database = f"sqlite://{tmp_path / 'cmms-demo.db'}"
    expected = listed(tmp_path, database)
    with cmms.open(database) as client:
        found = [order.to_dict() for order in client.work_orders.iterate(page_size=500)]
    assert len(found) > 1_000
    assert found == expected
