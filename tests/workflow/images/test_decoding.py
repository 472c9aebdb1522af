"""Images that are to be predicted or scored."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from PIL import Image

from tamis.core.errors import DataError
from tamis.workflow.images.decoding import labelled


@pytest.fixture
def table(stripes, tmp_path):
    """Return a table of paths with two columns that may be meant."""
    images, labels = stripes
    for number in range(6):
        Image.fromarray(images[number]).save(tmp_path / f"{number}.png")
    paths = [f"{number}.png" for number in range(6)]
    path = tmp_path / "pictures.csv"
    pd.DataFrame({"path": paths, "category": ["x"] * 6, "breed": labels[:6]}).to_csv(path, index=False)
    return path


def test_labels_come_from_the_column_that_is_named(stripes, table):
    reading, found = labelled(table, "breed")
    assert found.tolist() == stripes[1][:6].tolist()
    assert reading.n_rows == 6


def test_nothing_is_decoded_to_read_labels(stripes, table):
    (table.parent / "3.png").write_bytes(b"no picture")
    assert labelled(table, "breed")[1].tolist() == stripes[1][:6].tolist()


def test_a_column_that_is_not_there_is_refused_with_those_that_are(table):
    with pytest.raises(DataError, match="category"):
        labelled(table, "bread")


def test_labels_that_are_given_count_and_must_fit(stripes):
    images, labels = stripes
    assert labelled(images, labels=np.eye(2)[[0, 1] * 60])[1].tolist() == [0, 1] * 60
    with pytest.raises(DataError, match="one label for each of the 120 images"):
        labelled(images, labels=labels[:5])


def test_images_without_labels_are_refused(stripes):
    with pytest.raises(DataError, match="no labels"):
        labelled(stripes[0])
