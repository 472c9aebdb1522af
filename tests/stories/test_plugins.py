"""Parts of the user's own, from Python and from an installed package: the code of docs/plugins.md, run as it stands."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
MODULE = next(text for kind, text in BLOCKS if text.startswith("# meadow.py"))
PROGRAM = "\n".join(text for kind, text in BLOCKS if kind == "python" and text != MODULE)
PROJECT = tomllib.loads(next(text for kind, text in BLOCKS if kind == "toml"))
COMMAND = next(text for kind, text in BLOCKS if text.startswith("tamis fit")).split()[1:]

START = "import sys; sys.path.insert(0, {place!r}); from tamis.cli.main import main; main()"
"""The command `tamis`, where a package lies at `place`; its workers inherit the path."""


def run(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own, in a folder."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package of the page lies, as an installer leaves it."""
    place = tmp_path_factory.mktemp("site")
    (place / "meadow.py").write_text(MODULE, encoding="utf-8")
    name, version = PROJECT["project"]["name"], PROJECT["project"]["version"]
    info = place / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = PROJECT["project"]["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in one.items()) for group, one in groups]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return place


@pytest.fixture(scope="module")
def lawns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table that the page's command is about."""
    rng = np.random.default_rng(0)
    wet, tall = rng.normal(size=90), rng.normal(size=90)
    mown = np.where(wet + tall + 0.4 * rng.normal(size=90) > 0, "yes", "no")
    folder = tmp_path_factory.mktemp("lawns")
    pd.DataFrame({"wet": wet, "tall": tall, "mown": mown}).to_csv(folder / "lawns.csv", index=False)
    return folder


def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    """As a script, whose own class works in this process and, where the page writes it, in workers."""
    before, own, after = re.split(r"(?=import numpy as np\n)|(?<=components=\[nearest\]\)\.predict\(X\)\n)", PROGRAM)
    parts = [
        "import tamis.workflow.kinds as kinds; kinds.Tables.preload = ()",
        before,
        "kinds.INLINE_CELLS = 0",
        own,
        "assert set(model.leaderboard_['status']) == {'done'} and 'nearest' in set(model.leaderboard_['family'])",
        "kinds.INLINE_CELLS = 100_000",
        after,
    ]
    done = run("\n".join(parts), tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_package_offers_components_a_metric_and_a_strategy(installed: Path, lawns: Path) -> None:
    program = START.format(place=str(installed))
    done = run(program, lawns, *COMMAND, "--jobs", "1", "--output", "run", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["metric"] == "profit" and answer["value"] > 1
    board = json.loads(run(program, lawns, "leaderboard", "run", "--json").stdout)["rows"]
    assert {row["origin"] for row in board} == {"cheap first"} and {row["status"] for row in board} == {"done"}
    assert "centroid" in {row["family"] for row in board}
    more = run(program, lawns, "resume", "run", "--max-trials", "3", "--json")
    assert more.returncode == 0 and json.loads(more.stdout)["n_trials"] == 3, more.stderr
    assert run(program, lawns, "predict", "run", "lawns.csv", "-o", "out.csv").returncode == 0
    assert len(pd.read_csv(lawns / "out.csv")) == 90


def test_what_a_package_offers_is_tried_early_by_the_default_search(installed: Path, lawns: Path) -> None:
    program = START.format(place=str(installed))
    options = ("fit", "lawns.csv", "--target", "mown", "--max-trials", "3", "--jobs", "1", "--output", "early")
    assert run(program, lawns, *options).returncode == 0
    board = json.loads(run(program, lawns, "leaderboard", "early", "--json").stdout)["rows"]
    assert [row["status"] for row in board] == ["done"] * 3 and "centroid" in {row["family"] for row in board}
    assert any("roots" in row["model"] for row in board)


def test_a_strategy_that_no_package_offers_is_refused_by_name(lawns: Path, installed: Path) -> None:
    program = START.format(place=str(installed))
    done = run(program, lawns, "fit", "lawns.csv", "--target", "mown", "--search", "cheap_frist")
    assert done.returncode == 2
    assert "Did you mean 'cheap_first'?" in done.stderr
