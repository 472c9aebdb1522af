"""What reading takes is foreseen, and what makes use of it comes early."""

from math import inf

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.data.dataset import Dataset
from tamis.data.table import Table
from tamis.pipelines.recipes import Groups
from tamis.workflow import texts
from tamis.workflow.reading import order_for, prepared_beside, reading_s

NAME = "all-MiniLM-L6-v2"
IMAGES = Candidate.of("image_embedding", {"backbone": "small", "n_components": 64}, Candidate.of("columns", {}))


def dataset(n_rows=100):
    note, photo = np.empty(n_rows, dtype=object), np.empty(n_rows, dtype=object)
    note[:] = ["a text of some forty characters, about"] * n_rows
    photo[:] = [f"/photos/{row}.png" for row in range(n_rows)]
    return Dataset(Table((), (), np.empty((n_rows, 0)), {"note": note}, {"photo": photo}), np.zeros(n_rows))


def test_starts_for_texts_come_first():
    order = ["linear", "catboost", "linear-words"]
    assert order_for(order, Groups(numbers=2)) == order
    assert order_for(order, Groups(texts=1))[0] == "linear-words"
    assert order_for(order, Groups(texts=1, numbers=1))[:2] == ["linear", "linear-words+embedding"]


def test_starts_for_images_come_first_and_before_them_one_that_needs_none():
    both = Groups(numbers=2, images=1, image_backbones=("small",))
    assert order_for(["linear", "catboost"], both)[:2] == ["linear-beside", "linear-images"]
    assert order_for(["linear"], Groups(numbers=2, images=1)) == ["linear"]  # nothing reads them


def test_the_reading_is_foreseen_once_for_the_first_fold():
    seconds = reading_s(dataset())
    embedding = Candidate.of("text_embedding", {"backbone": NAME}, Candidate.of("columns", {"roles": ["text"]}))
    words, pictures = (seconds(Candidate.of("logistic", {}, one)) for one in (embedding, IMAGES))
    assert 0 < words < inf and 0 < pictures < inf
    assert seconds(Candidate.of("logistic", {}, Candidate.of("join", {}, embedding, IMAGES))) >= words + pictures - 1e-9
    assert seconds(Candidate.of("logistic", {}, Candidate.of("columns", {"roles": ["text"]}))) == 0
    tuned = Candidate.of("text_transformer", {"backbone": NAME, "epochs": 3})
    assert seconds(tuned) > texts.fine_tuning_s(dataset())(tuned)


def test_a_model_sees_the_columns_that_are_made_of_images():
    prepared = prepared_beside(dataset())
    shape, seconds = prepared(Candidate.of("logistic", {}, IMAGES), Shape(100, 2, 2))
    assert (shape.rows, shape.columns, seconds) == (100, 64, 0.0)
    whole = Candidate.of("image_embedding", {"backbone": "small", "n_components": 0}, *IMAGES.children)
    assert prepared(Candidate.of("logistic", {}, whole), Shape(100, 2, 2))[0].columns > 1_000
