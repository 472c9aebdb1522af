"""The report of a run: one page by itself, with what was found, how, and what it costs."""

import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.version import __version__
from tamis.explain.axes import spell_time
from tamis.explain.charts import curves_chart, label_of, pareto_chart, score_chart
from tamis.explain.findings import Findings
from tamis.explain.network_pictures import pictures_of
from tamis.explain.overview import pictures
from tamis.explain.page import Cell, bar, bullets, figure, folded, page, paragraph, section, table, tile
from tamis.explain.pareto import comparable, has, pareto_front
from tamis.explain.pipeline_pictures import TREE_WORDS, draw_model
from tamis.explain.svg import clean, compact
from tamis.neural.language.shapes import ImageShape
from tamis.store.atomic import atomic_write, guarded
from tamis.workflow.model import Model
from tamis.workflow.settings import Settings

SHOWN_ROWS = 25
LISTED_ROWS = 1_000
"""A page with more rows would be slow to open."""
SHOWN_CURVES = 6
SHOWN_NETWORKS = 3

COSTS = (("parameters", "max_parameters"), ("latency_ms", "max_latency_ms"))
"""What a network costs, and the option that bounds it."""
TABLE_COSTS = ("complexity", "predict_ms")
"""What a pipeline costs."""

COLUMNS = (
    ("rank", "#", "number"),
    ("model", "model", "name"),
    ("score", "score", "number"),
    ("parameters", "parameters", "number"),
    ("latency_ms", "one image", "number"),
    ("complexity", "nodes", "number"),
    ("predict_ms", "predict", "number"),
    ("epochs", "epochs", "number"),
    ("folds", "folds", "number"),
    ("fidelity", "rows", "number"),
    ("seconds", "fit", "number"),
    ("weight", "weight", ""),
    ("origin", "found by", ""),
    ("status", "", ""),
)
"""Key of a leaderboard's row, heading, style. Columns in which no row says anything are left out."""


