"""Turns a proposal for images into an outcome: train and score a network or a head, or look at many together."""

import time
from dataclasses import dataclass

from tamis.core.candidate import BATCH
from tamis.core.contracts import Context
from tamis.core.trial import Outcome, Proposal
from tamis.workflow.images.brief import Brief
from tamis.workflow.images.ladder import is_frozen


@dataclass(frozen=True)
class ImageObjective:
    """Trains the network that a proposal names on a fold's images and scores it on those held out."""

    brief: Brief

    def __call__(self, proposal: Proposal, context: Context) -> Outcome:
        """Train the network, or score the batch of networks, that the proposal names."""
        # Torch comes with these: the process that plans the run does without it.
        from tamis.workflow.images import frozen, signals, training

        began = time.perf_counter()
        if proposal.candidate.component == BATCH:
            return signals.look(self.brief, proposal, context, began)
        if is_frozen(proposal.candidate):
            return frozen.frozen_one(self.brief, proposal, context, began)
        return training.train_one(self.brief, proposal, context, began)
