"""The few elements that our pictures are drawn of, as SVG text: every text is escaped, every number is short."""

import re
from collections.abc import Iterable, Sequence
from html import escape

INK, MUTED, FAINT, PAPER = "#1f2933", "#5f6b7a", "#d8dee5", "#ffffff"
"""The colours of words and lines: read first, read second, hardly seen, and what they stand on."""

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
"""Whatever of these the reader's machine has: a picture fetches nothing."""

LEAST_SCALE = 0.8
"""A picture that is too wide for a page shrinks so far; a wider one is scrolled, so that its words can be read."""

Point = tuple[float, float]

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML does not allow."""

_WIDTHS = {
    "narrow": (" .,:;'|!()[]/iljftI1-", 0.38),
    "wide": ("mwMW@%—→", 0.95),
    "broad": ("×+−=<>ABCDEFGHKNOPQRSUVXYZ", 0.71),
}
_USUAL_WIDTH = 0.62
"""In shares of the font's size, for the widest of the fonts above."""


def clean(words: object) -> str:
    """Escape a text for SVG and HTML; characters that cannot stand there are replaced.

    Examples
    --------
    >>> clean("<b> & 'c'"), clean("a" + chr(0) + "b")
    ('&lt;b&gt; &amp; &#x27;c&#x27;', 'a�b')
    """
    return escape(_FORBIDDEN.sub("\ufffd", str(words)))


def short(value: float) -> str:
    """Write a coordinate with at most one decimal.

    Examples
    --------
    >>> short(12.0), short(3.14159), short(-0.01)
    ('12', '3.1', '0')
    """
    written = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def compact(value: float) -> str:
    """Write a count in three digits.

    Examples
    --------
    >>> compact(640), compact(10_000), compact(195_626), compact(999_900)
    ('640', '10 k', '196 k', '1 M')
    """
    for unit, sign in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * unit:
            return f"{value / unit:.3g}{sign}"
    return f"{value:.3g}"


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """Write an element; an underscore in an attribute's name stands for a hyphen, None leaves the attribute out.

    Examples
    --------
    >>> element("circle", cx=1.25, r=3, stroke_width=2, fill=None)
    '<circle cx="1.2" r="3" stroke-width="2"/>'
    """
    written = "".join(
        f' {key.strip("_").replace("_", "-")}="{short(value) if isinstance(value, float) else clean(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: float, y: float, words: object, *, size: float = 12, fill: str = INK, **attributes: object) -> str:
    """Write words whose baseline begins at a point, or is centred on it or ends there by `text_anchor`."""
    return element("text", clean(words), x=float(x), y=float(y), font_size=size, fill=fill, **attributes)


def line(start: Point, end: Point, *, stroke: str = FAINT, **attributes: object) -> str:
    """Draw a straight line."""
    (x1, y1), (x2, y2) = start, end
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), stroke=stroke, **attributes)


def box(x: float, y: float, width: float, height: float, **attributes: object) -> str:
    """Draw a rectangle from its upper left corner."""
    return element("rect", x=float(x), y=float(y), width=float(width), height=float(height), **attributes)


def path(steps: Iterable[str], **attributes: object) -> str:
    """Draw a path of written steps."""
    return element("path", d=" ".join(steps), **attributes)


def told(content: str, words: object) -> str:
    """Group elements and let words appear while the pointer rests on them."""
    return element("g", element("title", clean(words)) + content)


def moved(x: float, y: float, content: str) -> str:
    """Group elements and move them."""
    return element("g", content, transform=f"translate({short(x)} {short(y)})")


def polyline(points: Sequence[Point]) -> list[str]:
    """Return the steps of straight lines from point to point."""
    return [f"{'L' if number else 'M'}{short(x)} {short(y)}" for number, (x, y) in enumerate(points)]


def width_of(words: str, size: float = 12) -> float:
    """Estimate how wide a text is, rather too wide than too narrow.

    Examples
    --------
    >>> width_of("conv 3x3", 10) > width_of("skip", 10) > 0
    True
    """
    known = {sign: share for signs, share in _WIDTHS.values() for sign in signs}
    return size * sum(known.get(sign, _USUAL_WIDTH) for sign in words)


def shortened(words: str, room: float, size: float = 12) -> str:
    """Cut a text that is too wide, marking that by an ellipsis.

    Examples
    --------
    >>> shortened("a name", 100), shortened("a name that goes on and on", 60)
    ('a name', 'a name…')
    """
    if width_of(words, size) <= room:
        return words
    while words and width_of(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def picture(width: float, height: float, content: str, title: str, description: str = "") -> str:
    """Return a whole picture that stands by itself, in a file as in a page.

    Parameters
    ----------
    width, height : float
        In pixels at its natural size; it scales to whatever room it is given.
    content : str
        Elements.
    title, description : str
        For those who cannot see it.
    """
    head = element("title", clean(title)) + (element("desc", clean(description)) if description else "")
    paper = box(0, 0, width, height, fill=PAPER)
    return element(
        "svg",
        head + paper + content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=short(width),
        height=short(height),
        style=f"max-width:100%;min-width:{short(LEAST_SCALE * width)}px;height:auto",
        role="img",
        font_family=FONT,
    )
