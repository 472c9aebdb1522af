"""The training loop: it learns, ends in time, survives trouble, and goes on where it was."""

import math
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.errors import TrialError
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import Setup
from tamis.neural.training.predicting import predict_logits, score
from tamis.neural.training.recipe import OPTIMIZERS, Recipe
from tamis.neural.training.train import Limit, train

QUICK = Recipe(batch_size=32, shift=0.0)


def network(n_outputs=3, dropout=0.0):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, n_outputs),
    )


def bars(n=256, seed=0):
    """Draw bars that stand, lie, or are not there."""
    rng = np.random.default_rng(seed)
    images, targets = rng.integers(0, 120, (n, 8, 8, 1)), rng.integers(0, 3, n)
    for image, target in zip(images, targets, strict=True):
        at = rng.integers(1, 7)
        if target == 1:
            image[at] += 130
        elif target == 2:
            image[:, at] += 130
    return ImageData(images.astype(np.uint8), targets)


def states_equal(one, other):
    return all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_network_learns_and_is_scored_on_other_images(optimizer):
    data, valid = bars(), bars(seed=1)
    rate = 4.0 if optimizer == "adamw" else 1.0
    recipe = Recipe(optimizer=optimizer, batch_size=32, shift=0.0, learning_rate=rate)
    done = train(network(), data, recipe, limit=Limit(epochs=12), setup=Setup(), valid=valid)
    assert done.score is not None and done.score > 0.9
    assert done.score == score(done.network, valid, Setup(), done.scaling)
    assert (done.stopped, done.epochs, done.steps) == ("epochs", 12.0, 96)
    assert done.history[-1].loss < done.history[0].loss
    assert not done.network.training


def test_numbers_are_learned_in_their_unit():
    data = bars()
    brightness = data.images.mean(axis=(1, 2, 3)) * 100 + 5_000
    numbers = ImageData(data.images, np.stack([brightness, -brightness], axis=1))
    for loss in ("huber", "squared"):
        recipe = Recipe(batch_size=32, shift=0.0, learning_rate=0.2, regression_loss=loss)
        done = train(network(2), numbers, recipe, limit=Limit(epochs=15), setup=Setup(), valid=numbers)
        assert done.score is not None and done.score > 0.8
        assert abs(predict_logits(done.network, numbers, Setup(), scaling=done.scaling)[:, 0].mean() - 5_000) < 12_000


def test_every_augmentation_goes_through_the_loop():
    recipe = Recipe(batch_size=32, shift=0.1, flip=True, cutout=0.3, mixup=0.3, clip=1.0, schedule="cosine")
    done = train(network(dropout=0.2), bars(), recipe, limit=Limit(epochs=2), setup=Setup(dtype="bfloat16"))
    assert math.isfinite(done.history[-1].loss) and done.score is None


def test_the_same_seed_gives_the_same_network_again():
    recipe = Recipe(batch_size=32, flip=True, mixup=0.2)
    one, same, other = (
        train(network(dropout=0.3), bars(), recipe, limit=Limit(epochs=1.5), setup=Setup(), seed=seed)
        for seed in (4, 4, 5)
    )
    assert states_equal(one.network, same.network)
    assert not states_equal(one.network, other.network)
    assert [moment.loss for moment in one.history] == [moment.loss for moment in same.history]


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    net = network()
    torch.manual_seed(11)
    train(net, bars(64), QUICK, limit=Limit(epochs=1), setup=Setup())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [0.05, 0.6])
def test_training_ends_within_its_seconds_and_annealed(seconds):
    heard = []
    started = time.monotonic()
    done = train(
        network(),
        bars(),
        QUICK,
        limit=Limit(seconds=seconds),
        setup=Setup(),
        valid=bars(seed=1),
        report=lambda **what: heard.append(what),
    )
    assert time.monotonic() - started < seconds + 0.5
    assert done.stopped == "time"
    if seconds > 0.5:
        assert done.steps > 5 and done.images_per_s > 0 and done.score is not None
        assert heard[-1]["progress"] > 0.9
        assert heard[-1].keys() == {"epoch", "seconds", "loss", "score", "progress", "images_per_s"}


