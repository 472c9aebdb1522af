import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.neural.tables.embeddings import Inputs, TableCoder
from tamis.neural.tables.fitting import Best, Pace, Regime, Rows, coslog, flat_cos, lowest, outputs, train
from tamis.neural.tables.realmlp import RealMLP

SETTINGS = {"n_networks": 1, "n_layers": 1, "width": 16, "activation": "relu", "sigma": 0.1, "most_embedded": 256}


def problem(n_rows=64, n_classes=2):
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    coder = TableCoder().fit(X)
    signal = X[:, 0] + X[:, 1] ** 2
    label = torch.from_numpy((signal > 1).astype(np.int64) if n_classes else signal.astype(np.float32))
    return coder, Rows(coder.transform(X), label)


def network(coder, n_outputs=2, **changed):
    return RealMLP(coder, n_outputs, {**SETTINGS, **changed}, torch.Generator().manual_seed(0))


def halves(n_rows=64, n_sets=1):
    rows = np.arange(n_rows)
    return [(rows[rows % 2 == one % 2], rows[rows % 2 != one % 2]) for one in range(n_sets)]


def test_the_schedule_of_realmlp_has_four_waves_and_ends_at_nothing():
    rates = np.array([coslog(share) for share in np.linspace(0, 1, 4001)])
    peaks = (rates[1:-1] > rates[:-2]) & (rates[1:-1] >= rates[2:])
    assert peaks.sum() == 4 and rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_dropout_and_decay_fade_out():
    assert flat_cos(0.3) == 1.0 and flat_cos(1.0) == pytest.approx(0.0)


def test_the_pace_follows_the_clock_where_the_steps_are_slow_and_the_steps_where_they_are_quick():
    now = [4.0]
    pace = Pace(n_steps=10, began=0.0, end=8.0, clock=lambda: now[0])
    assert pace.at(1) == 0.5 and pace.at(9) == 0.9
    now[0] = 100.0
    assert pace.at(1) == 1.0


def test_without_an_end_the_clock_is_not_looked_at():
    def never():
        raise AssertionError

    assert Pace(n_steps=4, clock=never).at(1) == 0.25


def test_the_lowest_point_of_a_valley_is_found():
    at, value = lowest(lambda x: abs(x - 0.3), -3, 2, 25)
    assert at == pytest.approx(0.3, abs=1e-3) and value < 1e-3


def test_overconfident_logits_are_judged_with_the_sharpness_that_suits_them():
    draws = np.random.default_rng(0)
    label = torch.from_numpy((draws.random(4000) < 0.75).astype(np.int64))
    rows = Rows(Inputs(*[torch.zeros(4000, 0)] * 3), label)
    output = torch.tensor([0.0, 4 * np.log(3)], dtype=torch.float32).expand(1, 4000, 2)
    loss, sharpness = rows.held_loss(output, torch.arange(4000)[None])
    assert sharpness == pytest.approx(0.25, rel=0.1)
    assert loss == pytest.approx(0.5623, abs=0.02)  # the entropy of 0.75


def test_a_few_rows_hardly_move_the_sharpness():
    rows = Rows(Inputs(*[torch.zeros(2, 0)] * 3), torch.tensor([0, 0]))
    output = torch.tensor([[[0.5, 0.0], [0.5, 0.0]]])
    assert rows.held_loss(output, torch.arange(2)[None])[1] < 2.0


def test_members_have_losses_of_their_own_and_weights_count():
    rows = Rows(Inputs(*[torch.zeros(2, 0)] * 3), torch.tensor([0.0, 1.0]), torch.tensor([0.0, 2.0]))
    output = torch.tensor([[[5.0], [1.0]], [[0.0], [3.0]]])
    assert rows.loss(output, torch.tensor([[0, 1]])).tolist() == [0.0, 4.0]


def test_an_absolute_error_is_not_squared():
    rows = Rows(Inputs(*[torch.zeros(1, 0)] * 3), torch.tensor([0.0]), absolute=True)
    assert rows.loss(torch.tensor([[[3.0]]]), torch.tensor([[0]])).tolist() == [3.0]


def test_a_training_learns_and_keeps_its_best_moment():
    coder, rows = problem()
    model = network(coder)
    ((training, held),) = halves()
    before, _ = rows.held_loss(outputs(model, rows.inputs, torch.from_numpy(held)[None]), torch.from_numpy(held)[None])
    best = train(model, rows, [(training, held)], Regime(learning_rate=0.02, epochs=40), seed=0)
    model.load_state_dict(best.weights)
    after, _ = rows.held_loss(outputs(model, rows.inputs, torch.from_numpy(held)[None]), torch.from_numpy(held)[None])
    assert after == pytest.approx(best.loss, abs=1e-6) and after < 0.8 * before


def test_the_same_seed_gives_the_same_weights():
    coder, rows = problem()
    regime = Regime(learning_rate=0.01, epochs=4, batch_size=16, dropout=0.3)
    first, second = (train(network(coder), rows, halves(), regime, seed=3).weights for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_training_stops_at_the_share_that_another_fold_found():
    coder, rows = problem()
    everything = [(np.arange(64), np.arange(0))]
    best = train(network(coder), rows, everything, Regime(epochs=20), seed=0, until=0.5)
    assert best.share == 0.5 and best.epochs == 20 and best.weights


def test_where_time_is_short_the_whole_schedule_stands_for_fewer_epochs():
    coder, rows = problem()
    best = train(network(coder), rows, halves(), Regime(epochs=10**6), seed=0, began=0.0, end=1e-3)
    assert best.ended == 1.0 and best.epochs == 1.0 and best.weights


def test_a_loss_that_is_no_number_ends_the_training_without_a_best_moment():
    coder, rows = problem(n_classes=0)
    wild = Regime(learning_rate=1e30, epochs=50)
    assert not train(network(coder, 1), rows, [(np.arange(64), np.arange(0))], wild, seed=0).weights


def test_waiting_too_long_or_a_wave_that_brought_nothing_is_the_end():
    patient, wavy = Regime(patience=3), Regime(schedule="coslog")
    assert Best(waited=3).is_over(patient, 0.4) and not Best(waited=2).is_over(patient, 0.4)
    assert Best(share=0.1).is_over(wavy, 0.5) and not Best(share=0.3).is_over(wavy, 0.6)


def test_every_set_of_rows_is_learnt_by_its_own_network_alone():
    coder, rows = problem()
    spoilt = Rows(rows.inputs, rows.label.clone())
    splits = [(training, np.arange(0)) for training, _ in halves(n_sets=2)]
    spoilt.label[torch.from_numpy(splits[1][0])] = 0  # the second network's rows
    regime = Regime(learning_rate=0.01, epochs=3, batch_size=8)
    one, other = (train(network(coder, n_networks=2), one, splits, regime, seed=0).weights for one in (rows, spoilt))
    assert torch.equal(one["layers.0.weight"][0], other["layers.0.weight"][0])
    assert not torch.equal(one["layers.0.weight"][1], other["layers.0.weight"][1])


def test_the_best_moment_lies_where_the_rate_is_low():
    coder, rows = problem()
    regime = Regime(learning_rate=0.05, epochs=64, batch_size=8, schedule="coslog")
    shares = [train(network(coder), rows, halves(), regime, seed=seed).share for seed in range(4)]
    assert all(coslog(share) <= 0.3 for share in shares) and len(set(shares)) > 1
