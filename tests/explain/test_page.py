"""Tests of the pieces of a page."""

from html.parser import HTMLParser

from tamis.explain.page import Cell, bar, bullets, figure, folded, page, paragraph, section, table, tile

HOSTILE = "</td><script>alert('x')</script>"


class Tags(HTMLParser):
    """Gathers the tags of a page, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(html: str) -> list[str]:
    reader = Tags()
    reader.feed(html)
    assert reader.open == []
    return reader.seen


def test_words_from_elsewhere_are_inert_in_every_piece() -> None:
    body = (
        section(HOSTILE, paragraph(HOSTILE), bullets([HOSTILE]), figure("<svg></svg>", HOSTILE), tile(HOSTILE, HOSTILE))
        + folded(HOSTILE, table([(HOSTILE, "")], [([HOSTILE], True)]))
        + bar(0.5, HOSTILE)
    )
    assert "script" not in tags_of(page(HOSTILE, body))


def test_a_page_loads_nothing() -> None:
    html = page("a run", section("A part", paragraph("words")))
    assert "default-src 'none'" in html
    assert not {"script", "link", "img", "iframe"} & set(tags_of(html))
    assert "http://" not in html and "https://" not in html


def test_what_is_empty_leaves_no_trace() -> None:
    assert section("A part", "", "") == bullets([]) == folded("more", "") == table([("a", "")], []) == ""


def test_a_cell_stands_as_it_is_and_chosen_rows_are_set_off() -> None:
    html = table([("a", "name")], [([Cell("<i>x</i>")], True), (["<i>y</i>"], False)])
    assert '<tr class="chosen"><td class="name"><i>x</i></td>' in html
    assert "&lt;i&gt;y" in html
