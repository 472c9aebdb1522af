"""Models of small networks that nobody trained."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.kinds import TaskKind
from tamis.data.image_form import ImageForm
from tamis.ensemble.calibration import Calibrator
from tamis.neural.language.genotypes import BEST_EDGES, known
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape
from tamis.neural.members import NAME, NetworkMember
from tamis.store.container import pack
from tamis.tasks.targets import TargetCoder
from tamis.tasks.task import Task
from tamis.workflow.mixing import Member, Unit
from tamis.workflow.model import Model, Recipe

SHAPE = ImageShape(3, 10, 8)
BODIES = {
    "plain": Candidate.of("plain", {"groups": 1, "width_0": 16, "stem_width": 16, "convs": 1}),
    "edge": Candidate.of("edge_network", {"width": 16, "repeats": 1, "stages": 2}, BEST_EDGES),
    "node": known("ENAS").with_parameters(width=8, repeats=1, stages=2),
    "stages": Candidate.of("stage_network", {"stages": 2, "stem_width": 8, "squeeze": True}),
    "graph": start_graphs(SHAPE)[2].children[0],
}
CLASSES = ("cat", 'a "dog"', "owl\n")


def network_of(body: Candidate, n_outputs: int, seed: int, target: Sequence[float]) -> NetworkMember:
    """A network whose statistics are not those it was born with."""
    import torch

    from tamis.neural.building.network import build_network
    from tamis.neural.training.weights import dump_weights

    torch.manual_seed(seed)
    tree = Candidate.of("network", {"flip": True}, body)
    network = build_network(tree, SHAPE, n_outputs).train()
    network(2 * torch.randn(8, SHAPE.channels, SHAPE.height, SHAPE.width))
    scaling = {"mean": [100.0, 120.0, 140.0], "spread": [50.0, 60.0, 70.0]}
    scaling |= {"target_mean": list(target[:1]), "target_spread": list(target[1:])}
    return NetworkMember(tree, SHAPE, n_outputs, dump_weights(network, {"scaling": scaling}))


def images(n_images: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n_images, 10, 8, 3)).astype(np.uint8)


@pytest.fixture
def model_of() -> Callable[..., Model]:
    """Return a function that makes a model of some bodies by name, with falling weights."""

    def make(*names: str, calibration: Calibrator | None = None, regression: bool = False) -> Model:
        import torch

        torch.set_num_threads(1)  # small maps: more threads would only wait for each other
        kind = TaskKind.REGRESSION if regression else TaskKind.MULTICLASS
        classes = () if regression else CLASSES
        parts: dict[str, bytes] = {}
        members = []
        for number, name in enumerate(names):
            network = network_of(BODIES[name], max(1, len(classes)), number, (50.0, 4.0) if regression else ())
            content = pack(network.files(), {"component": NAME, "own format": True}, compressed=False)
            key = sha256(content).hexdigest()
            parts[key] = content
            units = (Unit("", key),)
            members.append(Member(network.tree.to_json(), 3.0 - number, units))
        recipe = Recipe(
            task=Task.of(kind, "rmse" if regression else "accuracy", classes),
            coder=TargetCoder(kind, classes),
            images=ImageForm(height=SHAPE.height, width=SHAPE.width, channels=SHAPE.channels),
            members=tuple(members),
            constant=(50.0,) if regression else (0.3, 0.3, 0.4),
            calibration=calibration,
        )
        return Model(recipe, parts)

    return make


@pytest.fixture
def table_model() -> Model:
    """A model for tables that predicts a constant."""
    recipe: dict[str, Any] = {"task": Task.of("regression", "rmse"), "coder": TargetCoder(TaskKind.REGRESSION)}
    return Model(Recipe(**recipe, constant=(1.0,)), {})
