"""What every component must obey: its record, its space, its cost, and how its fits behave on tiny data."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import isfinite
from typing import Any

import numpy as np

from tamis.checks.expect import expect
from tamis.core.component import BuildContext, Component, ComponentKind, Shape
from tamis.core.errors import InternalError
from tamis.core.kinds import CODE_ROLES, Role, TaskKind
from tamis.core.seeds import generator
from tamis.core.space import Int, Parameters, Space

ROWS, COLUMNS, CLASSES = 80, 4, 3
FOUND_OUT = {"rounds": 12, "learning_rate": 0.2, "epochs": 4, "share": 1.0, "sharpness": 1.0}
"""As if another fold had found it out: searching for rounds on tiny data would take most of the checks' time."""
DIP = 0.15
"""More rows may cost less where a method changes with them (fewer inner splits, no second fit), but not far less."""
ROW_GRID = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
SAMPLE_LIMIT_S = 10.0
"""The slice that fits with drawn parameters are built for."""


@dataclass(frozen=True)
class TinyPicture:
    """Stands in for what a cell of an image column holds: a picture of one grey."""

    level: int

    @property
    def key(self) -> bytes:
        """Return a hash of its content."""
        return self.level.to_bytes(16, "big")

    def pixels(self, height: int, width: int, channels: int) -> np.ndarray:
        """Return it as uint8."""
        return np.full((height, width, channels), 40 * self.level, dtype=np.uint8)


RoundTrip = Callable[[Any], Any]
"""(fitted) -> the same after it was saved with the component's allow-list, and loaded."""


def check_component(
    component: Component, *, round_trip: RoundTrip | None = None, n_samples: int = 5, seed: int = 0
) -> None:
    """Run every check below; where the component is not installed, those that need no fit.

    Parameters
    ----------
    component : Component
    round_trip : callable, optional
        Saves a fitted object as runs do, by `component.classes` alone, and loads it again; for components without a
        format of their own, whose saved fits are not looked at where it is left out.
    n_samples : int
        How many parameters are drawn from its space, besides the default.
    seed : int

    Raises
    ------
    AssertionError
        Naming the component and the promise it breaks.
    """
    check_record(component)
    check_space(component, n_samples, seed)
    check_cost(component, n_samples, seed)
    if not component.installed or component.kind not in (ComponentKind.TRANSFORMER, ComponentKind.MODEL):
        return
    fit = check_transformer if component.kind is ComponentKind.TRANSFORMER else check_model
    for task in sorted(component.tasks):
        fit(component, task, _cheap(component.space), round_trip)
        for index in range(n_samples):
            drawn = component.space.sample(generator(seed, "component", index))
            check_builds(component, task, drawn)


def _cheap(space: Space) -> Parameters:
    """Return the defaults with as few trees as the space allows: a promise holds for few as for many."""
    trees = space.parameters.get("n_estimators")
    return space.complete({"n_estimators": trees.low} if isinstance(trees, Int) else {})


def check_record(component: Component) -> None:
    """Hold the record complete: a name, one line for people, where it comes from, a way to save it."""
    name = component.name
    expect(name != "" and name == name.lower() and " " not in name, f"{name!r}: the name is lower case without spaces.")
    expect(bool(component.summary) and "\n" not in component.summary, f"{name}: the summary is one line.")
    if component.kind in (ComponentKind.TRANSFORMER, ComponentKind.MODEL):
        expect("." in component.source, f"{name}: the source is the import path of a class; got {component.source!r}.")
    expect(bool(component.tasks), f"{name}: it serves at least one task.")
    expect((component.dump is None) == (component.load is None), f"{name}: it has both dump and load, or neither.")
    expect(component.module is None or component.extra is not None, f"{name}: an optional module names its extra.")


def check_space(component: Component, n_samples: int = 5, seed: int = 0) -> None:
    """Hold that defaults, draws and neighbours lie in the space, and are JSON."""
    space, name = component.space, component.name
    rng = generator(seed, "space", name)
    for chosen in [space.default(), *(space.sample(rng) for _ in range(n_samples))]:
        space.check(chosen, name)
        space.check(space.neighbour(chosen, rng), name)
        expect(json.loads(json.dumps(chosen)) == chosen, f"{name}: parameters survive JSON; got {chosen!r}.")


