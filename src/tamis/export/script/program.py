"""The words of a script itself: what it is, how its members are made, and how its main part goes."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tamis.core.candidate import Candidate
from tamis.ensemble.calibration import Calibrator
from tamis.ensemble.threshold import DecisionRule
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.export.script.definitions import Definitions
from tamis.export.script.writing import literal

FOLDS = "tamis.export.script.carried.folds"
TABLE = "tamis.export.script.carried.table"
SEEDED = re.compile(r"[=:] ?seed\b")
"""An expression that uses the seed of its fold."""
ONE_THREAD = """import os

# Before anything else: with several threads sums are taken in another order, and trees may split elsewhere for it.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1\"
"""
END = 'if __name__ == "__main__":\n    main()'


@dataclass(frozen=True)
class Facts:
    """What the main part of a script depends on."""

    definitions: Definitions
    is_classification: bool
    scheme: Scheme | None
    """None where every model learns from all rows."""
    copies: list[str]
    """The columns in which rows are compared, where equal ones stay together."""
    weight: str
    """The column of weights; empty where there is none."""
    group: str
    levelled: list[str]
    calibration: Calibrator | None
    rule: DecisionRule | None
    n_rows: int
    evens_out: bool
    """Whether a member weighs rare classes up."""
    told: bool = False
    """Whether preparations are told which rows stay together."""

    @property
    def clusters(self) -> bool:
        """Whether some rows stay together."""
        return self.told or (bool(self.copies or self.group) and self.scheme is not None)


def docstring(*, name: str, target: str, recipe: Any, libraries: Mapping[str, str], written_by: str) -> str:
    """Return the first words of a script."""
    n_models = sum(len(one.units) for one in recipe.members)
    what = "one model" if n_models == 1 else f"the weighted mean of {n_models} models of {len(recipe.members)} kinds"
    quoted, name = (one.replace("\\", "\\\\").replace('"""', "'''") for one in (target, name))
    score = ""
    if recipe.estimate is not None:
        one = recipe.estimate
        score = (
            f"\nOn rows that it has not seen its {recipe.task.metric.name} is expected to be {one.value:.4g}, "
            f"between {one.low:.4g}\nand {one.high:.4g} nine times in ten.\n"
        )
    needed = ", ".join(f"{library} {number}".strip() for library, number in libraries.items())
    how = (
        "How it goes: `read` and `typed` take the file apart, `features` makes numbers of it. Each function "
        "`prepare_...` makes a preparation of the columns, each function `model_...` a model on top of one. "
        "`fit_and_predict` trains them on all rows or on those of the folds, and averages what they predict."
    )
    written = f"Written by {written_by}. Tried with {needed}; other versions may predict slightly otherwise."
    return f'''"""Predicts {quoted}: trains {what} on a table, then predicts the rows of another.

    python {name} TRAIN TEST -o PREDICTIONS

TRAIN is the file that the model was found on, with the target. TEST has the same columns. PREDICTIONS will be CSV.
{score}
{textwrap.fill(how, 120)}

{textwrap.fill(written, 120)}
"""'''


def preparation(name: str, tree: Candidate, text: str, told: bool = False) -> str:
    """Return the function that makes a preparation; `told` where it hears which rows stay together."""
    steps = dict.fromkeys(one.component for one in tree.walk() if one.component not in ("columns", "join"))
    lines = [
        f"def {name}(fold{', clusters' if told else ''}):",
        f'    """Prepare the columns: {", ".join(steps) or "as they are"}."""',
    ]
    if "(seed" in text:
        lines.append(f'    seed = derive(SEED, "prepare", "{tree.key}", fold)')
    return "\n".join([*lines, "    return " + text.replace("\n", "\n    ")])


def model(name: str, tree: Candidate, text: str, *, summary: str, share: float, fold: str) -> str:
    """Return the function that makes a model.

    Parameters
    ----------
    name : str
    tree : Candidate
    text : str
        The expression.
    summary : str
        What the model is, in a sentence.
    share : float
        Of the answer.
    fold : str
        The expression of the fold that the seed comes from.
    """
    lines = [f"def {name}(fold):", f'    """{summary.rstrip(".")}: {share:.1%} of the answer."""']
    if SEEDED.search(text):
        lines.append(f'    seed = derive(SEED, "model", "{tree.key}", {fold})')
    return "\n".join([*lines, "    return " + text.replace("\n", "\n    ")])


def fit_and_predict(facts: Facts) -> str:
    """Return the function that trains every member and mixes what they predict."""
    need = facts.definitions.need
    lines = []
    if facts.scheme is None:
        lines.append("folds = None")
    else:
        lines.append(_folds(facts, facts.scheme))
    if facts.told:
        lines.append("together = pd.Series(clusters, index=train.index)")
    rows_of = need(FOLDS, "training_rows")
    weighted = bool(facts.weight or facts.evens_out)
    lines += [
        "mixed = 0.0",
        "for prepare, models in MEMBERS:",
        "    for fold in sorted({fold for one in models for fold in one[2]}):",
        f"        rows = {rows_of}(folds, fold, len(y))",
        f"        preparation = prepare(fold{', together' if facts.told else ''})",
        "        matrix = contiguous(preparation.fit_transform(train.iloc[rows], y[rows]))",
        "        unseen = contiguous(preparation.transform(test))",
        f"        for make, share, its_folds{', evenness' if facts.evens_out else ''} in models:",
        "            if fold not in its_folds:",
        "                continue",
        "            model = make(fold)",
    ]
    if weighted:
        lines.append("            heavy = " + ("weight[rows]" if facts.weight else "None"))
    if facts.evens_out:
        even = need("tamis.features.balance", "class_weights")
        lines.append(f"            heavy = {even}(y[rows], evenness, heavy) if evenness else heavy")
    lines.append("            model.fit(matrix, y[rows]" + (", sample_weight=heavy)" if weighted else ")"))
    ask = "predict_proba" if facts.is_classification else "predict"
    lines.append(f"            mixed = mixed + share / len(its_folds) * model.{ask}(unseen)")
    lines.append("return mixed")
    need(TABLE, "contiguous")
    arguments = ["train", "y", "test"] + ["weight"] * bool(facts.weight) + ["clusters"] * facts.clusters
    what = "probabilities" if facts.is_classification else "values"
    body = "\n    ".join(lines)
    return (
        f"def fit_and_predict({', '.join(arguments)}):\n"
        f'    """Train every member on the rows of its folds; return the weighted mean of their {what}."""\n    {body}'
    )


