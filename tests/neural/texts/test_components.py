import subprocess
import sys
from dataclasses import replace

import pytest

from tamis.checks.component import check_component, check_cost
from tamis.core.space import Choice, Space
from tamis.neural.texts.components import COMPONENTS, embedding_space, training_s
from tamis.store.parts import dump_part, load_part


@pytest.mark.extras
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_every_one_keeps_the_promises_of_a_component(component, tiny):
    known = dict(component.space.parameters) | {"backbone": Choice([str(tiny)])}
    if "epochs" in known:
        known |= {"epochs": Choice([1])}
    quick = replace(component, space=Space(known))
    check_component(
        quick,
        round_trip=lambda made: load_part(dump_part(made, component.classes), component.classes),
        n_samples=1,
    )


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_what_it_costs_is_finite_and_does_not_fall_with_the_rows(component):
    check_cost(component)


def test_the_catalogue_can_list_them_without_torch():
    names = "import sys, tamis.neural.texts.components; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_search_draws_from_the_encoders_of_the_run_alone():
    assert embedding_space(("mine",)).parameters["backbone"].options == ("mine",)


def test_fine_tuning_takes_longer_than_reading():
    assert training_s("e5-small-v2", 1_000, 2e5, epochs=3) > training_s("e5-small-v2", 1_000, 2e5, epochs=1)
