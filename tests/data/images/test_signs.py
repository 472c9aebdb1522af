"""Images are told from tables without anything being read or imported that takes time."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.data.images.signs import holds_more_than_images, is_picture_file, looks_like_images, walk

PNG = b"\x89PNG\r\n\x1a\n and so on"
SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[3].parent / "shared")) / "data"


def write(path: Path, content: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folders_of_pictures_look_like_images(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "train" / "cats" / "one.JPG")
    assert looks_like_images(tmp_path) and looks_like_images(str(tmp_path / "deep"))
    write(tmp_path / "tables" / "a.csv", b"x,y\n1,2\n")
    assert not looks_like_images(tmp_path / "tables")
    write(tmp_path / "hidden" / ".thumbnails" / "a.png")
    assert not looks_like_images(tmp_path / "hidden")
    write(tmp_path / "bare" / "0001")
    assert looks_like_images(tmp_path / "bare")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("file,label\ncat 1.jpg,cat\nsub/dog.jpg,dog\n", True),
        ("label;file\ncat;'cat 1.jpg'\n", True),
        ('label\tfile\ncat\t"sub\\dog.jpg"\n', True),
        ("label,file\ncat,dog.jpg\n", True),
        ("label,photo\ncat,http://example.org/cat.jpg\n", False),
        ("label,file\ncat,gone.jpg\n", False),
        ("a,b\n1,2\n3,4\n", False),
        ("a,b\n1,2\n3,cat 1.jpg\n4,5\n", False),
        ("", False),
    ],
)
def test_tables_that_list_pictures_look_like_images(tmp_path: Path, text: str, answer: bool) -> None:
    write(tmp_path / "cat 1.jpg")
    write(tmp_path / "sub" / "dog.jpg")
    assert looks_like_images(write(tmp_path / "table.csv", text.encode())) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("id,breed\n0a3f,cat\n1b4e,dog\n", True),
        ("label;id\ncat;sub/0a3f\ndog;1b4e\n", True),
        ("id,breed\n0a3f,cat\n1b4e,dog\ngone,dog\n", True),
        ("id,breed\n0a3f,cat\nx,dog\ngone,dog\n", False),
        ("id,breed\ntwice,cat\n1b4e,dog\n", False),  # no telling which
        ("id,breed\n1,cat\n2,dog\n", False),  # numbers are seldom names
        ("id,breed\n01,cat\n02,dog\n", True),  # but with a zero in front they are
        ("x,breed\n5,0a3f\n6,1b4e\n7,1b4e\n", False),  # words that repeat are no ids
        ("0a3f\n0a3f\n1b4e\n", False),
    ],
)
def test_ids_look_like_images_if_pictures_nearby_are_called_so(tmp_path: Path, text: str, answer: bool) -> None:
    for name in ("0a3f", "1", "2", "01", "02", "twice"):
        write(tmp_path / "images" / "train" / f"{name}.JPG")
    write(tmp_path / "images" / "test" / "1b4e.png")
    write(tmp_path / "images" / "test" / "twice.png")
    write(tmp_path / "notes" / "x.txt")
    assert looks_like_images(write(tmp_path / "table.csv", text.encode())) is answer


def test_files_of_arrays_look_like_images_by_their_shape(tmp_path: Path) -> None:
    y, large = np.zeros(5), np.zeros((5, 8, 8, 3))
    np.savez(tmp_path / "images.npz", y=y, x=large)
    np.savez_compressed(tmp_path / "table.npz", y=y, x=np.zeros((5, 3)))
    np.save(tmp_path / "images.npy", large)
    np.save(tmp_path / "table.npy", np.zeros((5, 3)))
    assert looks_like_images(tmp_path / "images.npz") and looks_like_images(tmp_path / "images.npy")
    assert not looks_like_images(tmp_path / "table.npz") and not looks_like_images(tmp_path / "table.npy")


def test_parquet_looks_like_images_if_it_holds_or_lists_pictures(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "b.png")
    columns = {
        "bytes": pa.array([PNG]),
        "structure": pa.array([{"bytes": PNG, "path": "a.png"}]),
        "path": pa.array(["a.png"]),
        "number": pa.array([1.5]),
        "text": pa.array(["no picture"]),
        "ids": pa.array(["a", "b"]),
    }
    answers = {}
    for name, column in columns.items():
        pq.write_table(pa.table({"x": column, "label": [1] * len(column)}), tmp_path / f"{name}.parquet")
        answers[name] = looks_like_images(tmp_path / f"{name}.parquet")
    assert answers == {"bytes": True, "structure": True, "path": True, "number": False, "text": False, "ids": True}


@pytest.mark.parametrize(
    ("lines", "target", "answer"),
    [
        ("photo,rooms,price\na.png,3,9\nb.png,5,7\nc.png,4,8\n", "price", True),
        ("photo,rooms,price\na.png,3,9\nb.png,5,7\nc.png,4,8\n", None, False),
        ("photo;town;price\na.png;north;9\nb.png;south;7\nc.png;north;8\n", "price", True),
        ("photo,note,price\na.png,'a fine, old house',9\n", "photo", False),
        ('photo,note,price\na.png,"a fine, old house",9\nb.png,"so, so",7\n', "price", True),
        ("id,photo,split,label\n1,a.png,train,x\n2,b.png,test,y\n3,c.png,train,x\n", "label", False),
        ("photo,code,label\na.png,x1f,x\nb.png,y2g,y\n", "label", False),  # each another one: a name
        ("photo,label\na.png,x\nb.png,y\n", "label", False),
        ("", "label", False),
    ],
)
def test_a_table_of_images_may_hold_more_to_learn_from(
    tmp_path: Path, lines: str, target: str | None, answer: bool
) -> None:
    assert holds_more_than_images(write(tmp_path / "table.csv", lines.encode()), target) is answer


def test_a_parquet_file_may_hold_more_than_images_and_a_folder_holds_nothing_else(tmp_path: Path) -> None:
    pq.write_table(pa.table({"photo": ["a.png", "b.png"], "x": [1.5, 4.0], "y": [0, 1]}), tmp_path / "t.parquet")
    assert holds_more_than_images(tmp_path / "t.parquet", "y") and not holds_more_than_images(tmp_path, "y")


def test_what_is_not_there_or_damaged_does_not(tmp_path: Path) -> None:
    assert not looks_like_images(tmp_path / "none")
    for name, content in (("a.npz", b"PK\x03\x04 no archive"), ("a.npy", b"\x93NUMPY\1\0"), ("a.parquet", b"PAR1")):
        assert not looks_like_images(write(tmp_path / name, content))
    assert not is_picture_file(tmp_path / "none")


def test_links_that_go_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.png")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert list(walk(tmp_path)) == [str(tmp_path / "a" / "one.png")]


def test_the_question_imports_neither_numpy_nor_pillow(tmp_path: Path) -> None:
    write(tmp_path / "cats" / "one.png")
    statement = f"""
from tamis.data.images.signs import looks_like_images
import sys
assert looks_like_images({str(tmp_path)!r})
print(*({{"numpy", "pandas", "pyarrow", "PIL"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.shared
@pytest.mark.parametrize("name", ["mnist.npz", "ants_bees", "smiles", "cifar10_train.parquet"])
def test_real_sets_of_images_look_like_images(name: str) -> None:
    path = SHARED / "images" / name
    if not path.exists():
        pytest.skip("the shared data does not lie beside the checkout")
    assert looks_like_images(path)


@pytest.mark.shared
def test_real_tables_do_not_look_like_images() -> None:
    tables = [*SHARED.glob("tabular/*/train.csv.gz"), *SHARED.glob("messy/*.*")]
    if not tables:
        pytest.skip("the shared data does not lie beside the checkout")
    assert not [table.name for table in tables if looks_like_images(table)]
