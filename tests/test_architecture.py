"""Holds the house to its plan: floors, sizes, first lines, homes of dependencies, and a quick import."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tamis"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"core"},
    {"data", "tasks", "features", "algorithms", "neural", "search", "run", "store", "ensemble", "checks"},
    {"pipelines", "evaluate"},
    {"workflow"},
    {"explain", "export"},
    {"estimators"},
    {"serve"},
    {"cli"},
)
"""From the ground up. A room may import from floors below its own, never from its own floor's other rooms."""

HEAVY = {"pandas", "sklearn", "scipy", "torch", "lightgbm", "xgboost", "catboost", "pyarrow", "rich"}


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = ("tamis", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_names(path: Path) -> Iterator[str]:
    """Yield every dotted name that a file imports, at its top, inside functions and for types alike."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"require", "import_module"}:
            first = node.args[0] if node.args else None
            # The package's face names its modules only to import them at their first use.
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value not in MODULES:
                yield first.value


def own_imports() -> dict[str, set[str]]:
    """Return for every module of the package the others that it imports."""
    return {name: {one for one in imported_names(path) if one in MODULES} - {name} for name, path in MODULES.items()}


def room_of(module: str) -> str:
    """Return the room a module stands in; empty for the package's own face."""
    return module.split(".")[1] if module.count(".") else ""


def floor_of(room: str) -> int:
    """Return the floor of a room, counted from the ground; above all where it has none."""
    return next((level for level, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function of the package with its file."""
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its decorators and its docstring."""
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and first.end_lineno is not None:
        length -= first.end_lineno - first.lineno + 1
    return length


def test_imports_point_down() -> None:
    upward = [
        f"{name} imports {other}"
        for name, used in own_imports().items()
        for other in sorted(used)
        if room_of(name)
        and floor_of(room_of(name)) < len(FLOORS)
        and room_of(other) != room_of(name)
        and floor_of(room_of(other)) >= floor_of(room_of(name))
    ]
    assert not upward, "\n".join(upward)


def test_every_room_stands_on_a_floor() -> None:
    homeless = {path.parent.name for path in FILES if path.parent.parent == PACKAGE} - set().union(*FLOORS)
    assert not homeless


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = own_imports()
    while free := {name for name, used in left.items() if not used & left.keys()}:
        left = {name: used for name, used in left.items() if name not in free}
    assert not left, f"in or above a circle: {sorted(left)}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_short_begins_with_a_sentence_and_imports_absolutely(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400, f"{len(lines)} lines: two rooms in one?"
    first = (ast.get_docstring(tree_of(path)) or "").split("\n")[0]
    assert lines[0].startswith(('"""', 'r"""')), "the first line says what the file is for"
    assert first.endswith((".", ":")), f"the first line is a sentence: {first!r}"
    relative = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, f"relative imports in lines {relative}"
    if path.name == "__init__.py":
        assert len(lines) < 40
    assert not re.fullmatch(r"_?(utils?|helpers?|common|misc)", path.stem), "a drawer, not a noun"


def test_no_file_reaches_for_its_own_room_through_the_rooms_face() -> None:
    through = [
        f"{name} imports {other}"
        for name, used in own_imports().items()
        for other in used
        if MODULES[other].name == "__init__.py" and name.startswith(f"{other}.") and other != "tamis"
    ]
    assert not through


def dependency_homes() -> dict[str, list[str]]:
    """Read pyproject.toml: the module of each dependency with a comment, and the files that the comment names."""
    modules = {"xgboost-cpu": "xgboost", "pillow": "PIL"}
    homes: dict[str, list[str]] = {}
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        found = re.search(r'"([a-z-]+)>=[^"]*"[\],]*\s+#\s+(.*)', line)
        if found:
            files = re.findall(r"[\w/]+\.py|\bcli\b|\bneural\b", found[2])
            homes.setdefault(modules.get(found[1], found[1]), []).extend(files)
    return homes


def test_pyproject_names_the_home_of_every_optional_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    homes = dependency_homes()
    for extra, wanted in project["optional-dependencies"].items():
        for one in wanted:
            name = re.split(r"[><=\[]", one)[0].replace("xgboost-cpu", "xgboost").replace("pillow", "PIL")
            assert name == "tamis" or name in homes, f"{name} of the extra {extra!r} has no file beside it"


@pytest.mark.parametrize(("module", "homes"), dependency_homes().items(), ids=list(dependency_homes()))
def test_a_dependency_is_imported_where_pyproject_says(module: str, homes: list[str]) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(one.split(".")[0] == module for one in imported_names(path))
    }
    strangers = {user for user in users if user not in homes and user.split("/")[0] not in homes}
    assert not strangers


def test_few_functions_are_long_and_none_is_longer_than_sixty_lines() -> None:
    lengths = {f"{path.relative_to(PACKAGE)}:{node.name}": code_lines(node) for path, node in functions()}
    too_long = {name: length for name, length in lengths.items() if length > 60}
    assert not too_long
    assert sum(length > 50 for length in lengths.values()) <= 0.03 * len(lengths)


def test_no_function_takes_more_than_ten_parameters() -> None:
    many = {}
    for path, node in functions():
        names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len([name for name in names if name not in {"self", "cls"}])
        # scikit-learn wants the options of an estimator one by one
        if count > (14 if path.parent.name == "estimators" and node.name == "__init__" else 10):
            many[f"{path.relative_to(PACKAGE)}:{node.name}"] = count
    assert not many


def test_no_class_sets_more_than_eighteen_attributes() -> None:
    large = {}
    for path in FILES:
        for owner in (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)):
            names = {
                node.attr
                for node in ast.walk(owner)
                if isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            }
            # scikit-learn wants each option of an estimator as an attribute
            if len(names) > (20 if path.parent.name == "estimators" else 18):
                large[f"{path.relative_to(PACKAGE)}:{owner.name}"] = len(names)
    assert not large


def loaded_by(statement: str) -> tuple[set[str], float]:
    """Run a statement in a fresh interpreter: the top-level modules it loads, and the seconds `tamis` itself took."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"{statement}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    times = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
    ours_us = [int(total) for _, total, name in times[1:] if name.strip() == "tamis"]
    return {name.split(".")[0] for name in done.stdout.split()}, sum(ours_us) / 1e6


def test_importing_the_package_is_quick_and_loads_nothing_heavy() -> None:
    modules, seconds = loaded_by("import tamis")
    assert not modules & (HEAVY | {"numpy"})
    assert seconds < 0.3


def test_the_command_line_loads_nothing_heavy_before_it_has_spoken() -> None:
    modules, _ = loaded_by("import tamis.cli.main")
    assert not modules & (HEAVY | {"numpy"})
