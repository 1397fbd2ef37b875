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
    said = run([str(EXAMPLE), simulator(assets=20, work_orders=60)], tmp_path)
    assert said.startswith("ok 80\nWO-")
    assert len([line for line in EXAMPLE.read_text("utf-8").splitlines() if line.strip()]) <= 15


def test_the_readme_shows_it() -> None:
    assert EXAMPLE.read_text("utf-8").split("\n\n", 1)[1] in (ROOT / "README.md").read_text("utf-8")


def test_the_packages_readme_runs(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "cmms-py" / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(code) == 1
    assert "Check pump" in run(["-c", code[0]], tmp_path)
