"""Names of months and of weekdays in other languages, and the way from a date in words to the form that is parsed."""

import re
import unicodedata

ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NAMES = (
    "january february march april may june july august september october november december",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janner feber marz april mai juni juli august september oktober november dezember",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
)
"""English, German (also as in Austria), French, Spanish (twice), Italian, Portuguese and Dutch; without accents."""
DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday"
    " montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so"
    " lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo"
    " lunedi martedi mercoledi giovedi venerdi domenica"
    " segunda-feira terca-feira quarta-feira quinta-feira sexta-feira"
    " maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"
)
"""Of weekdays, written out, and the short ones of German."""
JOINING = frozenset(["de", "del", "do", "of", "the", "le", "el", "il", "den", "der"])
"""Words between the parts of a date: 3 de enero de 2024."""
DAY_IN_FRONT = re.compile(rf"^\s*(?:{DAYS.replace(' ', '|')})\b[.,]*\s+", re.IGNORECASE)
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|o|a)\b", re.IGNORECASE)
WORD = re.compile(r"[a-z]+", re.IGNORECASE)


def _shortened() -> dict[str, str]:
    """Map every name, and its first three and four letters where they mean one month only, to the English one."""
    meant: dict[str, set[str]] = {"mrz": {"Mar"}, "mrt": {"Mar"}}
    for names in NAMES:
        for english, name in zip(ENGLISH, names.split(), strict=True):
            for part in (name, name[:3], name[:4]):
                meant.setdefault(part, set()).add(english)
    return {name: min(months) for name, months in meant.items() if len(months) == 1}


MONTHS = _shortened()


def names_month(text: str) -> bool:
    """Tell whether a word of the text is the name of a month in a language that is known."""
    return any(word.casefold() in MONTHS for word in WORD.findall(_bare(text)))


def _bare(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def in_english(text: str) -> str:
    """Write a date with the short English name of its month, without the weekday and the words between its parts.

    Examples
    --------
    >>> in_english("Montag, 1. Jänner 2024"), in_english("3 de março de 2021"), in_english("1er févr. 2020")
    ('1. Jan 2024', '3 Mar 2021', '1 Feb. 2020')
    """
    plain = ORDINAL.sub("", DAY_IN_FRONT.sub("", _bare(text)))

    def replaced(found: re.Match[str]) -> str:
        word = found.group().casefold()
        return "" if word in JOINING else MONTHS.get(word, found.group())

    return " ".join(WORD.sub(replaced, plain).split())
