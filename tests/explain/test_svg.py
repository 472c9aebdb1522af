"""Tests of the elements of pictures."""

from xml.etree import ElementTree

from tamis.explain.svg import compact, element, picture, shortened, text, width_of


def test_words_are_escaped_wherever_they_stand() -> None:
    drawn = picture(100, 50, text(1, 2, "</text><script>x</script>"), 'a "title" & <more>', "<desc>")
    root = ElementTree.fromstring(drawn)
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert 'a "title" & <more>' in "".join(root.itertext())


def test_what_xml_does_not_allow_is_replaced() -> None:
    drawn = picture(10, 10, text(0, 0, "a\x00b\x1b[2J \ud800"), "title")
    drawn.encode()
    assert "a\ufffdb\ufffd[2J \ufffd" in "".join(ElementTree.fromstring(drawn).itertext())


def test_an_attribute_cannot_break_out_of_its_quotes() -> None:
    root = ElementTree.fromstring(element("rect", fill='red" onload="x'))
    assert root.attrib == {"fill": 'red" onload="x'}


def test_counts_keep_three_digits_at_every_border() -> None:
    assert [compact(one) for one in (999, 999.6, 1_000, 999_499, 999_500, 1e9)] == [
        "999", "1 k", "1 k", "999 k", "1 M", "1 G",
    ]  # fmt: skip


def test_shortened_words_fit_their_room() -> None:
    words = "stage_network(stages=3, width=48)"
    cut = shortened(words, 90, 11)
    assert cut.endswith("…") and words.startswith(cut[:-1])
    assert width_of(cut, 11) <= 90 < width_of(words, 11)