def write_report(path: Path | str, output: Path | str | None = None) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    path : path
        The run folder.
    output : path, optional
        The file; `report.html` in the run folder unless given.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    RunFolderError
        Where the folder is no run, or nothing was found yet.
    StorageError
        Where the file cannot be written.
    """
    found = Findings.read(path)
    place = Path(output) if output is not None else found.path / "report.html"
    atomic_write(place, render(found).encode())
    return place


def write_pictures(path: Path | str, folder: Path | str) -> list[Path]:
    """Write the pictures of a run, each as an SVG file, and return where they lie.

    Parameters
    ----------
    path : path
        The run folder.
    folder : path
        Made where there is none; what it holds under these names is replaced.

    Raises
    ------
    RunFolderError
        Where the folder is no run, or nothing was found yet.
    StorageError
        Where a file cannot be written.
    """
    found = Findings.read(path)
    drawn = pictures(found.model, found.attempts, found.settings.limit_s)
    with guarded(Path(folder)):
        Path(folder).mkdir(parents=True, exist_ok=True)
    places = [Path(folder) / f"{name}.svg" for name in drawn]
    for place, picture in zip(places, drawn.values(), strict=True):
        picture.save(place)
    return places


def render(found: Findings) -> str:
    """Return the page."""
    is_network = found.model.recipe.images is not None
    parts = [
        _head(found),
        section("The model", _members(found), _networks(found) if is_network else _pipelines(found)),
        section("The search", _search(found)),
        section("Score against cost", _fronts(found) if is_network else _table_fronts(found)),
        section("Everything that was tried", _leaderboard(found)),
        section("What was decided, and why", _decisions(found)),
        _foot(found),
    ]
    return page(f"{found.path.name}: report", "".join(parts))


def _head(found: Findings) -> str:
    """Say what it is about, what is expected of the model, and what that took."""
    recipe, metric = found.model.recipe, found.metric
    estimate = recipe.estimate
    tiles = []
    if estimate is not None:
        chance = f"{100 * estimate.level:.0f} %: {estimate.low:.4g} to {estimate.high:.4g}"
        tiles.append(tile(f"{estimate.value:.5g}", f"{metric.name} expected on new rows ({chance})"))
    if recipe.constant_loss is not None:
        tiles.append(tile(f"{metric.value_of(recipe.constant_loss):.4g}", f"{metric.name} of a constant guess"))
    tiles.append(tile(f"{found.board.n_trials:,}", f"candidates tried, in {found.board.n_units:,} fits"))
    tiles.append(tile(spell(found.spent_s), _limit_words(found.settings)))
    return (
        f"<header><h1>{clean(found.path.name)}</h1>"
        f"{paragraph(_about(found.model), 'muted')}<div class='tiles'>{''.join(tiles)}</div></header>"
    )


def _about(model: Model) -> str:
    """Say in a line what is predicted from what."""
    recipe, task = model.recipe, model.task
    what = f"One of {len(task.classes)} classes" if task.classes else "A number"
    if recipe.images is not None:
        colours = "grey" if recipe.images.channels == 1 else "colour"
        source = f"{colours} images of {recipe.images.width} × {recipe.images.height}"
    else:
        columns = recipe.schema.columns if recipe.schema else ()
        source = f"{sum(one.role.is_feature for one in columns)} of {len(columns)} columns"
    better = "more" if task.metric.higher_is_better else "less"
    return f"{what} from {source}, judged by {task.metric.name} ({better} is better)"


def _limit_words(settings: Settings) -> str:
    if settings.limit_s < inf:
        return f"of {spell(settings.limit_s)} allowed"
    return f"for at most {settings.max_trials:,} candidates" if settings.max_trials else "without a limit"


def _members(found: Findings) -> str:
    """List what the model is made of."""
    rows = [row for row in found.board.rows if row["weight"]]
    if not rows:
        return paragraph("No candidate could be fitted: the model predicts the same for everything.")
    costs = [name for name, _ in COSTS if any(name in row for row in rows)]
    words = {"parameters": "parameters", "latency_ms": "one image"}
    headings = [("weight", ""), ("model", "name"), ("score", "number"), *((words[name], "number") for name in costs)]
    values = [
        (
            [
                bar(row["weight"], f"{100 * row['weight']:.0f} %"),
                row["model"],
                cell("score", row["score"]),
                *(cell(name, row.get(name)) for name in costs),
            ],
            False,
        )
        for row in sorted(rows, key=lambda row: -row["weight"])
    ]
    mixed = "" if len(rows) == 1 else paragraph(f"The weighted mean of {len(rows)} candidates.", "muted")
    return mixed + table(headings, values)


def _networks(found: Findings) -> str:
    """Draw the networks of the model, the one with the largest weight openly."""
    form, task = found.model.recipe.images, found.model.task
    assert form is not None
    shape = ImageShape(form.channels, form.height, form.width)
    rows = sorted((row for row in found.board.rows if row["weight"]), key=lambda row: -row["weight"])
    drawn = []
    for number, row in enumerate(rows[:SHOWN_NETWORKS]):
        tree = Candidate.from_json(row["candidate"])
        pictures = "".join(figure(svg, caption) for caption, svg in pictures_of(tree, shape, task.n_outputs))
        drawn.append(folded(f"Pictures of #{row['rank']} {row['model']}", pictures) if number else pictures)
    return "".join(drawn)


def _pipelines(found: Findings) -> str:
    """Draw the pipelines of the model as a tree."""
    return figure(draw_model(found.model), TREE_WORDS) if found.model.recipe.members else ""


def _search(found: Findings) -> str:
    """Draw how the scores rose."""
    metric = found.metric
    limit_s = found.settings.limit_s
    chart = score_chart(
        found.attempts,
        metric.name,
        higher_is_better=metric.higher_is_better,
        limit_s=limit_s if limit_s < inf else None,
    )
    words = (
        "Each mark is a score on rows that were held out, at the time when it was known; the line is the best so far."
    )
    curves = _curves(found)
    if not curves:
        return figure(chart, words)
    lines = curves_chart(curves, "score while training", higher_is_better=True)
    return figure(chart, words) + figure(
        lines, "How the networks tried longest came to their scores: accuracy, or R² for numbers."
    )


def _curves(found: Findings) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return the learning curves of the trainings that were longest, the best first."""
    rows = {row["key"]: row for row in found.board.rows}
    known = [
        (one.outcome.realised.get("epochs", 0.0), number, one)
        for number, one in enumerate(found.trials)
        if one.done and len(one.outcome.realised.get("curve") or ()) > 1
    ]
    curves = []
    for _, _, one in sorted(known, reverse=True)[:SHOWN_CURVES]:
        points = [(epoch, score) for epoch, _, score in one.outcome.realised["curve"] if score is not None]
        curves.append((label_of(rows[one.proposal.candidate.key]), points))
    return sorted((curve for curve in curves if curve[1]), key=lambda curve: -curve[1][-1][1])


def _fronts(found: Findings) -> str:
    """Draw what accuracy is to be had for which cost."""
    metric, charts = found.metric, []
    for cost, bound in COSTS:
        if any(cost in row for row in found.board.rows):
            chart = pareto_chart(
                found.board.rows,
                cost,
                metric.name,
                higher_is_better=metric.higher_is_better,
                most=getattr(found.settings, bound),
            )
            charts.append(figure(chart))
    if not charts:
        return ""
    words = "Networks on the front are not beaten in both by any other. The number is that of the table below; the "
    words += "latency is the prediction of one image on the machine that searched."
    return "".join(charts) + paragraph(words, "muted")


