"""What becomes of image columns is settled before the search, and told."""

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError
from tamis.core.kinds import Role
from tamis.data.infer import infer_schema
from tamis.data.table import Table
from tamis.neural.backbones.spec import UnreachableError
from tamis.workflow import image_columns
from tamis.workflow.columns import Columns
from tamis.workflow.image_columns import names_for_images, with_images
from tamis.workflow.settings import Settings

PIL = pytest.importorskip("PIL.Image")
CATALOGUE = {"image_embedding": None}


@pytest.fixture
def columns(tmp_path):
    for row in range(10):
        PIL.fromarray(np.full((5, 5, 3), 20 * row, dtype=np.uint8)).save(tmp_path / f"{row}.png")
    frame = pd.DataFrame({"photo": [f"{row}.png" for row in range(10)], "x": np.arange(10.0)})
    frame.attrs["folder"] = str(tmp_path)
    schema = infer_schema(frame)
    assert schema["photo"].role is Role.IMAGE
    return Columns(schema, schema.apply(frame))


def settled(columns, left_s=60.0, catalogue=CATALOGUE, **settings):
    told = []
    made, names = with_images(columns, Settings(**settings), catalogue, left_s, told.append)
    return made, names, told


def test_ours_reads_them_unasked(columns):
    made, names, told = settled(columns)
    assert names == ("small",) and made.table.images and len(told) == 1 and "read by small" in told[0]


@pytest.mark.parametrize(
    ("options", "why"),
    [({"catalogue": {}}, "pip install"), ({"backbone": "none"}, "none"), ({"left_s": 2.0}, "more time")],
)
def test_where_they_cannot_be_read_they_are_left_out_with_one_line(columns, options, why):
    made, names, told = settled(columns, **options)
    assert names == () and not made.table.images and made.schema["photo"].role is Role.IGNORED
    assert len(told) == 1 and "'photo'" in told[0] and why in told[0]


def test_a_run_without_a_clock_has_time_for_any_number(columns):
    assert settled(columns, left_s=2.0, max_trials=1)[1] == ("small",)


def test_files_that_are_lost_or_damaged_are_told_by_row_and_are_missing(columns, tmp_path):
    (tmp_path / "2.png").write_bytes(b"no picture")
    (tmp_path / "7.png").unlink()
    made, _, told = settled(columns)
    assert "2 of 10 images of the column 'photo'" in told[0]
    assert "row 3 (" in told[0] and "2.png' is no picture" in told[0] and "row 8 (" in told[0]
    assert [row for row, path in enumerate(made.table.images["photo"]) if not path] == [2, 7]


def test_a_column_of_which_nothing_can_be_read_is_refused(columns, tmp_path):
    for row in range(10):
        (tmp_path / f"{row}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"No image of the column 'photo'.*row 1 .*is empty"):
        settled(columns)


def test_where_a_network_cannot_be_had_ours_takes_its_place(columns, monkeypatch):
    def find(name):
        raise UnreachableError("The weights cannot be fetched here.")

    monkeypatch.setattr(image_columns, "find", find)
    _, names, told = settled(columns, backbone="resnet18.a1_in1k")
    assert names == ("small",) and "cannot be fetched" in told[0]


def test_names_go_to_texts_or_images_by_what_they_are():
    texts, images = {"note": np.empty(0)}, {"photo": np.empty(0)}
    empty = np.empty((0, 0))
    assert names_for_images("any/thing", Table((), (), empty, {}, images)) == ["any/thing"]
    assert names_for_images("small", Table((), (), empty, texts)) == []
    both = Table((), (), empty, texts, images)
    assert names_for_images("torchvision/resnet18, e5-small-v2, small", both) == ["torchvision/resnet18", "small"]
    assert names_for_images("none", both) == names_for_images(None, both) == []
