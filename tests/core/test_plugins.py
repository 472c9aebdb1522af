"""Entry points of other packages."""

import pytest

from tamis.core import plugins


class Entry:
    value = "package:thing"

    def __init__(self, name, thing):
        self.name, self.thing = name, thing

    def load(self):
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


def test_entries_come_by_name_and_a_broken_one_costs_a_warning(monkeypatch):
    entries = [Entry("b", 2), Entry("broken", ImportError("no module")), Entry("a", 1)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries if group == "tamis.strategies" else [])
    with pytest.warns(RuntimeWarning, match=r"'broken' \(package:thing\) could not be loaded.*no module"):
        assert list(plugins.offered("tamis.strategies")) == [("a", 1), ("b", 2)]
    assert plugins.names("tamis.strategies") == ("a", "b", "broken")
