"""The component for image columns keeps its family's promises."""

import subprocess
import sys

import pytest

from tamis.checks.component import check_component, check_cost
from tamis.neural.images.components import COMPONENTS, image_space
from tamis.store.parts import dump_part, load_part


@pytest.mark.extras
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_every_one_keeps_the_promises_of_a_component(component):
    check_component(
        component,
        round_trip=lambda made: load_part(dump_part(made, component.classes), component.classes),
        n_samples=1,
    )


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_what_it_costs_is_finite_and_does_not_fall_with_the_rows(component):
    check_cost(component)


def test_the_catalogue_can_list_them_without_torch():
    names = "import sys, tamis.neural.images.components; print({'torch', 'timm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_search_draws_from_the_networks_of_the_run_alone():
    assert image_space(("mine",)).parameters["backbone"].options == ("mine",)
    assert image_space().parameters["backbone"].options == ("small",)
