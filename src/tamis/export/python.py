"""Writes a model for tables as one program of scikit-learn and the boosters used, which trains it anew."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tamis.core.candidate import Candidate
from tamis.core.errors import DataError, ParameterError, wrong_choice
from tamis.core.kinds import Role
from tamis.core.seeds import derive
from tamis.core.version import __version__
from tamis.data.layout import NUMBER
from tamis.evaluate.scheme import SplitKind
from tamis.export.script import program
from tamis.export.script.definitions import Definitions
from tamis.export.script.models import ModelWriter, Units, model_seeds
from tamis.export.script.preparation import PreparationWriter
from tamis.export.script.stacked import StackWriter, streams_of
from tamis.export.script.tables import BESIDE, TableWriter
from tamis.export.script.writing import Writer, bracketed, literal
from tamis.pipelines import compile as pipelines
from tamis.pipelines.catalogue import PREDICTIONS
from tamis.pipelines.compile import CLASS_WEIGHT
from tamis.store.atomic import atomic_write
from tamis.workflow.mixing import Member
from tamis.workflow.model import Model
from tamis.workflow.objective import ALL_ROWS


def export_python(
    model: Model, path: str | os.PathLike[str], *, target: str = "target", without: Sequence[str] = ()
) -> Path:
    """Write a model for tables as a program that trains it anew and predicts.

    `python FILE TRAIN TEST -o PREDICTIONS` needs scikit-learn, pandas and the boosters that are used, but not Tamis.
    Given the file that the model was trained on, it predicts what the model predicts.

    Parameters
    ----------
    model : Model
    path : path
        Ends in .py.
    target : str
        The column of TRAIN with the target, where the model was not fitted from a file that says it.
    without : sequence of str
        Members to leave out, by the name of their model; the others share the answer among them.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        Where a part of the model cannot be written so; it is named.
    DataError
        Where the model holds nothing that was trained.
    """
    place = Path(path)
    if place.suffix != ".py":
        raise ParameterError(f"The parameter 'path' must end in .py; got {os.fspath(path)!r}.")
    atomic_write(place, script_of(model, target=target, name=place.name, without=without).encode())
    return place


def script_of(model: Model, *, target: str = "target", name: str = "pipeline.py", without: Sequence[str] = ()) -> str:
    """Return the program that trains a model for tables anew.

    Parameters
    ----------
    model : Model
    target : str
        The column with the target, where the model does not know it.
    name : str
        What the program's own words call it.
    without : sequence of str
        Members to leave out, by the name of their model.

    Raises
    ------
    ParameterError, DataError
        As `export_python`.
    """
    return _Script(_left(model, without), target, name).text()


def _left(model: Model, without: Sequence[str]) -> Model:
    """Return the model without some of its members; what is expected of it is not known then."""
    recipe = model.recipe
    names = [Candidate.from_json(one.candidate).component for one in recipe.members]
    for name in without:
        if name not in names:
            raise wrong_choice("without", name, dict.fromkeys(names))
    left = tuple(one for one, name in zip(recipe.members, names, strict=True) if name not in without)
    if not without:
        return model
    if not left:
        raise ParameterError(f"Nothing is left of the model without {', '.join(map(repr, without))}; leave out fewer.")
    return Model(replace(recipe, members=left, estimate=None), model.parts, model.catalogue)


class _Script:
    """The parts of one script, put together."""

    def __init__(self, model: Model, target: str, name: str) -> None:
        self.model = model
        self.recipe = model.recipe
        self.name = name
        self._refuse_whole()
        assert self.recipe.origin is not None
        self.origin = self.recipe.origin
        schema = model.schema
        self.target = schema.target or target
        self.definitions = Definitions()
        self.tables = TableWriter(self.definitions, schema, self.recipe.layout, self.target)
        self.groups: dict[str, list[str]] = {}
        self.prepared: dict[str, str] = {}
        """The name of each preparation, by what its function does."""
        self.functions: list[str] = []
        self.entries: dict[str, list[str]] = {}
        self.is_classification = model.task.kind.is_classification
        self._refuse_target()

    def _refuse_whole(self) -> None:
        """Refuse what no script can be made of."""
        recipe = self.recipe
        if recipe.images is not None:
            raise ParameterError("The model is one for images; `export_network` writes its network as Python.")
        if not recipe.members:
            raise DataError("No candidate could be fitted in the time given; there is nothing to export.")
        if recipe.origin is None:
            raise ParameterError(
                "The model was saved by an earlier version, which did not keep what training it anew needs (the "
                "seed, the folds). Fit it again, or export a bundle."
            )
        if recipe.schema is not None and recipe.schema.sparse:
            raise self.refuse("the sparse table", "a script reads files of columns")
        layout = recipe.layout
        if layout is not None and (layout.format != "delimited" or layout.orange):
            name = "Orange file" if layout.orange else f"source of the form {layout.format!r}"
            raise self.refuse(f"the {name}", "a script reads delimited text; save the table as CSV and fit from that")
        images = [one for one in self.model.schema.features if one.role is Role.IMAGE]
        if images:
            raise self.refuse(f"the column of images {images[0].name!r}", "a script reads cells alone")

    def _refuse_target(self) -> None:
        if not self.is_classification and (
            self.recipe.coder.unit or (self.target in self.tables.known and self.tables.kind_of(self.target) != NUMBER)
        ):
            raise self.refuse(f"the target {self.target!r}", "its numbers are written with words or a unit")
        columns = {one.role for one in self.model.schema.columns}
        for name, role in {"weights": Role.WEIGHT, "groups": Role.GROUP}.items():
            if name in self.origin.beside and role not in columns:
                raise self.refuse(f"the {name} of the rows", "they came beside the table, not as a column of it")

    @staticmethod
    def refuse(part: str, why: str, *, member: str = "") -> ParameterError:
        """Make the error for a part that cannot be exported; a part of a member can be left out with it."""
        leave = f"Leave it out (--without {member}; without=['{member}'] in Python), or export" if member else "Export"
        return ParameterError(
            f"The model cannot be exported as Python: {part} has no form in a script ({why}). {leave} a bundle "
            "(--to bundle)."
        )

    def text(self) -> str:
        """Return the whole script."""
        for number, one in enumerate(self.recipe.members, 1):
            self._member(number, one)
        if any("derive(" in one for one in self.functions):
            self.definitions.need("tamis.core.seeds", "derive")
        body = [
            *self.functions,
            self._table(),
            self.tables.read(),
            self.tables.typed(),
            self.tables.features(),
            program.fit_and_predict(self._facts()),
            program.main(self._facts(), self.definitions),
        ]
        carried = self.definitions.texts()
        head = [f"{self._docstring()}\n\n{program.ONE_THREAD}\n" + "\n".join(self._imports()), self._constants()]
        divider = "# What follows stands in no library: the steps above make use of it."
        return "\n\n\n".join([*head, *body, divider + "\n\n\n" + "\n\n\n".join(carried), program.END]) + "\n"

    def _facts(self) -> program.Facts:
        origin, schema = self.origin, self.model.schema
        special = {role: [one.name for one in schema.with_role(role)] for role in BESIDE}
        return program.Facts(
            definitions=self.definitions,
            is_classification=self.is_classification,
            scheme=origin.scheme if self._needs_folds() else None,
            copies=[one.name for one in schema.features] if origin.copies else [],
            weight=(special[Role.WEIGHT] or [""])[0],
            group=(special[Role.GROUP] or [""])[0] if "groups" in origin.beside else "",
            levelled=self.tables.levelled,
            calibration=self.recipe.calibration,
            rule=self.recipe.rule,
            n_rows=origin.n_rows,
            evens_out=self.evens_out,
            told=self.tells_clusters,
        )

    def _needs_folds(self) -> bool:
        needed = any(fold != ALL_ROWS for one in self.recipe.members for fold in self._folds(one))
        if needed and self.origin.scheme.kind in (SplitKind.TIME, SplitKind.GIVEN):
            raise self.refuse(
                f"the validation by {self.origin.scheme.kind}",
                "what `tamis refit` makes of the run, fitted on all rows, can be exported",
            )
        return needed

    def _strength(self, member: Member) -> float:
        """Return how far a member weighs rare classes up."""
        settings = Candidate.from_json(member.candidate).settings
        return float(settings.get(CLASS_WEIGHT) or 0.0) if self.is_classification else 0.0

    def _folds(self, member: Member) -> list[int]:
        """Return the folds whose training rows the units have learned from; -1 for all rows."""
        folds = [one.fold for one in member.units]
        tree = Candidate.from_json(member.candidate)
        if folds == [0] and self.origin.out_of_bag and pipelines.is_honest_out_of_bag(tree, self.model.catalogue):
            return [ALL_ROWS]  # one fit on all rows has answered for every fold
        return folds

    def _member(self, number: int, member: Member) -> None:
        """Take in the functions that make one member, and its entry among those of the same preparation."""
        tree = Candidate.from_json(member.candidate)
        component = pipelines.find(tree.component, self.model.catalogue)
        folds, below, seed = self._folds(member), tree.children[0], self.origin.seed
        fitted = [self.model.part(one.preparation) for one in member.units]
        models = [self.model.part(one.model) for one in member.units]
        first = [derive(seed, "prepare", below.key, fold) for fold in folds]
        writer = Writer(self.definitions, folds, streams_of(first))
        refuse = partial(self.refuse, member=tree.component)
        weighted = "weights" in self.origin.beside or bool(self.model.schema.with_role(Role.WEIGHT))
        stacks = StackWriter(
            writer, self.groups, refuse, self.model.task, self.origin.n_rows, first, weighted,
            splits=self.origin.scheme.kind, clustered=self.tells_clusters,
        )  # fmt: skip
        preparations = PreparationWriter(writer, self.groups, refuse, stacks.write)
        prepare = preparations.write(below, fitted, dense=not component.sparse)
        name = f"prepare_{len(self.prepared) + 1}"
        text = program.preparation(name, below, prepare, self.tells_clusters)
        called = self.prepared.setdefault(text.replace(name, "prepare", 1), name)
        if called == name:
            self.functions.append(text)
        seeds = model_seeds(tree, seed, [one.fold for one in member.units])
        writer = Writer(self.definitions, folds, {"seed": seeds})
        by_order = self.origin.scheme.kind in (SplitKind.TIME, SplitKind.GIVEN)
        bound = by_order or self.origin.copies or "groups" in self.origin.beside
        units = Units(tree, models, fitted, seeds, self.origin.n_rows, bound)
        text = ModelWriter(writer, self.model.task, units, refuse).write()
        share, strength = member.weight / sum(one.weight for one in self.recipe.members), self._strength(member)
        fold = "fold" if folds == [one.fold for one in member.units] else literal(member.units[0].fold)
        name = f"model_{number}"
        self.functions.append(program.model(name, tree, text, summary=component.summary, share=share, fold=fold))
        weighed = [literal(strength)] if self.evens_out else []
        for part in sorted(set(member.shares)):  # pipelines of one share are averaged
            some = [fold for fold, of_it in zip(folds, member.shares, strict=True) if of_it == part]
            parts = [name, literal(share * part * len(some)), literal(some), *weighed]
            self.entries.setdefault(called, []).append(bracketed("(", parts, ")"))

    @property
    def tells_clusters(self) -> bool:
        """Whether some rows stay together, and a model inside a preparation heeds it."""
        trees = [Candidate.from_json(one.candidate) for one in self.recipe.members]
        stacked = any(node.component == PREDICTIONS.name for tree in trees for node in tree.walk())
        return stacked and (self.origin.copies or "groups" in self.origin.beside)

    @property
    def evens_out(self) -> bool:
        """Whether a member weighs rare classes up."""
        return any(map(self._strength, self.recipe.members))

    def _table(self) -> str:
        groups = [bracketed("(", [name, bracketed("[", models, "]")], ")") for name, models in self.entries.items()]
        words = (
            '"""What prepares the rows, and what makes each model on top of it, its share of the answer, its folds."""'
        )
        return f"MEMBERS = {bracketed('[', groups, ']')}\n{words}"

    def _constants(self) -> str:
        lines = [f"SEED = {self.origin.seed}", f"TARGET = {literal(self.target)}"]
        if self.is_classification:
            lines.append(f"CLASSES = {literal(list(self.recipe.coder.classes))}")
        lines += [f"{name} = {literal(columns)}" for name, columns in self.groups.items()]
        return "\n".join(lines)

    def _imports(self) -> list[str]:
        self.definitions.library("argparse")
        self.definitions.alias("numpy", "np")
        self.definitions.alias("pandas", "pd")
        return self.definitions.imports()

    def _docstring(self) -> str:
        used = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
        boosters = [library for library, name in used.items() if name in self.definitions.taken]
        needed = ["numpy", "pandas", "scipy", "scikit-learn", *boosters]
        return program.docstring(
            name=self.name,
            target=self.target,
            recipe=self.recipe,
            libraries={one: _version(one) for one in needed},
            written_by=f"Tamis {__version__}",
        )


def _version(library: str) -> str:
    names = {"xgboost": ("xgboost", "xgboost-cpu")}.get(library, (library,))
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:  # installed under another name
            continue
    return ""
