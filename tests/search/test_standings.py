"""Where candidates of a race stand."""

import pytest

from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status
from tamis.search.standings import (
    Entry,
    Margins,
    best_of_families,
    differences,
    estimates,
    ranked,
    verdicts,
    whole_outcome,
)


def entry(number, *losses, family="boost", n_folds=5, **more):
    done = {
        fold: Outcome(Status.DONE, {"loss": loss, "auc": 1 - loss}, {"rounds": fold, f"f{fold}": 1}, seconds=fold + 1.0)
        for fold, loss in enumerate(losses)
    }
    return Entry(Proposal(Candidate.of(family, {"n": number}), id=number), n_folds, done, **more)


def test_differences_are_paired_on_shared_folds():
    assert differences(entry(0, 0.3, 0.5, 0.9), entry(1, 0.1, 0.4)).tolist() == pytest.approx([0.2, 0.1])


def test_an_easy_fold_is_no_advantage():
    complete, lucky = entry(0, 0.1, 0.5, 0.5, 0.5, 0.5), entry(1, 0.15)
    assert lucky.mean < complete.mean
    assert [one.number for one in ranked([lucky, complete])] == [0, 1]
    assert estimates([lucky, complete])[1] == pytest.approx(complete.mean + 0.05)


def test_repeats_do_not_enter_the_race():
    repeated = entry(0, 0.1, 0.1, 9.0, n_folds=2)
    assert repeated.complete and repeated.mean == pytest.approx(0.1)


def test_far_behind_after_one_fold_is_dropped_and_a_little_behind_is_not():
    entries = [entry(0, 0.20), entry(1, 0.22), entry(2, 0.40)]
    assert [one.number for one in verdicts(entries, Margins())] == [2]


def test_the_best_of_a_family_is_never_dropped():
    entries = [entry(0, 0.20), entry(1, 0.9, family="ridge"), entry(2, 0.95, family="ridge")]
    assert [one.number for one in verdicts(entries, Margins())] == [2]


def test_three_folds_decide_by_standard_errors():
    best = entry(0, 0.20, 0.30, 0.40, 0.3, 0.3)
    steady, shaky = entry(1, 0.22, 0.322, 0.418), entry(2, 0.14, 0.42, 0.40)
    assert Margins().clearly_worse(steady, best)
    assert not Margins().clearly_worse(shaky, best)


def test_a_small_difference_stays_however_significant():
    best, near = entry(0, 0.2, 0.3, 0.4, 0.3, 0.3), entry(1, 0.201, 0.301, 0.401)
    assert not Margins().clearly_worse(near, best)


def test_losses_below_zero_are_compared_too():
    best, worse, near = entry(0, -0.9, -0.8, -0.9), entry(1, -0.5), entry(2, -0.88)
    assert [one.number for one in verdicts([best, worse, near], Margins())] == [1]


def test_failed_entries_are_not_ranked_and_families_keep_the_order():
    failed = entry(0, 0.1, failure=Outcome(Status.FAILED))
    rest = [entry(1, 0.3), entry(2, 0.2), entry(3, 0.5, family="ridge")]
    order = ranked([failed, *rest])
    assert [one.number for one in order] == [2, 1, 3]
    assert [one.number for one in best_of_families(order)] == [2, 3]


def test_the_whole_outcome_merges_units():
    whole = whole_outcome(one := entry(0, 0.1, 0.3, n_folds=2), [one])
    assert whole.status is Status.DONE
    assert whole.losses == pytest.approx({"loss": 0.2, "auc": 0.8})
    assert whole.realised == {"rounds": 0, "f0": 1, "f1": 1}
    assert whole.seconds == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("more", "status"),
    [({"dropped": True}, Status.PRUNED), ({"failure": Outcome(Status.TIMED_OUT, reason="slow")}, Status.TIMED_OUT)],
)
def test_the_whole_outcome_of_an_incomplete_candidate_says_how_it_ended(more, status):
    best, other = entry(0, 0.1, 0.5, n_folds=2), entry(1, 0.2, n_folds=2, **more)
    whole = whole_outcome(other, [best, other])
    assert whole.status is status
    assert whole.loss == pytest.approx(0.4)
    assert whole.reason == ("slow" if status is Status.TIMED_OUT else "")
