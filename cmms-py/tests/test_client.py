"""What a Python program sees beside the answers: types, errors, threads, signals, forks."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

import cmms
from cmms.data_synchronization import CMMSDataSynchronizationService

LOGIN = {"email": "integration@example.com", "password": "upkeep-sim"}


def test_answers_are_typed(client: cmms.Client) -> None:
    due = datetime(2030, 1, 15, 9, tzinfo=timezone(timedelta(hours=1)))
    order = client.work_orders.create("Check pump", priority="high", due_at=due, estimated_cost=Decimal("12.50"))
    assert (order.due_at, order.estimated_cost) == (due, Decimal("12.50"))
    assert order.created_at.tzinfo is not None
    assert order.priority is cmms.Priority.HIGH
    assert order.description is None
    assert repr(order).startswith("WorkOrder(id=UUID(")
    assert "title='Check pump'" in repr(order)
    assert client.work_orders.get(order.id) == order == pickle.loads(pickle.dumps(order)) == copy.deepcopy(order)
    asset = client.assets.register("press", "Press", cmms.AssetType.MACHINERY, installation_date=date(2024, 2, 29))
    assert asset.installation_date in (date(2024, 2, 29), "2024-02-29")
    with pytest.raises(AttributeError, match="does not change"):
        order.title = "Another"  # type: ignore[misc]


def test_a_word_that_is_not_known_is_kept() -> None:
    word = cmms.Priority("blue")
    assert (word, str(word), word.value) == ("blue", "blue", "blue")
    assert isinstance(word, cmms.Priority)


def test_a_field_that_is_left_away_stays_and_none_clears_it(client: cmms.Client) -> None:
    order = client.work_orders.create("Check pump", description="Two\nlines", location="Hall 2")
    changed = client.work_orders.update(order.id, description=None)
    assert (changed.description, changed.location) == (None, "Hall 2")


def test_lists_page_by_themselves(client: cmms.Client) -> None:
    for n in range(7):
        client.work_orders.create(f"Number {n}")
    page = client.work_orders.list(limit=3)
    assert (len(page), page.next is None) == (3, False)
    titles = [order.title for order in client.work_orders.iterate(page_size=3)]
    assert titles == [f"Number {n}" for n in range(7)]


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 8, 500])
@pytest.mark.parametrize("page_size", [None, 1, 3, 500])
def test_a_limit_ends_a_list_that_pages_by_itself(client: cmms.Client, limit: int, page_size: int | None) -> None:
    for n in range(7):
        client.work_orders.create(f"Number {n}")
    found = [order.title for order in client.work_orders.iterate(limit=limit, page_size=page_size)]
    assert found == [f"Number {n}" for n in range(min(limit, 7))]


def test_a_limit_that_is_none_is_refused_like_that_of_a_page(client: cmms.Client) -> None:
    for limit in (0, -1):
        with pytest.raises(cmms.InvalidInputError) as refused:
            list(client.work_orders.iterate(limit=limit))
        assert refused.value.field == "limit"


def test_errors_say_what_to_do(client: cmms.Client) -> None:
    with pytest.raises(cmms.NotFoundError) as missing:
        client.work_orders.get("00000000-0000-7000-8000-000000000001")
    assert isinstance(missing.value, LookupError)
    assert (missing.value.code, missing.value.field) == ("CMMS-WO-001", "work_order_id")
    assert missing.value.remedy in str(missing.value)
    assert pickle.loads(pickle.dumps(missing.value)).code == "CMMS-WO-001"
    with pytest.raises(cmms.InvalidInputError, match="did you mean high") as word:
        client.work_orders.create("Check pump", priority="hgih")
    assert isinstance(word.value, ValueError)
    with pytest.raises(cmms.NotFoundError, match="did you mean work_orders.list"):
        client.call("work_orders.lst")


def test_a_repeated_call_with_a_key_is_one_call(client: cmms.Client) -> None:
    first = client.work_orders.create("Check pump", idempotency_key="once")
    assert client.work_orders.create("Check pump", idempotency_key="once") == first
    assert len(client.work_orders.list()) == 1


def test_a_closed_client_says_so(url: str) -> None:
    client = cmms.open(url)
    client.close()
    client.close()
    with pytest.raises(cmms.ClosedError):
        client.work_orders.list()


def test_what_cannot_be_opened_is_told() -> None:
    with pytest.raises(cmms.CmmsError) as error:
        cmms.open("mysql://host/database")
    assert error.value.code == "CMMS-STORE-009"


def test_threads_share_a_client(client: cmms.Client) -> None:
    def create() -> None:
        for _ in range(20):
            client.work_orders.create("Check pump")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = {order.number for order in client.work_orders.iterate(page_size=500)}
    assert len(numbers) == 160


def test_the_interpreter_goes_on_while_a_call_waits(url: str, simulator: Callable[..., str]) -> None:
    address = simulator(latency_ms=100)
    with cmms.open(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
        plant = client.connections.create("upkeep", address, "Plant", credentials=LOGIN)
        done = threading.Event()

        def sync() -> None:
            client.sync.all(plant.id)
            done.set()

        thread = threading.Thread(target=sync)
        thread.start()
        turns = 0
        while not done.is_set():
            turns += 1
            time.sleep(0.001)
        thread.join()
        assert turns > 20


def test_a_sync_that_failed_is_raised_with_its_run(url: str, simulator: Callable[..., str]) -> None:
    address = simulator()
    wrong = {**LOGIN, "password": "another"}
    with cmms.open(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
        plant = client.connections.create("upkeep", address, "Plant", credentials=wrong)
        for sync in (client.sync.all, client.sync.assets, client.sync.work_orders):
            with pytest.raises(cmms.SyncFailedError, match="the sync failed: ") as failed:
                sync(plant.id)
            assert (failed.value.code, failed.value.run.status) == ("CMMS-VENDOR-002", "failed")
            assert failed.value.remedy == failed.value.run.errors[0].remedy
            assert isinstance(failed.value, cmms.CmmsError)
            assert pickle.loads(pickle.dumps(failed.value)).run == failed.value.run
            assert client.runs.get(failed.value.run.id) == failed.value.run
        assert client.sync.all(plant.id, check=False).status == "failed"
        # Who starts a run and goes on is told how it stands.
        assert client.sync.all(plant.id, wait=False).status in ("queued", "running", "failed")


def test_a_sync_that_failed_is_raised_in_coroutines(url: str, simulator: Callable[..., str]) -> None:
    address = simulator()
    wrong = {**LOGIN, "password": "another"}

    async def run() -> tuple[str, str, str]:
        async with cmms.aopen(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
            plant = await client.connections.create("upkeep", address, "Plant", credentials=wrong)
            with pytest.raises(cmms.SyncFailedError) as failed:
                await client.sync.all(plant.id)
            unchecked = await client.sync.all(plant.id, check=False)
            answered = await CMMSDataSynchronizationService(client).sync_all(plant.id)
            return failed.value.run.status, unchecked.status, answered.status

    assert asyncio.run(run()) == ("failed", "failed", "failed")


def test_a_sync_that_somebody_cancelled_is_raised(url: str, simulator: Callable[..., str]) -> None:
    address = simulator(latency_ms=2_000)
    with cmms.open(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
        plant = client.connections.create("upkeep", address, "Plant", credentials=LOGIN)

        def cancel() -> None:
            while not (runs := client.runs.list().items):
                time.sleep(0.01)
            client.runs.cancel(runs[0].id)

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(cmms.SyncFailedError, match="the sync was cancelled") as cancelled:
            client.sync.all(plant.id)
        thread.join()
        assert cancelled.value.run.status == "cancelled"


def test_a_task_that_is_cancelled_ends_its_call(url: str, simulator: Callable[..., str]) -> None:
    address = simulator(latency_ms=2_000)

    async def run() -> float:
        async with cmms.aopen(url, settings={"CMMS_EGRESS_ALLOW": address}) as client:
            plant = await client.connections.create("upkeep", address, "Plant", credentials=LOGIN)
            task = asyncio.create_task(client.sync.all(plant.id))
            await asyncio.sleep(0.3)
            start = time.perf_counter()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.perf_counter() - start

    # The promise is a tenth of a second; machines that test are slow.
    assert asyncio.run(run()) < 1


INTERRUPTED = """
import signal, sys, cmms
# Who starts the tests in the background lets them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
address = sys.argv[2]
client = cmms.open(sys.argv[1], settings={"CMMS_EGRESS_ALLOW": address})
plant = client.connections.create("upkeep", address, "Plant",
    credentials={"email": "integration@example.com", "password": "upkeep-sim"})
