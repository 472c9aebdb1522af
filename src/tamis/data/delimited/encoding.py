"""Finds how the bytes of a text stand for characters."""

import codecs
import re
from dataclasses import dataclass

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""In this order, because the mark of UTF-32 LE begins with that of UTF-16 LE."""
C1 = re.compile(rb"[\x80-\x9f]")
UNDEFINED_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
NON_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True)
class Encoding:
    """A codec's name, and the length of the byte order mark before the text."""

    name: str
    bom: int = 0

    @property
    def is_wide(self) -> bool:
        """Tell whether a character takes two or four bytes, so that zero bytes are usual."""
        return self.name.startswith(("utf-16", "utf-32"))

    def decode(self, head: bytes) -> str:
        """Return the text of a file's beginning, which may end within a character."""
        decoder = codecs.getincrementaldecoder(self.name)("surrogateescape" if not self.is_wide else "replace")
        return decoder.decode(head[self.bom :])

    def offset(self, text: str) -> int:
        """Return at which byte of the file the text that follows `text` begins."""
        return self.bom + len(text.encode(self.name, "surrogateescape" if not self.is_wide else "replace"))


def find_encoding(head: bytes, *, complete: bool = True) -> Encoding:
    """Tell the encoding from the first bytes of a file: by its mark, else UTF-16, UTF-8 or a Western 8-bit code.

    Unless they are the complete file, they may end within a character.

    Examples
    --------
    >>> find_encoding("é".encode("latin-1")).name, find_encoding("é".encode()).name
    ('latin-1', 'utf-8')
    """
    for mark, name in BOMS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    wide = _wide_without_mark(head)
    if wide:
        return Encoding(wide)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, complete)
        return Encoding("utf-8")
    except UnicodeDecodeError:
        pass
    if _mostly_utf8(head):
        return Encoding("utf-8")
    return Encoding(eight_bit(head))


def eight_bit(head: bytes) -> str:
    """Choose between Latin-1 and Windows' superset of it."""
    return "cp1252" if C1.search(head) and not UNDEFINED_IN_1252.search(head) else "latin-1"


def _wide_without_mark(head: bytes) -> str:
    size = len(head) // 2
    if size < 2 or b"\0" not in head:
        return ""
    even, odd = head[0 : 2 * size : 2].count(0) / size, head[1 : 2 * size : 2].count(0) / size
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else ""


def _mostly_utf8(head: bytes) -> bool:
    """Tell whether a text that is not valid UTF-8 has only a few broken characters."""
    text = head.decode("utf-8", "surrogateescape")
    broken = sum("\udc80" <= character <= "\udcff" for character in text)
    whole = sum(character > "\x7f" for character in text) - broken
    return whole > 10 * broken
