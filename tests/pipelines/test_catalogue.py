import pytest

from tamis.checks.component import check_component
from tamis.core.component import Component, ComponentKind
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.store.parts import dump_part, load_part

ELSEWHERE = ("text_transformer", "image_embedding")
"""Checked in tests/neural/texts, with a tiny encoder, and tests/neural/images, with a cache of its own."""

EVERY = [
    one
    for one in builtin().values()
    if one.kind in (ComponentKind.TRANSFORMER, ComponentKind.MODEL) and one.name not in ELSEWHERE
]


@pytest.mark.parametrize("component", EVERY, ids=lambda one: one.name)
def test_every_component_keeps_the_promises_of_its_family(component):
    check_component(
        component,
        round_trip=lambda fitted: load_part(dump_part(fitted, component.classes), component.classes),
        n_samples=0,
    )


def test_names_are_unique_over_all_rooms():
    names = [one.name for one in EVERY]
    assert len(names) == len(set(names))


def test_a_component_of_the_users_own_replaces_one_of_the_same_name():
    own = Component("ridge", ComponentKind.MODEL, lambda parameters, context: None, source="mine.Ridge")
    assert builtin([own])["ridge"] is own


def test_what_is_not_installed_is_left_out():
    absent = Component("absent", ComponentKind.MODEL, lambda parameters, context: None, module="no_such_module")
    assert "absent" not in Catalogue([absent])