def test_on_a_false_clock_training_and_evaluation_fit_into_the_limit():
    now = [0.0]

    class Slow(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, images):
            now[0] += len(images) * (0.01 if self.training else 0.004)
            return self.inner(images)

    limit = Limit(seconds=60, clock=lambda: now[0])
    done = train(Slow(), bars(), Recipe(batch_size=32), limit=limit, setup=Setup(), valid=bars(seed=1))
    assert 58 < now[0] <= 60
    assert done.score is not None and done.images_per_s == pytest.approx(100)
    evaluations_s = len(done.history) * 256 * 0.004
    assert evaluations_s < 0.12 * 60


def test_what_a_report_raises_ends_the_training():
    def stop(**what):
        raise KeyError("pruned")

    with pytest.raises(KeyError, match="pruned"):
        train(network(), bars(), QUICK, limit=Limit(epochs=5), setup=Setup(), report=stop)


def test_a_network_hears_how_far_the_training_is():
    heard = []

    class Hearing(nn.Sequential):
        def at_progress(self, progress):
            heard.append(progress)

    train(Hearing(network()), bars(64), QUICK, limit=Limit(epochs=4), setup=Setup())
    assert heard[0] == 0.0 and heard == sorted(heard) and heard[-1] == 1 - 1 / len(heard)


class Breaking(nn.Module):
    """Returns no numbers in some forward passes of training."""

    def __init__(self, broken):
        super().__init__()
        self.inner = network()
        self.broken, self.calls = broken, 0

    def forward(self, images):
        if self.training:
            self.calls += 1
            if self.calls in self.broken:
                return self.inner(images) * float("nan")
        return self.inner(images)


def test_a_training_that_lost_its_numbers_goes_back_and_on():
    net = Breaking({12, 30})
    done = train(net, bars(), QUICK, limit=Limit(epochs=12), setup=Setup(), valid=bars(seed=1))
    assert (done.n_restarts, done.stopped, done.steps) == (2, "epochs", 96)
    assert done.score is not None and done.score > 0.8
    assert all(torch.isfinite(one).all() for one in done.network.parameters())


def test_a_training_that_keeps_losing_its_numbers_ends_with_good_ones():
    done = train(Breaking(set(range(20, 999))), bars(), QUICK, limit=Limit(epochs=12), setup=Setup())
    assert (done.stopped, done.n_restarts) == ("diverged", 4)
    assert done.steps < 30
    assert all(torch.isfinite(one).all() for one in done.network.state_dict().values())


class Greedy(nn.Module):
    """Runs out of memory with more than some images at a time."""

    def __init__(self, most):
        super().__init__()
        self.inner = network()
        for module in self.inner:
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        self.most, self.sizes = most, []

    def forward(self, images):
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return self.inner(images)


def test_a_batch_that_is_too_large_is_learned_in_parts():
    net = Greedy(8)
    done = train(net, bars(), QUICK, limit=Limit(epochs=2), setup=Setup())
    assert net.sizes[:7] == [32, 16, 8, 8, 8, 8, 8] and set(net.sizes[7:]) == {8}
    assert done.epochs == 2.0


def test_parts_of_a_batch_give_the_gradient_of_the_whole():
    recipe = Recipe(batch_size=32, mixup=0.2, ema=False)
    done = []
    for most in (32, 8):
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
        torch.manual_seed(0)
        nn.init.normal_(net[1].weight, std=0.1)
        nn.init.zeros_(net[1].bias)
        greedy = Greedy(most)
        greedy.inner = net
        done.append(train(greedy, bars(), recipe, limit=Limit(epochs=1), setup=Setup()).network)
    for whole, parts in zip(done[0].parameters(), done[1].parameters(), strict=True):
        assert torch.allclose(whole, parts, atol=1e-5)


def test_memory_that_never_suffices_ends_the_trial():
    with pytest.raises(TrialError, match="memory"):
        train(Greedy(1), bars(), QUICK, limit=Limit(epochs=1), setup=Setup())


