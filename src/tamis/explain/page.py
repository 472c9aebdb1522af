"""The page that a report stands on: its style, and the pieces of HTML that it is put together from."""

from collections.abc import Iterable, Sequence

from tamis.explain.svg import clean

STYLE = """
:root { --ink: #1f2933; --muted: #5f6b7a; --faint: #e3e8ee; --accent: #2f74b8; --ground: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.55 Inter, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 6px 0; max-width: 78ch; }
.muted, figcaption, caption { color: var(--muted); }
section { background: #fff; border: 1px solid var(--faint); border-radius: 12px; padding: 22px 26px; margin-top: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(175px, 1fr)); gap: 14px; margin-top: 22px; }
.tile { background: #fff; border: 1px solid var(--faint); border-radius: 12px; padding: 14px 18px; }
.tile b { display: block; font-size: 21px; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
figure { margin: 14px 0 0; }
figcaption { font-size: 13px; margin-top: 4px; max-width: 90ch; }
.wide { overflow-x: auto; }
figure svg { display: block; }
table { border-collapse: collapse; width: 100%; margin-top: 10px; }
td, th { font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--faint); vertical-align: top; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
td.name { overflow-wrap: anywhere; min-width: 180px; }
td.number, th.number { text-align: right; white-space: nowrap; padding-left: 10px; }
tr.chosen td { font-weight: 600; }
.front { color: #b4232f; font-weight: 400; }
.bar { display: inline-block; height: 8px; border-radius: 4px; background: var(--accent); margin-right: 8px; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--accent); }
ul { margin: 8px 0; padding-left: 20px; max-width: 90ch; }
li { margin: 3px 0; overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: 13px; margin-top: 28px; }
@media print { body { background: #fff; } section, .tile { break-inside: avoid; } }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing. A name from somebody's data cannot make it run anything either."""


def page(title: str, body: str) -> str:
    """Return a whole page that needs nothing beside itself."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{clean(title)}</title><style>{STYLE}</style></head>\n<body><main>{body}</main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a part of the page under a heading; nothing where it would be empty."""
    content = "".join(parts)
    return f"<section><h2>{clean(title)}</h2>{content}</section>\n" if content else ""


def paragraph(words: str, style: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{style}">{clean(words)}</p>' if style else f"<p>{clean(words)}</p>"


def tile(value: str, words: str) -> str:
    """Return a large value with a few words below it."""
    return f'<div class="tile"><b>{clean(value)}</b><span>{clean(words)}</span></div>'


def figure(svg: str, caption: str = "") -> str:
    """Return a picture with what is to be said about it."""
    words = f"<figcaption>{clean(caption)}</figcaption>" if caption else ""
    return f'<figure><div class="wide">{svg}</div>{words}</figure>'


def bullets(lines: Iterable[str]) -> str:
    """Return a list; nothing for no lines."""
    items = "".join(f"<li>{clean(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def folded(summary: str, content: str) -> str:
    """Return what is shown when it is asked for."""
    return f"<details><summary>{clean(summary)}</summary>{content}</details>" if content else ""


class Cell(str):
    """HTML that stands in a table as it is; other values are escaped."""


def table(headings: Sequence[tuple[str, str]], rows: Iterable[tuple[Sequence[str], bool]]) -> str:
    """Return a table.

    Parameters
    ----------
    headings : sequence of (words, style)
        The style of a column: `name`, `number` or empty.
    rows : iterable of (values, chosen)
        Chosen rows are set off.

    Examples
    --------
    >>> "<td class='number'>1 &lt; 2</td>" in table([("n", "number")], [(["1 < 2"], False)]).replace('"', "'")
    True
    """
    head = "".join(f'<th class="{style}" scope="col">{clean(words)}</th>' for words, style in headings)
    body = "".join(
        f"<tr{' class=' + chr(34) + 'chosen' + chr(34) if chosen else ''}>"
        + "".join(
            f'<td class="{style}">{value if isinstance(value, Cell) else clean(value)}</td>'
            for (_, style), value in zip(headings, values, strict=True)
        )
        + "</tr>"
        for values, chosen in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>' if body else ""


def bar(share: float, words: str) -> Cell:
    """Return a share as a bar beside its words."""
    return Cell(f'<span class="bar" style="width:{max(0.0, min(1.0, share)) * 90:.0f}px"></span>{clean(words)}')
