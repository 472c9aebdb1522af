import numpy as np
import pytest

from tamis.core.kinds import TaskKind
from tamis.data.dataset import Dataset
from tamis.data.table import Table
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups
from tamis.pipelines.rules import grammar_for
from tamis.pipelines.starts import STARTS
from tamis.workflow import texts
from tamis.workflow.settings import Settings

NAME = "all-MiniLM-L6-v2"


def dataset(text="a text of some forty characters, about", n_rows=100):
    column = np.empty(n_rows, dtype=object)
    column[:] = [text] * n_rows
    return Dataset(Table((), (), np.empty((n_rows, 0)), {"note": column}), np.zeros(n_rows))


def chosen(data, left_s=60.0, told=None, **settings):
    said = [] if told is None else told
    catalogue = {"text_embedding": None}
    return texts.encoders_for(data, Settings(**settings), catalogue, left_s, said.append)


@pytest.fixture(autouse=True)
def two_encoders(monkeypatch):
    monkeypatch.setattr(texts, "at_hand", lambda: [NAME, "multilingual-e5-small"])


def test_texts_that_are_long_enough_are_read():
    assert chosen(dataset()) == (NAME,)
    assert chosen(dataset("short"), texts=True) == (NAME,)
    assert chosen(dataset("short")) == ()
    assert chosen(dataset(), backbone="none", texts=True) == ()


def test_with_more_time_a_second_one_reads_them():
    assert chosen(dataset(), left_s=600.0) == (NAME, "multilingual-e5-small")


def test_other_scripts_are_read_by_an_encoder_of_many_languages():
    assert chosen(dataset("これはとても良い映画でした。" * 4)) == ("multilingual-e5-small",)


def test_what_does_not_fit_the_time_is_said_and_not_begun():
    told = []
    assert chosen(dataset(n_rows=20_000), left_s=10.0, told=told, texts=True) == ()
    assert "too short" in told[0]
    assert chosen(dataset(n_rows=20_000), left_s=10.0, max_trials=3, texts=True)  # no clock


def test_that_none_is_at_hand_is_said_in_a_line(monkeypatch):
    monkeypatch.setattr(texts, "at_hand", list)
    told = []
    assert chosen(dataset(), told=told, texts=True) == ()
    assert len(told) == 1 and "pip install" in told[0]
    assert chosen(dataset(), told=told) == () and len(told) == 1  # a table is no table of texts


@pytest.mark.extras
@pytest.mark.parametrize("groups", [Groups(texts=1, backbones=(NAME,)),
                                    Groups(numbers=2, few_levels=1, dates=1, texts=2, backbones=(NAME,))])  # fmt: skip
@pytest.mark.parametrize("kind", TaskKind)
def test_starts_with_an_encoder_are_written_by_the_grammar(groups, kind):
    pytest.importorskip("transformers")
    catalogue = builtin()
    grammar = grammar_for(groups, kind, catalogue)
    starts = candidates_for(groups, kind, 900, 3, catalogue, order=list(STARTS))
    assert sum("text_embedding" in str(one) for one in starts) >= 3
    assert any(one.component == "text_transformer" for one in starts)
    for tree in starts:
        grammar.check(tree)
    rng = np.random.default_rng(0)
    for _ in range(20):
        grammar.check(grammar.mutate(grammar.grow(rng), rng))


def test_without_encoders_no_candidate_names_one():
    starts = candidates_for(Groups(texts=1), TaskKind.BINARY, 900, 3, builtin(), order=list(STARTS))
    assert starts and not any("backbone" in str(one) for one in starts)