def check_cost(component: Component, n_samples: int = 5, seed: int = 0) -> None:
    """Hold the estimates finite, positive, and never falling much with the rows."""
    rng = generator(seed, "cost", component.name)
    chosen = [component.space.default(), *(component.space.sample(rng) for _ in range(n_samples))]
    shapes = list(product((1, 30, 1_000), (1, 2, 10), (0.01, 1.0)))
    for parameters in chosen:
        for columns, classes, density in shapes:
            before = None
            for rows in ROW_GRID:
                cost = component.cost(Shape(rows, columns, classes, density), parameters)
                where = f"{component.name} with {parameters!r} at {rows} rows, {columns} columns, {classes} classes"
                for value in (cost.seconds, cost.memory_mb):
                    expect(isfinite(value) and value > 0, f"{where}: the cost is finite and positive; got {cost}.")
                if before is not None:
                    grows = cost.seconds >= DIP * before.seconds and cost.memory_mb >= DIP * before.memory_mb
                    expect(grows, f"{where}: the cost does not fall far with the rows; {before} became {cost}.")
                before = cost


def context_of(task: TaskKind, X: Any, **changed: Any) -> BuildContext:
    """Return what a component is told when it is built for tiny data."""
    classes = {TaskKind.BINARY: 2, TaskKind.MULTICLASS: CLASSES, TaskKind.REGRESSION: 1}[task]
    settings = {"seed": 7, "threads": 1, "realised": FOUND_OUT, **changed}
    return BuildContext(task, Shape(X.shape[0], X.shape[1], classes), **settings)


def tiny_target(task: TaskKind, signal: np.ndarray) -> np.ndarray:
    """Return a target of shape (n_rows,) that depends on a signal: codes of classes from 0 on, or numbers."""
    if task is TaskKind.REGRESSION:
        return 10.0 + 3.0 * signal
    n_classes = 2 if task is TaskKind.BINARY else CLASSES
    return np.argsort(np.argsort(signal)).astype(np.int64) * n_classes // len(signal)


