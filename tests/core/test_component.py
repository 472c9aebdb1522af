"""Component records."""

from math import inf

from tamis.core.component import BuildContext, Component, ComponentKind, Shape, negligible
from tamis.core.kinds import ANY_TASK, CODE_ROLES, FEATURE_ROLES, Role, TaskKind


def test_a_component_is_installed_where_its_module_is():
    part = {"name": "x", "kind": ComponentKind.MODEL, "build": lambda parameters, context: None}
    assert Component(**part).installed and Component(**part, module="json").installed
    assert not Component(**part, module="no_such_module", extra="boost").installed


def test_a_context_has_no_limits_of_its_own():
    context = BuildContext(TaskKind.BINARY, Shape(10, 2, 2))
    assert context.limit_s == context.memory_mb == inf
    assert context.shared is not BuildContext(TaskKind.BINARY, Shape(10, 2, 2)).shared


def test_the_negligible_cost_grows_with_the_cells():
    small, large, thin = (
        negligible(Shape(rows, 10, 1, density), {}) for rows, density in ((10, 1), (10**6, 1), (10**6, 0.1))
    )
    assert 0 < small.seconds < thin.seconds < large.seconds < 1.0
    assert small.memory_mb < thin.memory_mb < large.memory_mb


def test_kinds_are_consistent():
    assert CODE_ROLES < FEATURE_ROLES and not Role.TARGET.is_feature and Role.TEXT.is_feature
    assert [task for task in sorted(ANY_TASK) if not task.is_classification] == [TaskKind.REGRESSION]
