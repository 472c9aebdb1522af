"""Programs that are exported from real runs predict the same where there is nothing but what they say they need."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SETS = Path(__file__).parents[3] / "shared" / "data" / "tabular"
CALLED = {"xgboost": ("xgboost", "xgboost-cpu")}
"""Libraries that come under several names."""
BARE = """
import runpy, sys

sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

pytestmark = pytest.mark.slow


def installed(name: str) -> Distribution | None:
    """Return what an installer left of a library."""
    for one in CALLED.get(name, (name,)):
        try:
            return distribution(one)
        except PackageNotFoundError:
            continue
    return None


def with_needs(names: list[str]) -> dict[str, Distribution]:
    """Return libraries with all that they need in turn; extras aside."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        one = installed(name) if name not in found else None
        if one is not None:
            found[name] = one
            needs = [need for need in one.requires or () if "extra ==" not in need]
            waiting += [re.match(r"[\w.-]+", need).group() for need in needs]  # type: ignore[union-attr]
    return found


def environment(script: Path, folder: Path) -> Path:
    """Lay out the libraries that a script names, and what those need, in a folder of their own."""
    words = " ".join(script.read_text().split('"""')[1].split())
    named = re.search(r"Tried with (.+?); other versions", words)
    assert named is not None
    folder.mkdir()
    for one in with_needs([library.split()[0] for library in named.group(1).split(", ")]).values():
        for top in {path.parts[0] for path in one.files or () if path.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(one.locate_file(top))))
    return folder


def tamis(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "tamis", *map(str, arguments)], check=True)


@pytest.mark.parametrize("name", ["credit_g", "bike_sharing", "eucalyptus"])
def test_a_program_predicts_what_its_run_predicts_where_there_is_no_tamis(name: str, tmp_path: Path) -> None:
    """An isolated interpreter (`-I -S`) sees the standard library and one folder, of what the program says it needs."""
    if not (SETS / name).is_dir():
        pytest.skip(f"the data sets that lie beside the checkout are not there: {SETS / name}")
    target = json.loads((SETS / name / "meta.json").read_text())["target"]
    train, test = SETS / name / "train.csv.gz", SETS / name / "test.csv.gz"
    run, script, ours, theirs = (tmp_path / one for one in ("run", "pipeline.py", "ours.csv", "theirs.csv"))
    tamis("fit", train, "--target", target, "--time-limit", "10s", "-o", run)
    tamis("predict", run, test, "-o", ours)
    tamis("export", run, "--to", "python", "-o", script)
    site = environment(script, tmp_path / "site")
    bare = [sys.executable, "-I", "-S", "-c", BARE, str(site)]
    (tmp_path / "probe.py").write_text("import tamis")
    alone = subprocess.run([*bare, str(tmp_path / "probe.py")], capture_output=True, text=True)
    assert "No module named 'tamis'" in alone.stderr
    program = [*bare, *map(str, (script, train, test, "-o", theirs))]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    found, expected = pd.read_csv(theirs), pd.read_csv(ours)
    assert list(found) == list(expected)
    for column in expected:
        if expected[column].dtype.kind == "f":
            np.testing.assert_allclose(found[column], expected[column], rtol=1e-6, atol=1e-6)
        else:
            assert found[column].tolist() == expected[column].tolist()
