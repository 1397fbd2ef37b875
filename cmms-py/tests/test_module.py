"""`python -m cmms`, and what is logged."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cmms

LOGIN = {"email": "integration@example.com", "password": "upkeep-sim"}


def module(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    python = os.environ.get("CMMS_TEST_PYTHON", sys.executable)
    env = {**os.environ, "HOME": str(folder)}
    return subprocess.run([python, "-m", "cmms", *args], cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_demo_runs_from_the_package_again_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = module(tmp_path, "demo")
        assert done.returncode == 0, done.stderr
        assert "ok: created 2200, updated 0, unchanged 0" in done.stdout
        assert "Result: as it should be" in done.stdout
    assert (tmp_path / "cmms-demo.db").exists()


def test_the_demo_leaves_other_files_alone(tmp_path: Path) -> None:
    file = tmp_path / "cmms-demo.db"
    with cmms.open(file) as client:
        client.work_orders.create("Mine")
    done = module(tmp_path, "demo")
    assert done.returncode == 1
    assert "was not made by a demo" in done.stderr
    with cmms.open(file) as client:
        assert len(client.work_orders.list()) == 1


def test_a_vendor_is_simulated_from_the_package(tmp_path: Path) -> None:
    python = os.environ.get("CMMS_TEST_PYTHON", sys.executable)
    args = [python, "-m", "cmms", "simulate", "upkeep", "--port", "0", "--assets", "3", "--work-orders", "5"]
    # Who starts the tests in the background has Ctrl-C ignored, by the programs that they start, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as vendor:
        signal.signal(signal.SIGINT, before)
        try:
            assert vendor.stdout is not None
            said = "".join(vendor.stdout.readline() for _ in range(6))
            found = re.search(r"address\s+(\S+)", said)
            assert found is not None, said
            with cmms.open(":memory:", settings={"CMMS_EGRESS_ALLOW": found[1]}) as client:
                plant = client.connections.create("upkeep", found[1], "Plant", credentials=LOGIN)
                assert client.sync.all(plant.id).created == 8
        finally:
            vendor.send_signal(signal.SIGINT)
            try:
                vendor.wait(timeout=30)
            except subprocess.TimeoutExpired:
                vendor.kill()
    assert vendor.returncode in (0, -signal.SIGINT)


def test_a_port_in_use_is_told(tmp_path: Path, simulator: Callable[..., str]) -> None:
    done = module(tmp_path, "simulate", "upkeep", "--port", simulator().rsplit(":", 1)[1])
    assert done.returncode == 1
    assert "CMMS-SERVE-001" in done.stderr


def test_what_is_logged_reaches_logging(
    url: str, simulator: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    address = simulator()
    with cmms.open(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
        client.work_orders.create("Check pump")
        assert [record for record in caplog.records if record.levelno < logging.WARNING] == []
        with caplog.at_level(logging.DEBUG, logger="cmms"):
            client.work_orders.create("Check pump")
            called = [record for record in caplog.records if record.name == "cmms.core.ops.run"]
            assert [record.levelname for record in called] == ["DEBUG"]
            assert called[0].getMessage().startswith('called operation="work_orders.create"')
            plant = client.connections.create("upkeep", address, "Plant", credentials=LOGIN)
            client.sync.all(plant.id)
            http = [record for record in caplog.records if record.name.startswith("cmms.adapters.http")]
            # A record says in which spans it was made.
            assert http and all(record.getMessage().startswith("cmms.") for record in http)
            assert all(record.name.startswith("cmms") for record in caplog.records)
            assert not any("upkeep-sim" in record.getMessage() for record in caplog.records)
        caplog.clear()
        client.work_orders.create("Check pump")
        assert caplog.records == []
