"""The examples run as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import ROOT

EXAMPLE = ROOT / "examples" / "python" / "sync.py"


def run(args: list[str], folder: Path) -> str:
    env = {**os.environ, "HOME": str(folder)}
    # The test command names an environment that has the wheel and nothing else.
    python = os.environ.get("CMMS_TEST_PYTHON", sys.executable)
    done = subprocess.run([python, *args], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_syncs_and_lists(tmp_path: Path, simulator: Callable[..., str]) -> None:
    address = simulator(assets=20, work_orders=60)
    first = run([str(EXAMPLE), address], tmp_path)
    assert first.startswith("ok 80\nWO-")
    # Again it takes the connection that is there, asks for what changed, and lists the same.
    again = run([str(EXAMPLE), address], tmp_path)
    assert again.startswith("ok ")
    assert again.splitlines()[1:] == first.splitlines()[1:]
    assert len([line for line in EXAMPLE.read_text("utf-8").splitlines() if line.strip()]) <= 15


def test_the_readme_shows_it() -> None:
    assert EXAMPLE.read_text("utf-8").split("\n\n", 1)[1] in (ROOT / "README.md").read_text("utf-8")


def test_the_packages_readme_runs(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "cmms-py" / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(code) == 1
    assert "Check pump" in run(["-c", code[0]], tmp_path)