def tiny_inputs(component: Component, seed: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield, by name, an input of shape (ROWS, columns) for each kind of columns the component takes.

    Numbers and dates (seconds since 1970) are floats, levels are codes, texts an object matrix of strings, images one
    of pictures; NaN, empty texts and None for a picture occur where the component takes missing values.
    """
    rng, roles = generator(seed, "tiny"), component.roles
    holes = rng.random((ROWS, COLUMNS)) < 0.1
    if not roles or roles & {Role.NUMERIC, Role.ORDINAL, Role.BOOLEAN}:
        numbers = rng.normal(size=(ROWS, COLUMNS))
        if roles and Role.NUMERIC not in roles:
            numbers = rng.integers(0, 5 if Role.ORDINAL in roles else 2, (ROWS, COLUMNS)).astype(float)
        yield "numbers", np.where(holes & component.missing, np.nan, numbers)
    if roles & CODE_ROLES:
        codes = rng.integers(0, 5, (ROWS, COLUMNS)).astype(float)
        yield "levels", np.where(holes & component.missing, np.nan, codes)
    if Role.DATE in roles:
        dates = np.floor(rng.uniform(1.0e9, 1.7e9, (ROWS, COLUMNS)))
        yield "dates", np.where(holes & component.missing, np.nan, dates)
    if Role.IMAGE in roles:
        pictures = np.empty((ROWS, 2), dtype=object)
        for place in np.ndindex(pictures.shape):
            gone = component.missing and rng.random() < 0.1
            pictures[place] = None if gone else TinyPicture(int(rng.integers(0, 6)))
        yield "images", pictures
    if Role.TEXT in roles:
        words = np.array(["red", "green", "blue", "a long", "short", "sentence", "of", "wörds", "12 kg"])
        texts = np.empty((ROWS, 2), dtype=object)
        for place in np.ndindex(texts.shape):
            texts[place] = " ".join(words[rng.integers(0, len(words), int(rng.integers(0, 6)))])
        yield "texts", texts


def _signal(X: Any) -> np.ndarray:
    if X.dtype == object:
        return np.array([float(one.level if isinstance(one, TinyPicture) else len(one or "")) for one in X[:, 0]])
    return np.nan_to_num(X).sum(axis=1)


def dense(matrix: Any) -> np.ndarray:
    """Return an ordinary array of what a transformer gave."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=float)


def _prepared(fitted: Any, X: Any, y: np.ndarray) -> np.ndarray:
    """Fit a transformer and return the training rows as a model would see them."""
    return (
        dense(fitted.fit_transform(X, y)) if hasattr(fitted, "fit_transform") else dense(fitted.fit(X, y).transform(X))
    )


def _inputs(component: Component) -> Iterator[tuple[str, Any]]:
    """Yield the dense inputs, then a sparse one where the component takes it."""
    yield from tiny_inputs(component)
    if component.sparse:
        from scipy.sparse import csr_matrix

        rng = generator(1, "tiny")
        yield "sparse numbers", csr_matrix(rng.normal(size=(ROWS, COLUMNS)) * (rng.random((ROWS, COLUMNS)) < 0.4))


def check_builds(component: Component, task: TaskKind, parameters: Mapping[str, Any]) -> None:
    """Hold that it is built and fitted with any parameters of its space."""
    for _, X in tiny_inputs(component):
        y = tiny_target(task, _signal(X))
        context = context_of(task, X, limit_s=SAMPLE_LIMIT_S)
        fitted = component.build(parameters, context)
        if component.kind is ComponentKind.TRANSFORMER:
            out = _prepared(fitted, X, y)
        else:
            fitted.fit(X, y, **_categories(component, ()))
            out = _predictions(fitted, X, task)
        expect(len(out) == ROWS, f"{component.name} with {parameters!r} gives a row for every row.")


def check_transformer(
    component: Component, task: TaskKind, parameters: Mapping[str, Any], round_trip: RoundTrip | None = None
) -> None:
    """Hold shapes, determinism, independence of rows, codes where they are promised, and a plain state."""
    for kind, X in _inputs(component):
        where = f"{component.name} on {kind} for {task}"
        y = tiny_target(task, _signal(dense(X) if kind.startswith("sparse") else X))
        fitted = component.build(parameters, context_of(task, X))
        train = _prepared(fitted, X, y)
        out = dense(fitted.transform(X))
        expect(train.ndim == 2 and len(train) == ROWS, f"{where}: the output is a matrix with a row for every row.")
        expect(out.shape == train.shape, f"{where}: transform gives the columns of fit_transform.")
        few = dense(fitted.transform(X[3:4]))
        same = np.allclose(few, out[3:4], equal_nan=True, atol=1e-6)
        expect(same, f"{where}: a row is transformed the same, alone or among others.")
        if component.codes:
            known = out[~np.isnan(out)]
            expect(bool(np.all((known >= 0) & (known == np.floor(known)))), f"{where}: the output columns are codes.")
        if component.deterministic:
            again = _prepared(component.build(parameters, context_of(task, X)), X, y)
            expect(np.allclose(again, train, equal_nan=True), f"{where}: the same seed gives the same columns.")
        if not component.supervised:
            other = component.build(parameters, context_of(task, X))
            expect(
                np.array_equal(_prepared(other, X, generator(2, "tiny").permutation(y)), train, equal_nan=True),
                f"{where}: it fits the same whatever the target is; else its record says supervised.",
            )
        loaded = _saved(component, fitted, round_trip)
        expect(
            np.allclose(dense(loaded.transform(X)), out, equal_nan=True), f"{where}: a saved fit transforms the same."
        )


def check_model(
    component: Component, task: TaskKind, parameters: Mapping[str, Any], round_trip: RoundTrip | None = None
) -> None:
    """Hold shapes, a column for every class, weights, categories, determinism, realised values, and a plain state."""
    for kind, X in _inputs(component):
        where = f"{component.name} on {kind} for {task}"
        y = tiny_target(task, _signal(dense(X) if kind.startswith("sparse") else X))
        context = context_of(task, X)
        fitted = component.build(parameters, context)
        fitted.fit(X, y, **_categories(component, ()))
        out = _predictions(fitted, X, task)
        _check_predictions(out, context, where)
        expect(_predictions(fitted, X[3:4], task).shape == out[3:4].shape, f"{where}: it predicts a single row.")
        if component.deterministic:
            again = component.build(parameters, context_of(task, X))
            again.fit(X, y, **_categories(component, ()))
            expect(np.allclose(_predictions(again, X, task), out), f"{where}: the same seed gives the same fit.")
        realised = getattr(fitted, "realised_", {})
        expect(json.loads(json.dumps(realised)) == realised, f"{where}: what it realised is JSON; got {realised!r}.")
        component.build(parameters, context_of(task, X, realised=realised)).fit(X, y, **_categories(component, ()))
        loaded = _saved(component, fitted, round_trip)
        expect(np.allclose(_predictions(loaded, X, task), out, atol=1e-6), f"{where}: a saved fit predicts the same.")
    _check_weights_and_levels(component, task, parameters)
    if task.is_classification:
        _check_absent_class(component, task, parameters)


def _check_weights_and_levels(component: Component, task: TaskKind, parameters: Mapping[str, Any]) -> None:
    """Fit with weights, and with a column of codes, where the component takes them."""
    _, X = next(tiny_inputs(component))
    y = tiny_target(task, _signal(X))
    if component.takes_weights:
        weight = 0.5 + generator(2, "tiny").random(ROWS)
        weighted = component.build(parameters, context_of(task, X))
        weighted.fit(X, y, sample_weight=weight, **_categories(component, ()))
        _check_predictions(_predictions(weighted, X, task), context_of(task, X), f"{component.name} with weights")
    if component.takes_categories:
        coded = X.copy()
        coded[:, 0] = generator(3, "tiny").integers(0, 4, ROWS)
        if component.missing:
            coded[::9, 0] = np.nan
        levelled = component.build(parameters, context_of(task, coded))
        levelled.fit(coded, y, **_categories(component, (0,)))
        unknown = coded.copy()
        unknown[0, 0] = 99.0
        _check_predictions(_predictions(levelled, unknown, task), context_of(task, X), f"{component.name} with levels")


def _check_absent_class(component: Component, task: TaskKind, parameters: Mapping[str, Any]) -> None:
    """Hold that a class without a row in the training part still has its column."""
    _, X = next(tiny_inputs(component))
    y = tiny_target(task, _signal(X))
    context = context_of(task, X)
    kept = y < context.shape.classes - 1
    fitted = component.build(parameters, context)
    fitted.fit(X[kept], y[kept], **_categories(component, ()))
    _check_predictions(_predictions(fitted, X, task), context, f"{component.name} for {task} without the last class")


def _categories(component: Component, columns: tuple[int, ...]) -> dict[str, Any]:
    return {"categories": list(columns)} if component.takes_categories else {}


def _predictions(fitted: Any, X: Any, task: TaskKind) -> np.ndarray:
    return np.asarray(fitted.predict_proba(X) if task.is_classification else fitted.predict(X), dtype=float)


def _check_predictions(out: np.ndarray, context: BuildContext, where: str) -> None:
    classes = context.shape.classes
    shape = (context.shape.rows, classes) if context.task.is_classification else (context.shape.rows,)
    expect(out.shape == shape, f"{where}: predictions have the shape {shape}; got {out.shape}.")
    expect(bool(np.isfinite(out).all()), f"{where}: predictions are finite.")
    if context.task.is_classification:
        proper = bool((out >= 0).all()) and np.allclose(out.sum(axis=1), 1.0, atol=1e-5)
        expect(proper, f"{where}: probabilities are not negative and sum to 1.")


def _saved(component: Component, fitted: Any, round_trip: RoundTrip | None) -> Any:
    """Save a fit and load it again: in its own format, or as runs do with its allow-list."""
    if component.dump is not None and component.load is not None:
        files = component.dump(fitted)
        named = all(isinstance(name, str) and isinstance(content, bytes) for name, content in files.items())
        expect(bool(files) and named, f"{component.name}: dump gives bytes by name.")
        return component.load(files)
    if round_trip is None:
        return fitted
    try:
        return round_trip(fitted)
    except InternalError as error:
        raise AssertionError(f"{component.name}: a saved fit holds nothing beyond its allow-list; {error}") from error
