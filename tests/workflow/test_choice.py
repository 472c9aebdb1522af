"""Which models and steps a run may use."""

from types import SimpleNamespace

import pytest

from tamis.checks.simulator import simulate
from tamis.core.component import Component, ComponentKind
from tamis.core.errors import ParameterError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Outcome, Status
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.workflow.choice import left_out
from tamis.workflow.kinds import Images
from tamis.workflow.settings import TABLE_SEARCHES, Settings
from tamis.workflow.strategies import strategy_for


def scored(proposal):
    loss = 0.1 + 0.01 * sum(1 for _ in proposal.candidate.walk()) + 0.001 * proposal.fold
    return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)


def used(plan):
    """The components of all that a strategy asks in a minute of false time."""
    trials = simulate(strategy_for(plan), scored, limit_s=60.0, slots=2)
    return {node.component for one in trials for node in one.proposal.candidate.walk()}


@pytest.mark.parametrize("search", TABLE_SEARCHES)
def test_no_search_uses_what_is_left_out(planned, search):
    kept = {"logistic", "random_forest", "nearest_neighbors"}
    plan = planned(search=search, time_limit_s=60.0, n_folds=2, include=tuple(kept), exclude=("standardize", "pca"))
    found = used(plan)
    models = {name for name, one in plan.catalogue.items() if one.kind is ComponentKind.MODEL}
    assert found & models and found & models <= kept
    assert not found & {"standardize", "pca"}


def test_a_model_that_no_start_begins_with_is_searched_all_the_same(planned):
    plan = planned(time_limit_s=60.0, n_folds=2, include=("decision_tree",), exclude=("target_statistics", "one_hot"))
    found = used(plan)
    assert "decision_tree" in found and not found & {"target_statistics", "one_hot", "logistic", "lightgbm"}


def test_a_count_of_trials_is_kept_where_no_start_is_left(planned):
    plan = planned(max_trials=4, n_folds=2, include=("decision_tree",), exclude=("target_statistics", "one_hot"))
    trials = simulate(strategy_for(plan), scored, max_asks=40)
    assert {one.proposal.candidate.component for one in trials} == {"decision_tree"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"include": ("lightgmb",)}, r"'include' must be one of .*got 'lightgmb'"),
        ({"include": ("one_hot",)}, "'include' must be one of"),
        ({"exclude": ("logistics",)}, "'exclude' must be one of .*Did you mean 'logistic'"),
        ({"exclude": ("columns",)}, "'exclude' must be one of"),
        ({"include": ("ridge",)}, "leave no model for binary"),
        ({"include": ("logistic",), "exclude": ("logistic",)}, "leave no model for binary"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        left_out(Settings(**options), builtin(), TaskKind.BINARY)


def test_what_is_not_installed_may_be_excluded_and_does_not_count_as_left():
    absent = Component("absent", ComponentKind.MODEL, lambda *_: None, module="no_such_module")
    catalogue = Catalogue([absent, *builtin().values()])
    assert "absent" not in catalogue
    assert "absent" in left_out(Settings(exclude=("absent",)), catalogue, TaskKind.BINARY)
    with pytest.raises(ParameterError, match="installed"):
        left_out(Settings(include=("absent",)), catalogue, TaskKind.BINARY)


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": ("impute",)},
        {"exclude": ("one_hot", "target_statistics", "ordinal_by_target")},
        {"include": ("lightgbm", "histgb"), "exclude": ("impute", "standardize")},
        {"include": ("realmlp",), "time_limit_s": 20.0},
    ],
)
def test_what_can_no_longer_be_written_costs_nothing_but_itself(planned, options):
    if "realmlp" in options.get("include", ()):
        pytest.importorskip("torch")
    plan = planned(**{"time_limit_s": 60.0, "n_folds": 2, **options})
    found = used(plan)
    assert found and not found & set(options.get("exclude", ()))
    assert not options.get("include") or found & set(options["include"])


def test_where_nothing_can_be_fitted_on_the_table_it_is_said(planned):
    pytest.importorskip("torch")
    plan = planned(time_limit_s=60.0, include=("text_transformer",))
    with pytest.raises(ParameterError, match="leave nothing that can be fitted on this table"):
        strategy_for(plan)


def test_a_list_without_any_of_the_models_is_no_search(planned):
    plan = planned(time_limit_s=60.0, search="portfolio", include=("sgd",))
    with pytest.raises(ParameterError, match="choose another search"):
        strategy_for(plan)


def test_nothing_is_left_out_unless_it_is_said():
    assert left_out(Settings(), builtin(), TaskKind.REGRESSION) == ()


def test_the_choice_is_kept_with_the_run():
    settings = Settings(include=("ridge", "lasso"), exclude=("pca",))
    assert Settings.from_json(settings.to_json()) == settings


def test_a_run_on_images_refuses_a_choice_among_models_for_tables():
    context = SimpleNamespace(settings=Settings(exclude=("ridge",)))
    with pytest.raises(ParameterError, match="for images 'space' says"):
        Images().plan(None, context)
