"""The pretrained networks that are known by name."""

from tamis.neural.backbones.catalogue import KNOWN, SMALL, find


def test_every_entry_says_its_licence_size_and_speed_and_ours_is_the_first():
    assert KNOWN[0].name == SMALL and len({one.name for one in KNOWN}) == len(KNOWN)
    for one in KNOWN:
        assert one.licence and one.millions > 0 and one.side >= 32 and one.per_s > 0
        assert find(one.name) is one
