import numpy as np
import pytest


class Drawn:
    """A picture of noise around a grey, known by its number."""

    def __init__(self, number, grey=120, broken=False):
        self.number, self.grey, self.broken = number, grey, broken

    @property
    def key(self):
        return (self.number + 1000 * self.grey).to_bytes(16, "big")

    def pixels(self, height, width, channels):
        from tamis.core.errors import DataError

        if self.broken:
            raise DataError(f"The image number {self.number} is damaged.")
        rng = np.random.default_rng(self.number)
        return rng.normal(self.grey, 20, size=(height, width, channels)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def drawn():
    return Drawn


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Keep features away from the user's cache, and this process' memory away from the next test."""
    from tamis.neural.images import embedding

    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "_CACHES", {})
