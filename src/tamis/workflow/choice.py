"""Which models and steps a run on a table may use: what its options `include` and `exclude` leave."""

from collections.abc import Iterable, Sequence

from tamis.core.candidate import Candidate
from tamis.core.component import ComponentKind
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.kinds import TaskKind
from tamis.pipelines.catalogue import Catalogue
from tamis.workflow.settings import Settings

CONSTANT = "dummy"
"""The model that answers the same for every row: it is no choice."""

CHOSEN = (ComponentKind.MODEL, ComponentKind.TRANSFORMER, ComponentKind.PREDICTIONS)
"""What may be left out; columns and what joins them are the tree itself."""


def left_out(settings: Settings, catalogue: Catalogue, kind: TaskKind) -> tuple[str, ...]:
    """Return the names of the models and steps that are not to be used.

    What is known and not installed here may be named too: the same options serve on every machine.

    Raises
    ------
    ParameterError
        Where a name is unknown, or no model for the task is left.
    """
    known = {one.name: one for one in (*catalogue.not_installed, *catalogue.values()) if one.kind in CHOSEN}
    models = {name: one for name, one in known.items() if one.kind is ComponentKind.MODEL and name != CONSTANT}
    for parameter, names, among in (("include", settings.include, models), ("exclude", settings.exclude, known)):
        for name in names:
            if name not in among:
                raise wrong_choice(parameter, name, sorted(among))
    out = set(settings.exclude)
    if settings.include:
        out |= models.keys() - set(settings.include)
    if not any(name in catalogue and name not in out and kind in one.tasks for name, one in models.items()):
        raise ParameterError(
            f"The parameters 'include' and 'exclude' leave no model for {kind} that is installed; include another, or "
            "exclude fewer."
        )
    return tuple(sorted(out))


def allowed(candidates: Iterable[Candidate], without: Sequence[str]) -> list[Candidate]:
    """Return the candidates in which no component of these names stands.

    Examples
    --------
    >>> trees = [Candidate.of("ridge", {}, Candidate.of("columns")), Candidate.of("svm", {}, Candidate.of("columns"))]
    >>> [str(one) for one in allowed(trees, ["svm"])]
    ['ridge(columns)']
    """
    return [one for one in candidates if not any(node.component in without for node in one.walk())]
