"""Networks for images are found by name, kept, and known again."""

import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.core.extras import available
from tamis.neural.backbones.kept import FILE
from tamis.neural.images import backbones
from tamis.neural.images.backbones import find, located_again, reading_s


def test_ours_is_there_and_is_known_again():
    ours = find("small")
    assert ours.path == FILE and located_again("small", "gone", ours.fingerprint) == ours
    with pytest.raises(DataError, match="other content"):
        located_again("small", str(ours.path), "0123")


def test_what_was_opened_by_name_is_kept_for_others(monkeypatch):
    opened = []
    monkeypatch.setattr(
        "tamis.neural.backbones.opening.open_backbone", lambda name: opened.append(name) or FILE.read_bytes()
    )
    pytest.importorskip("torch")
    first, again = find("timm/some_net"), find("timm/some_net")
    assert opened == ["timm/some_net"] and first == again and first.fingerprint == find("small").fingerprint
    assert find(str(first.path)).fingerprint == first.fingerprint  # a packed file is one by its path
    first.path.unlink()
    assert located_again("timm/some_net", str(first.path), first.fingerprint) == first  # opened anew


@pytest.mark.extras
def test_what_is_none_is_refused():
    if not available("timm"):
        pytest.skip("needs timm")
    with pytest.raises(ParameterError):
        find("no_such_network")


def test_reading_takes_longer_for_more_images_and_on_slower_machines(monkeypatch):
    quick = reading_s("small", 1_000)
    assert quick < reading_s("small", 5_000) and reading_s("small", 1_000, cores=2) < quick
    monkeypatch.setattr(backbones, "has_bfloat16", lambda: False)
    assert reading_s("small", 1_000) >= quick
    assert reading_s("unheard/of", 1_000) > reading_s("small", 1_000)
