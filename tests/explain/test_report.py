"""Tests of the report of a run."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from tamis.explain.report import write_report


def seen(html: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)).split())


def rows_of(html: str) -> list[str]:
    """The rows of the leaderboard."""
    board = html[html.index("Everything that was tried") :]
    return [seen(row) for row in re.findall(r"<tr.*?</tr>", board, flags=re.DOTALL)][1:]


def test_the_report_lies_in_the_run_folder_unless_another_place_is_named(
    network_run: Callable[..., Path], tmp_path: Path
) -> None:
    run = network_run()
    assert write_report(run) == run / "report.html"
    assert write_report(run, tmp_path / "r.html").read_text() == (run / "report.html").read_text()


def test_it_tells_what_is_expected_and_what_it_took(network_run: Callable[..., Path]) -> None:
    words = seen(write_report(network_run()).read_text())
    for one in (
        "0.9712",
        "90 %: 0.9651 to 0.9788",
        "One of 3 classes from grey images of 28 × 28",
        "61.5 s",
        "of 60 s allowed",
    ):
        assert one in words
    assert "two images could not be read: <img>" in words
    assert "search = local" in words


def test_networks_are_listed_with_what_they_cost(network_run: Callable[..., Path]) -> None:
    rows = rows_of(write_report(network_run()).read_text())
    assert re.search(r"^1 node_network.* 0\.97 60 k ◆ 4 ms ◆ 4 2 s 75 % finale$", rows[0])
    assert "90 k ◆" not in rows[2] and "0.8 ms ◆" in rows[2]
    assert any("failed: Its loss became infinite <b>." in row for row in rows[3:])


def test_a_bound_that_was_asked_for_is_in_the_picture(network_run: Callable[..., Path]) -> None:
    assert "allowed: 50 k" in seen(write_report(network_run(max_parameters=50_000)).read_text())


def test_the_search_and_the_front_are_drawn(network_run: Callable[..., Path]) -> None:
    html = write_report(network_run()).read_text()
    assert "accuracy over time" in html and "accuracy against parameters" in html
    assert "accuracy against milliseconds for one image" in html
    assert "score while training over epochs" in html


def test_cells_are_drawn(network_run: Callable[..., Path]) -> None:
    html = write_report(network_run()).read_text()
    assert "The normal cell" in html and "The reduction cell" in html and "h[i+1]" in html
    assert "each numbered node" in html[html.index("<details>") :]  # that of the second network


@pytest.mark.extras
def test_the_whole_network_is_drawn_where_torch_is(network_run: Callable[..., Path]) -> None:
    pytest.importorskip("torch")
    html = write_report(network_run(order=("plain",))).read_text()
    assert "2 × conv 3×3 /2" in html and "28×28 × 1" in html


def test_a_table_has_columns_and_the_picture_of_its_pipelines(table_run: Path) -> None:
    html = write_report(table_run).read_text()
    words = seen(html)
    assert "A number from 1 of 2 columns, judged by rmse (less is better)" in words
    assert "all differ" in words and "for at most 2 candidates" in words
    assert "parameters" not in words and "The pipeline" in words
    assert "rmse over time" in html and "rmse against nodes of the pipeline" in html
    assert "1,000 rows" not in words  # how long predictions take was not measured
    assert any(re.search(r"^1 forest 2\.25 1 ◆ 2 4 s 100 %", row) for row in rows_of(html))


def test_names_from_a_run_are_inert(network_run: Callable[..., Path]) -> None:
    html = write_report(network_run()).read_text()
    assert "<img" not in html and "<run" not in html and "infinite <b>" not in html
    assert "digits &lt;run&gt;" in html and "infinite &lt;b&gt;" in html


def test_nothing_is_fetched(network_run: Callable[..., Path]) -> None:
    html = write_report(network_run()).read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|<script|<link|@import", html)