def noise(seed):
    """Bars whose classes cannot be learned."""
    return ImageData(bars(seed=seed).images, np.random.default_rng(seed).integers(0, 3, 256))


PATIENT = Recipe(batch_size=32, patience=3, ema=False, label_smoothing=0.0)


def test_patience_ends_with_the_best_weights():
    valid = noise(1)
    done = train(network(), noise(0), PATIENT, limit=Limit(epochs=50), setup=Setup(), valid=valid)
    assert done.stopped == "patience" and done.epochs < 50
    scores = [moment.score for moment in done.history]
    assert done.score == max(scores) == score(done.network, valid, Setup(), done.scaling)


def test_without_patience_the_validation_images_decide_nothing():
    one, other = (
        train(network(), bars(), QUICK, limit=Limit(epochs=3), setup=Setup(), valid=valid)
        for valid in (bars(seed=1), None)
    )
    assert states_equal(one.network, other.network)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_training_ends_as_the_uninterrupted_one(optimizer, monkeypatch):
    monkeypatch.setattr("tamis.neural.training.train.CHECKPOINT_S", 0.0)
    monkeypatch.setattr("tamis.neural.training.schedule.SAVING_SPACING", 0.0)
    recipe = Recipe(optimizer=optimizer, batch_size=32, flip=True, mixup=0.2)
    same = {"limit": Limit(epochs=3), "setup": Setup(), "seed": 2, "valid": bars(seed=1)}
    saved: list[bytes] = []
    whole = train(network(dropout=0.2), bars(), recipe, checkpoint=saved.append, **same)
    assert len(saved) == whole.steps
    for content in (saved[4], saved[-1]):
        again = train(network(dropout=0.2), bars(), recipe, resume=content, **same)
        assert states_equal(whole.network, again.network)
        assert [moment.score for moment in again.history] == [moment.score for moment in whole.history]


def test_a_resumed_training_remembers_its_best_look(monkeypatch):
    monkeypatch.setattr("tamis.neural.training.train.CHECKPOINT_S", 0.0)
    monkeypatch.setattr("tamis.neural.training.schedule.SAVING_SPACING", 0.0)
    same = {"limit": Limit(epochs=50), "setup": Setup(), "valid": noise(1)}
    saved: list[bytes] = []
    whole = train(network(), noise(0), PATIENT, checkpoint=saved.append, **same)
    again = train(network(), noise(0), PATIENT, resume=saved[-1], **same)
    assert (again.stopped, again.steps, again.score) == ("patience", whole.steps, whole.score)
    assert states_equal(whole.network, again.network)


def test_the_seconds_before_a_checkpoint_count():
    now = [0.0]

    class Slow(nn.Sequential):
        def forward(self, images):
            now[0] += 0.5
            return super().forward(images)

    saved = []
    limit = Limit(seconds=40, clock=lambda: now[0])
    whole = train(Slow(network()), bars(), QUICK, limit=limit, setup=Setup(), checkpoint=saved.append)
    assert len(saved) == 3
    now[0] = 1_000.0
    again = train(Slow(network()), bars(), QUICK, limit=limit, setup=Setup(), resume=saved[1])
    assert now[0] - 1_000 == pytest.approx(20, abs=1.0)
    assert abs(again.steps - whole.steps) <= 1
    assert again.history[-1].seconds == pytest.approx(40, abs=1.0)


def test_a_short_training_forgets_the_first_guess_of_normalisation():
    images = np.full((64, 4, 4, 1), 0, dtype=np.uint8)
    images[::2] = 200
    norm = nn.BatchNorm2d(1)
    net = nn.Sequential(nn.Conv2d(1, 1, 1), norm, nn.Flatten(), nn.Linear(16, 2))
    with torch.no_grad():
        net[0].weight.fill_(50.0)
    recipe = Recipe(batch_size=16, shift=0.0, learning_rate=1e-4)
    train(net, ImageData(images, np.arange(64) % 2), recipe, limit=Limit(epochs=1), setup=Setup())
    assert norm.running_var.item() == pytest.approx(2_500, rel=0.2)
    assert norm.momentum == 0.1
