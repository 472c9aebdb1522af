"""A pretrained network as the beginning of a training: its head is solved first, then everything learns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.contracts import Context
from tamis.neural.backbones.kept import read_spec
from tamis.neural.fresh import fresh_network
from tamis.neural.training.batches import ImageData, Scaling
from tamis.neural.training.recipe import Recipe
from tamis.neural.transfer import PIXELS, solve_head, transfer_network
from tamis.neural.transferred import views_of
from tamis.workflow.images.brief import Brief, Held, shape_of
from tamis.workflow.images.frozen import backbone_of, features_of
from tamis.workflow.images.ladder import BACKBONE, frozen_node


@dataclass(frozen=True)
class Start:
    """What a training begins with."""

    network: Any
    scaling: Scaling | None = None
    """How it wants its images; None where that is found from them."""
    spec: Mapping[str, Any] | None = None
    """Of its backbone, where it has one."""

    def adapt(self, recipe: Recipe) -> None:
        """Train adapters instead of a backbone's weights, where the recipe says so; no weights may be loaded then."""
        if self.spec is not None:
            self.network.adapt(int(recipe.rank))

    def merge(self, trained: Any) -> None:
        """Make what adapters have learned a part of the weights of a trained network."""
        if self.spec is not None:
            trained.merge()


def started(brief: Brief, tree: Candidate, context: Context, *, rows: np.ndarray, seed: int, solve: bool) -> Start:
    """Build the network that a candidate names: with weights drawn from the seed, or on a pretrained one.

    Parameters
    ----------
    brief : Brief
    tree : Candidate
    context : Context
    rows : ndarray
        The images that it will learn from.
    seed : int
    solve : bool
        Whether the head of a pretrained one is solved now; no other weights come that replace it.
    """
    images = Held.of(brief, context).images
    shape, n_outputs = shape_of(images), brief.task.n_outputs
    body = tree.children[0] if tree.children else tree
    if body.component != BACKBONE:
        return Start(fresh_network(tree, shape, n_outputs, seed))
    content = backbone_of(brief, body, context)
    recipe = Recipe.from_settings(tree.settings)
    network = transfer_network(content, shape, views_of(body), n_outputs, recipe.dropout)
    found = ImageData(images.images, images.y, rows=rows).scaled()
    scaling = replace(PIXELS, target_mean=found.target_mean, target_spread=found.target_spread)
    if solve:
        goal = np.asarray(images.y[rows])
        if scaling.target_mean:
            goal = ((goal - scaling.target_mean[0]) / scaling.target_spread[0]).astype(np.float32)
        solve_head(network, features_of(brief, frozen_node(body), context)[rows], goal)
    network.freeze(recipe.frozen)
    return Start(network, scaling, read_spec(content).to_json())
