"""The choices of training and what they may be."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import ParameterError
from tamis.neural.training.recipe import Recipe


def test_a_candidates_settings_change_only_what_they_name():
    recipe = Recipe.from_settings({"optimizer": "muon", "cutout": 0.3})
    assert (recipe.optimizer, recipe.cutout) == ("muon", 0.3)
    assert recipe == Recipe(optimizer="muon", cutout=0.3)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"optimiser": "sgd"}, "optimizer"),
        ({"optimizer": "adam"}, "adamw"),
        ({"label_smoothing": 1.5}, "label_smoothing"),
        ({"batch_size": 0}, "batch_size"),
        ({"shift": "far"}, "shift"),
        ({"mixup": float("nan")}, "mixup"),
        ({"warmup": True}, "warmup"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_by_name(settings, named):
    with pytest.raises(ParameterError, match=named):
        Recipe.from_settings(settings)


def test_the_optimizers_own_decay_stands_for_none():
    assert Recipe(weight_decay=None).weight_decay is None
    with pytest.raises(ParameterError, match="learning_rate"):
        Recipe(learning_rate=None)  # type: ignore[arg-type]