def _folds(facts: Facts, scheme: Scheme) -> str:
    """Return the line that deals the rows out."""
    shared = f"classes={facts.is_classification}, seed=SEED"
    if scheme.kind is SplitKind.HOLDOUT:
        name = facts.definitions.need(FOLDS, "holdout_of")
        return f"folds = {name}(y, {scheme.holdout!r}, {shared}, clusters={'clusters' if facts.clusters else None})"
    shared = f"{scheme.n_folds}, n_repeats={scheme.n_repeats}, {shared}"
    if facts.clusters:
        return f"folds = {facts.definitions.need(FOLDS, 'grouped_folds_of')}(y, {shared}, clusters=clusters)"
    return f"folds = {facts.definitions.need(FOLDS, 'folds_of')}(y, {shared})"


def main(facts: Facts, definitions: Definitions) -> str:
    """Return the function that a script begins with."""
    need = definitions.need
    lines = [
        "parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)",
        'parser.add_argument("train", help="the file to learn from, with the target")',
        'parser.add_argument("test", help="the file whose rows are predicted")',
        'parser.add_argument("-o", "--output", default="predictions.csv", help="the CSV file to write")',
        "arguments = parser.parse_args()",
        "cells = typed(read(arguments.train))",
    ]
    if facts.is_classification:
        lines += [f"y = {need(TABLE, 'codes_of')}(cells[TARGET], CLASSES)", "known = y >= 0"]
    else:
        lines += ["y = cells[TARGET].to_numpy()", "known = np.isfinite(y)"]
    given = ["train", "y[known]", "test"]
    if facts.weight:
        lines += [f"weight = cells[{literal(facts.weight)}].to_numpy()", "known &= weight > 0"]
        given.append("weight[known]")
    lines += [
        f"if known.sum() != {facts.n_rows}:",
        f'    print(f"The model was found on {facts.n_rows} rows; {{known.sum()}} are given: it will be another one.")',
    ]
    if facts.levelled:
        order, factorize = need("tamis.data.raw_column", "natural_order"), need("tamis.data.convert", "factorize")
        lines += [
            f"levels = {{name: {order}({factorize}(cells[name])[1]) for name in {literal(facts.levelled)}}}".replace(
                "\n", "\n"
            )
        ]
    else:
        lines.append("levels = {}")
    lines += ["train = features(cells, levels)[known]", "test = features(typed(read(arguments.test)), levels)"]
    if facts.clusters:
        lines += _clusters(facts)
        given.append("clusters")
    lines.append(f"prediction = fit_and_predict({', '.join(given)})")
    lines += _answers(facts)
    body = "\n".join(lines).replace("\n", "\n    ")
    return f'def main():\n    """Read, train, predict and write."""\n    {body}'


def _clusters(facts: Facts) -> list[str]:
    """Return the lines that say which rows stay on one side of a split."""
    need = facts.definitions.need
    name = need(FOLDS, "clusters_of")
    columns = literal(facts.copies) if facts.copies else "[]"
    group = f"cells[{literal(facts.group)}]" if facts.group else "None"
    return [f"clusters = {name}(cells, {columns}, {group}, known)"]


def _answers(facts: Facts) -> list[str]:
    """Return the lines that make the file of predictions."""
    if not facts.is_classification:
        lines = ['answers = pd.DataFrame({"prediction": prediction})']
    else:
        lines = []
        if facts.calibration is not None and facts.calibration.method != "none":
            name = facts.definitions.need("tamis.ensemble.calibration", "Calibrator")
            facts.definitions.need("tamis.ensemble.calibration", "_softmax")
            made = f"{name}({literal(facts.calibration.method)}, {literal(tuple(facts.calibration.parameters))})"
            lines.append(f"prediction = {made}.apply(prediction)")
        decided = "prediction"
        if facts.rule is not None and not facts.rule.is_plain:
            decided = f"(prediction * np.array({literal(list(facts.rule.factors))}))"
            lines.append("# The metric looks at labels: a class is chosen where its probability times this is largest.")
        lines += [
            f"labels = np.array(CLASSES, dtype=object)[{decided}.argmax(axis=1)]",
            'answers = pd.DataFrame({"prediction": labels})',
            "for number, label in enumerate(CLASSES):",
            '    answers[f"probability_{label}"] = prediction[:, number]',
        ]
    return [*lines, 'answers.to_csv(arguments.output, index=False, lineterminator="\\n")']
