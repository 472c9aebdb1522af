"""How images are held out: once where there are plenty, in turn where each of them is needed to learn from."""

from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.workflow.images.brief import enough_epochs

MOST_CROSSED = 5_000
"""Where no more images, heads on frozen features are judged by folds that hold out every image once, and the last
trainings of networks take turns in what they hold out."""

MOST_HELD_OUT = 5_000
"""Images for validation: at 99 % accuracy the standard error is then 0.14 points; more would be lost to training."""

LEAST_FOLDS = 2
"""So many trainings that hold out different parts have learned from all images between them."""


def scheme_for(n_images: int, *, in_turn: bool = True) -> Scheme:
    """Hold out a fifth of few images, in turn where time allows, less of many.

    Parameters
    ----------
    n_images : int
    in_turn : bool
        Whether several networks may hold out different parts: not where an image may take only so long, so that one
        predicts alone; nor where weights are given, which may have learned from whatever the first part does not hold
        out, so that another part would tell no honest score.

    Examples
    --------
    >>> scheme_for(500).n_folds, scheme_for(100_000).holdout
    (5, 0.05)
    """
    if in_turn and n_images <= MOST_CROSSED:
        n_folds = 5 if n_images < 1_000 else 6
        how = f"one part of {n_folds} held out in the search, others in turn by last trainings as far as time allows"
        return Scheme(n_folds=n_folds, reason=f"{n_images:,} images: {how}")
    share = 0.2 if n_images < 1_000 else 0.15 if n_images < 10_000 else min(0.1, MOST_HELD_OUT / n_images)
    return Scheme(kind=SplitKind.HOLDOUT, holdout=share, reason=f"{n_images:,} images: {100 * share:.0f} % held out")


def folds_to_train(n_folds: int, beside: int, epochs: float, n_images: int) -> int:
    """Return on how many folds the best network is trained in the end.

    Networks that run beside each other hold out different parts at no cost; more of them one after the other are
    shorter, so that there are only as many as learn enough.

    Parameters
    ----------
    n_folds : int
        As there are.
    beside : int
        Trainings that run beside each other.
    epochs : float
        That one of them would come to alone in the time that is left.
    n_images : int

    Examples
    --------
    >>> [folds_to_train(6, 2, epochs, n_images=2_000) for epochs in (5.0, 40.0, 70.0, 500.0)]
    [2, 2, 4, 6]
    >>> folds_to_train(6, 1, 50.0, n_images=2_000), folds_to_train(1, 2, 500.0, n_images=50_000)
    (1, 1)
    """
    able = min(n_folds, max(beside, int(epochs * beside / enough_epochs("fold", n_images))))
    return able - able % beside if able > beside else able