print("begun", flush=True)
try:
    client.sync.all(plant.id)
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(client.runs.list().items[0].status, flush=True)
"""


def test_ctrl_c_ends_a_call(url: str, simulator: Callable[..., str]) -> None:
    args = [sys.executable, "-c", INTERRUPTED, url, simulator(latency_ms=3_000)]
    child = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    time.sleep(0.3)
    start = time.perf_counter()
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "interrupted\n"
    took = time.perf_counter() - start
    assert took < 1
    assert child.stdout.read() == "cancelled\n"
    assert child.wait() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_is_told_and_can_open_its_own(client: cmms.Client, url: str) -> None:
    forks = 100 if os.environ.get("CMMS_TEST_TIER") == "release" else 10
    client.work_orders.create("Check pump")
    for _ in range(forks):
        child = os.fork()
        if child == 0:
            try:
                client.work_orders.list()
            except cmms.ForkedProcessError:
                with cmms.open(url) as own:
                    os._exit(0 if len(own.work_orders.list()) == 1 else 3)
            os._exit(2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    assert len(client.work_orders.list()) == 1


def test_a_client_works_in_loops_one_after_the_other(url: str) -> None:
    client = asyncio.run(cmms.aopen(url))
    for _ in range(3):
        asyncio.run(client.work_orders.create("Check pump"))
    assert len(asyncio.run(client.work_orders.list())) == 3

    async def titles() -> list[str]:
        return [order.title async for order in client.work_orders.iterate(page_size=2)]

    assert asyncio.run(titles()) == ["Check pump"] * 3


def test_a_database_is_named_as_people_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    strange = tmp_path / "50% #1?.db"
    for name in ("plain.db", "./below.db", str(tmp_path / "whole.db"), Path("path.db"), strange, "sqlite://url.db"):
        with cmms.open(name) as client:
            client.work_orders.create("Check pump")
    assert {file.name for file in tmp_path.glob("*.db")} == {
        "plain.db", "below.db", "whole.db", "path.db", "50% #1?.db", "url.db"
    }
    with cmms.open(strange) as client:
        assert len(client.work_orders.list()) == 1


def test_a_database_in_memory_lives_as_long_as_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with cmms.open(":memory:") as one, cmms.open(":memory:") as two:
        order = one.work_orders.create("Check pump")
        assert (len(one.work_orders.list()), len(two.work_orders.list())) == (1, 0)
        assert one.work_orders.get(order.id) == order
    assert list(tmp_path.iterdir()) == []


def test_a_client_of_coroutines_is_closed_at_its_end(url: str) -> None:
    async def run() -> int:
        async with cmms.aopen(url) as client:
            await client.work_orders.create("Check pump")
        with pytest.raises(cmms.ClosedError):
            await client.work_orders.list()
        again = await cmms.aopen(url)
        async with again:
            titles = [order.title async for order in again.work_orders.iterate(limit=5)]
        return len(titles)

    assert asyncio.run(run()) == 1


def test_services_of_a_client_of_their_own(url: str) -> None:
    async def run() -> int:
        async with cmms.aopen(url) as client:
            service = CMMSDataSynchronizationService(client)
            return len(await service.list_cmms_connections())

    assert asyncio.run(run()) == 0
