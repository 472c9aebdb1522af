"""Holds the README and the docs to what is there: commands, verbs, files, names."""

import re
from pathlib import Path

import pytest

import tamis
from tamis.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def code_of(page: Path) -> str:
    """Return what a page shows as code."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    shown = set(re.findall(r"(?<!from )\btamis ([a-z]+)\b", code_of(page)))
    assert shown <= set(cli.commands)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_option_of_a_command_that_a_page_shows_exists(page: Path) -> None:
    for name, rest in re.findall(r"(?<!from )\btamis ([a-z]+) ([^\n]*)", code_of(page)):
        known = {option for one in cli.commands[name].params for option in one.opts}
        assert set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest)) <= known | {"--help"}, (
            f"{page.name}: tamis {name} {rest}"
        )


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_verb_of_make_that_a_page_shows_exists(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|\s)make ([a-z-]+)", code_of(page), re.MULTILINE)) <= verbs


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_names_that_the_readme_imports_are_public() -> None:
    imported = re.findall(r"from tamis import ([^\n]+)", code_of(ROOT / "README.md"))
    names = {name.strip() for line in imported for name in line.split(",")}
    assert names
    assert names <= set(tamis.__all__)


def test_the_generated_pages_are_up_to_date() -> None:
    """`make docs` writes them anew."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"
