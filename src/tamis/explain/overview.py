"""What a fitted model shows of itself in a few pictures: in a notebook, or as files."""

import os
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

from tamis.core.candidate import Candidate
from tamis.explain.charts import Attempt, score_chart
from tamis.explain.network_pictures import pictures_of
from tamis.explain.page import figure
from tamis.explain.pipeline_pictures import TREE_WORDS, draw_model
from tamis.explain.svg import clean
from tamis.neural.language.shapes import ImageShape
from tamis.store.atomic import atomic_write
from tamis.workflow.model import Model

CAPTIONS = {
    "score": "Scores on rows that were held out, at the time when each was known; the line is the best so far.",
    "model": TREE_WORDS,
}


class Picture(str):
    """An SVG picture: text, shown by notebooks as what it draws.

    Examples
    --------
    >>> Picture("<svg/>")._repr_svg_()
    '<svg/>'
    """

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all."""
        atomic_write(Path(path), self.encode())


def pictures(model: Model, attempts: Sequence[Attempt], limit_s: float = inf) -> dict[str, Picture]:
    """Draw a search and what it has found.

    Parameters
    ----------
    model : Model
    attempts : sequence of Attempt
        What was scored, and when.
    limit_s : float
        How long the run might take.

    Returns
    -------
    dict of str to Picture
        `score`: scores against time. `model`: the pipelines as a tree; of images the best network, and its cells as
        `model-2` and so on.
    """
    metric = model.task.metric
    chart = score_chart(
        attempts,
        metric.name,
        higher_is_better=metric.higher_is_better,
        limit_s=limit_s if limit_s < inf else None,
    )
    found = {"score": Picture(chart)} if attempts else {}
    drawn = _of_network(model) if model.recipe.images is not None else [draw_model(model)]
    for number, svg in enumerate(drawn if model.recipe.members else [], 1):
        found["model" if number == 1 else f"model-{number}"] = Picture(svg)
    return found


def _of_network(model: Model) -> list[str]:
    form = model.recipe.images
    if form is None or not model.recipe.members:
        return []
    best = max(model.recipe.members, key=lambda one: one.weight)
    shape = ImageShape(form.channels, form.height, form.width)
    return [svg for _, svg in pictures_of(Candidate.from_json(best.candidate), shape, model.task.n_outputs)]


def overview(name: str, model: Model, drawn: Mapping[str, str], n_candidates: int) -> str:
    """Return a piece of HTML that fits light and dark pages: a line, and the pictures.

    Parameters
    ----------
    name : str
        Of the estimator.
    model : Model
    drawn : mapping of str to str
        What `pictures` returned.
    n_candidates : int
        How many were tried.
    """
    estimate, metric = model.recipe.estimate, model.task.metric.name
    words = f"{n_candidates:,} candidates tried" if n_candidates else "loaded from a file"
    if estimate is not None:
        chance = f"{100 * estimate.level:.0f} %: {estimate.low:.4g} to {estimate.high:.4g}"
        words = f"{metric} {estimate.value:.5g} expected on new rows ({chance}), {words}"
    elif not model.recipe.members:
        words = f"nothing could be fitted, the same is predicted for every row; {words}"
    figures = "".join(figure(svg, CAPTIONS.get(key, "")) for key, svg in drawn.items())
    return f'<div class="tamis-overview"><p><strong>{clean(name)}</strong>: {clean(words)}.</p>{figures}</div>'