def _table_fronts(found: Findings) -> str:
    """Draw what score is to be had from how simple and how quick a pipeline."""
    metric, limit_s = found.metric, found.settings.predict_limit_s
    rows = comparable(found.board.rows)
    charts = [
        pareto_chart(
            rows,
            cost,
            metric.name,
            higher_is_better=metric.higher_is_better,
            most=1e3 * limit_s if limit_s is not None and cost == "predict_ms" else None,
        )
        for cost in TABLE_COSTS
        if any(has(row, cost) for row in rows)
    ]
    words = "Pipelines on the front are not beaten in both by any other; candidates that were dropped early take no "
    words += "part. Take one by its number: tamis refit RUN -o MODEL --member NUMBER."
    return "".join(map(figure, charts)) + paragraph(words, "muted") if charts else ""


def _leaderboard(found: Findings) -> str:
    """List all candidates: the best openly, the others on request."""
    rows = found.board.rows
    empty = (None, "", "done", 0.0)
    shown = [one for one in COLUMNS if any(row.get(one[0]) not in empty for row in rows)]
    if all(row["folds"] <= 1 for row in rows):  # one part of the rows is held out for all
        shown = [one for one in shown if one[0] != "folds"]
    if all(row.get("fidelity", 1.0) >= 1.0 or "epochs" in row for row in rows):  # all rows, or epochs that tell more
        shown = [one for one in shown if one[0] != "fidelity"]
    able, higher = comparable(rows), found.metric.higher_is_better
    fronts = {
        cost: {row["key"] for row in pareto_front(able, cost, higher_is_better=higher)}
        for cost in (*(name for name, _ in COSTS), *TABLE_COSTS)
    }
    headings = [(words, style) for _, words, style in shown]

    def listed(part: Sequence[Mapping[str, Any]]) -> str:
        return table(headings, [([_cell(row, one[0], fronts) for one in shown], bool(row["weight"])) for row in part])

    scored = [row for row in rows if row["score"] is not None]
    others = [row for row in rows if row["score"] is None]
    words = f"Scores are {found.metric.name} on rows that were held out; bold rows are part of the model."
    if any(fronts.values()):
        words += " A diamond marks the Pareto front of score and that cost."
    return (
        paragraph(words, "muted")
        + listed(scored[:SHOWN_ROWS])
        + folded(f"{len(scored) - SHOWN_ROWS} more", listed(scored[SHOWN_ROWS:LISTED_ROWS]))
        + folded(f"{len(others)} that gave no score", listed(others[:LISTED_ROWS]))
    )


def _cell(row: Mapping[str, Any], name: str, fronts: Mapping[str, set[str]]) -> str:
    words = cell(name, row.get(name))
    if name in fronts and row["key"] in fronts[name]:
        return Cell(f'{clean(words)} <span class="front" title="on the Pareto front">◆</span>')
    if name == "status" and row.get("reason"):
        return f"{words}: {row['reason']}"
    return words


def cell(name: str, value: Any) -> str:
    """Write one value of a leaderboard.

    Examples
    --------
    >>> cell("score", 0.912347), cell("weight", 0.25), cell("parameters", 195_626), cell("latency_ms", 1.234)
    ('0.91235', '25 %', '196 k', '1.23 ms')
    """
    if value is None or (name == "weight" and not value):
        return ""
    if name in ("weight", "fidelity"):
        return f"{100 * value:.0f} %"
    if name == "seconds":
        return spell(value)
    if name in ("latency_ms", "predict_ms"):
        return f"{value:.3g} ms"
    if name == "parameters":
        return compact(value)
    if name == "epochs":
        return f"{value:.3g}"
    if name == "status":
        return "" if value == "done" else str(value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def spell(seconds: float) -> str:
    """Write a duration in the unit that suits it.

    Examples
    --------
    >>> spell(4.21), spell(95), spell(3725)
    ('4.21 s', '95 s', '62.1 min')
    """
    return spell_time(seconds, seconds)


def _decisions(found: Findings) -> str:
    """Tell what was decided without being asked, and what was asked."""
    recipe = found.model.recipe
    lines = [*found.plan.get("notes", ())]
    if recipe.images is not None and recipe.images.reason:
        lines.append(recipe.images.reason)
    if reason := found.plan.get("scheme", {}).get("reason"):
        lines.append(f"validation: {reason}")
    if recipe.calibration is not None and recipe.calibration.method != "none":
        lines.append(f"probabilities are calibrated: {recipe.calibration.method}")
    columns = recipe.schema.columns if recipe.schema else ()
    roles = table(
        [("column", "name"), ("role", ""), ("why", "name")],
        [([one.name, str(one.role), one.reason], False) for one in columns],
    )
    plain = Settings()
    asked = [f"{name} = {value}" for name, value in found.settings.to_json().items() if value != getattr(plain, name)]
    settings = bullets(asked) or paragraph("Nothing: every option had its default.")
    return (
        bullets(lines) + folded(f"What the {len(columns)} columns are for", roles) + folded("What was asked", settings)
    )


def _foot(found: Findings) -> str:
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(found.created))
    words = f"Begun {began}; written by Tamis {__version__}. Nothing on this page is fetched from elsewhere."
    return f"<footer>{clean(words)}</footer>"
