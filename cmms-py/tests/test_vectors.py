"""The golden scripts, through the generated methods: calls that wait and coroutines, on both engines."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, postgres_url

import cmms
from cmms import _native

SCRIPTS = sorted((ROOT / "api" / "vectors").glob("*.json"))
KNOWN = ("code", "reason", "status", "field")


def filled(value: Any, bound: dict[str, str]) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return bound[value[1:]]
    if isinstance(value, list):
        return [filled(item, bound) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, bound) for name, item in value.items()}
    return value


def is_time(text: str) -> bool:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None


MATCHERS: dict[str, Callable[[str], bool]] = {
    "<text>": lambda text: True,
    "<id>": lambda text: bool(uuid.UUID(text)),
    "<actor>": lambda text: text.startswith("local-process:"),
    "<number>": lambda text: bool(re.fullmatch(r"WO-\d{8}-\d{4,}", text)),
    "<time>": is_time,
}


def differences(at: str, expected: Any, found: Any, bound: dict[str, str]) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted({*expected, *found})
        return [d for n in names for d in differences(f"{at}/{n}", expected.get(n, "-"), found.get(n, "-"), bound)]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [d for n, (e, f) in pairs for d in differences(f"{at}/{n}", e, f, bound)]
    if isinstance(expected, str) and isinstance(found, str):
        if expected in MATCHERS:
            same = MATCHERS[expected](found)
        elif expected.startswith("$"):
            same = bound[expected[1:]] == found
        else:
            same = expected == found
    else:
        same = type(expected) is type(found) and expected == found
    return [] if same else [f"{at}: expected {expected!r}, found {found!r}"]


def plain(answer: cmms.Model | cmms.Page[Any]) -> Any:
    """The answer as JSON has it; every field that has a value is read by its type before."""
    assert repr(answer)
    if isinstance(answer, cmms.Page):
        return {"items": [item.to_dict() for item in answer], "next": answer.next}
    return answer.to_dict()


def pointed(answer: Any, pointer: str) -> str:
    for part in pointer.strip("/").split("/"):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return str(answer)


def check(step: dict[str, Any], where: str, answer: Any, bound: dict[str, str]) -> None:
    for name, pointer in step.get("bind", {}).items():
        bound[name] = pointed(answer, pointer)
    assert "answer" in step, f"{where}: expected {step.get('error')}, answered {answer}"
    assert differences("", step["answer"], answer, bound) == [], where


def check_error(step: dict[str, Any], where: str, error: cmms.CmmsError) -> None:
    assert "error" in step, f"{where}: {error}"
    assert {name: error.problem[name] for name in KNOWN if name in error.problem} == step["error"], where
    assert (error.code, error.field) == (step["error"]["code"], step["error"].get("field"))


def method(client: object, operation: str) -> Callable[..., Any]:
    group, verb = operation.split(".")
    found: Callable[..., Any] = getattr(getattr(client, group), verb)
    return found


def settings(script: dict[str, Any], simulator: Callable[..., str]) -> tuple[dict[str, str], dict[str, str]]:
    wanted = script.get("simulator")
    if wanted is None:
        return {}, {}
    address = simulator(wanted["vendor"], assets=wanted["assets"], work_orders=wanted["work_orders"])
    return {"simulator": address}, {"CMMS_EGRESS_ALLOW": address}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, url: str) -> str:
    return url if request.param == "sqlite" else postgres_url()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_has_its_answers(path: Path, database: str, simulator: Callable[..., str]) -> None:
    script = json.loads(path.read_text("utf-8"))
    bound, allow = settings(script, simulator)
    with cmms.open(database, settings=allow) as client:
        for n, step in enumerate(script["steps"]):
            where = f"step {n}, {step['call']}"
            try:
                answer = plain(method(client, step["call"])(**filled(step["input"], bound)))
            except cmms.CmmsError as error:
                check_error(step, where, error)
            else:
                check(step, where, answer, bound)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_has_its_answers_in_coroutines(path: Path, database: str, simulator: Callable[..., str]) -> None:
    script = json.loads(path.read_text("utf-8"))
    bound, allow = settings(script, simulator)

    async def run() -> None:
        async with cmms.aopen(database, settings=allow) as client:
            for n, step in enumerate(script["steps"]):
                where = f"step {n}, {step['call']}"
                try:
                    answer = plain(await method(client, step["call"])(**filled(step["input"], bound)))
                except cmms.CmmsError as error:
                    check_error(step, where, error)
                else:
                    check(step, where, answer, bound)

    asyncio.run(run())


def test_every_operation_has_a_method_and_a_script() -> None:
    operations = set(_native.operations())
    called = {step["call"] for path in SCRIPTS for step in json.loads(path.read_text("utf-8"))["steps"]}
    assert operations == called


def test_twin_what_differs_is_found() -> None:
    assert differences("", {"a": "<id>", "n": 1}, {"a": str(uuid.uuid4()), "n": 1}, {}) == []
    assert len(differences("", {"a": "<text>", "n": 1}, {"a": "x", "n": 2, "more": None}, {})) == 2
