import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError
from tamis.core.kinds import Role
from tamis.data.infer import infer_schema
from tamis.data.read import read_table
from tamis.data.text_signs import looks_like_texts
from tamis.data.texts import read_text_folder, text_frame, text_roles


def write(folder, **files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.txt").write_bytes(content if isinstance(content, bytes) else content.encode())


def roles(frame, target=None, **given):
    return text_roles(frame, infer_schema(frame, target=target, overrides=given), given)


def test_a_folder_of_text_files_has_a_class_for_each_folder(tmp_path):
    write(tmp_path / "good", a="a lovely day", b="\ufeffnice")
    write(tmp_path / "bad" / "deeper", c="awful 😀")
    write(tmp_path / ".hidden", d="nothing")
    assert looks_like_texts(tmp_path)
    reading = read_table(tmp_path)
    assert reading.frame.values.tolist() == [["awful 😀", "bad"], ["a lovely day", "good"], ["nice", "good"]]
    assert "3 text files in 2 folders" in reading.notes[0]


def test_files_without_a_folder_have_no_class(tmp_path):
    write(tmp_path / "new", a="one", b="two")
    assert read_text_folder(tmp_path / "new").frame.columns.tolist() == ["text"]


def test_bytes_that_are_no_utf8_are_told(tmp_path):
    write(tmp_path / "x" / "good", a="gr\xfc\xdfe".encode("latin-1"))
    assert any("UTF-8" in line for line in read_text_folder(tmp_path / "x").notes)


def test_a_folder_without_texts_is_no_table(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert not looks_like_texts(tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="no text file"):
        read_text_folder(tmp_path)


@pytest.mark.parametrize("texts", [["a", None], ("a", None), np.array(["a", None], dtype=object),
                                   pd.Series(["a", None])])  # fmt: skip
def test_texts_of_one_dimension_are_a_table_of_one_column(texts):
    frame = text_frame(texts)
    assert frame.columns.tolist() == ["text"] and frame["text"].iloc[0] == "a" and len(frame) == 2


def test_a_name_and_other_tables_stay():
    assert text_frame(pd.Series(["a"], name="review")).columns.tolist() == ["review"]
    table = pd.DataFrame({"a": ["x"]})
    assert text_frame(table) is table
    assert text_frame([["a", 1]]) == [["a", 1]]
    with pytest.raises(DataError, match="in a list"):
        text_frame("a single text")


def test_polars_series_are_texts_too():
    polars = pytest.importorskip("polars")
    frame = text_frame(polars.Series("t", ["a", None]))
    assert frame["text"].iloc[0] == "a" and frame["text"].isna().tolist() == [False, True]


def test_few_repeated_sentences_are_texts_where_the_table_is_about_texts():
    frame = pd.DataFrame({"said": ["yes please", "no thanks"] * 10, "size": range(20), "y": [0, 1] * 10})
    assert roles(frame, "y") == {"said": Role.TEXT}


def test_what_is_found_already_or_given_by_the_user_stays():
    long = [f"this is sentence number {number} of many others" for number in range(40)]
    frame = pd.DataFrame({"long": long, "colour": ["red", "blue"] * 20})
    assert roles(frame) == {}
    assert roles(frame.assign(long="x"), colour="categorical") == {"long": Role.TEXT}


def test_short_titles_that_hardly_repeat_are_texts():
    titles = [f"title {chr(65 + number % 26)}{number}" for number in range(60)]
    frame = pd.DataFrame({"title": titles, "kind": ["a", "b"] * 30})
    schema = infer_schema(frame)
    found = text_roles(frame, schema, {})
    assert schema["title"].role is Role.TEXT or found == {"title": Role.TEXT}


def test_a_table_without_strings_is_not_about_texts():
    with pytest.raises(DataError, match="AutoClassifier"):
        roles(pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4]}))
