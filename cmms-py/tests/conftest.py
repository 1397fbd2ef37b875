"""What the tests share: databases of their own and a simulated vendor."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cmms

ROOT = Path(__file__).resolve().parents[2]
os.environ["USER"] = "tester"
os.environ["CMMS_MASTER_KEY"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def program() -> Path:
    """The command `cmms`, which the test command has built."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "debug" / "cmms"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path / 'cmms.db'}"


@pytest.fixture
def client(url: str) -> Iterator[cmms.Client]:
    with cmms.open(url) as client:
        yield client


def postgres_url() -> str:
    """The URL of a schema of its own, with its tables."""
    url = f"{os.environ['CMMS_TEST_POSTGRES']}?schema=p{uuid.uuid4().hex}"
    subprocess.run([program(), "migrate", "up", "--database-url", url], check=True, stdout=subprocess.DEVNULL)
    return url


@pytest.fixture
def simulator() -> Iterator[Callable[..., str]]:
    """Starts simulated vendors and says where they are."""
    running: list[subprocess.Popen[str]] = []

    def start(vendor: str = "upkeep", *, assets: int = 3, work_orders: int = 5, latency_ms: int = 0) -> str:
        args = [str(program()), "simulate", vendor, "--port", "0", "--assets", str(assets)]
        args += ["--work-orders", str(work_orders), "--latency-ms", str(latency_ms)]
        child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        running.append(child)
        assert child.stdout is not None
        for line in child.stdout:
            if found := re.match(r"\s*address\s+(\S+)", line):
                return found[1]
        raise AssertionError("the simulator says no address")

    yield start
    for child in running:
        child.kill()
        child.wait()
