"""Text that people will read (summary, help, authors): checked so that it shows what it is, everywhere it is shown.

Refuses control and bidirectional characters, unassigned and private ones, compatibility look-alikes (fullwidth,
mathematical letters) and words that mix scripts (a Cyrillic letter in a Latin word).
"""

import re

_SCRIPTS = frozenset(("LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "DESERET", "OSAGE"))
"""Scripts whose letters are drawn like Latin ones; a word takes letters of one of them only."""
_REFUSED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORD = re.compile(r"[^\W\d_]+")


def fault(text: str, *, lines: bool = False) -> str:
    """Why `text` may not be shown to people, or "". `lines` allows line feeds."""
    plain = text.replace("\n", " ") if lines else text
    if text.isascii():
        return "it has a control character" if _CONTROL.search(plain) else ""
    # Unicode tables cost 1 MB of memory: loaded for those who need them.
    import unicodedata

    if any(unicodedata.category(letter) in _REFUSED for letter in plain):
        return "it has a control, bidirectional or unassigned character"
    if unicodedata.normalize("NFKC", plain) != plain:
        return "it has characters that look like others (not in normal form NFKC)"
    for word in _WORD.findall(plain):
        if len({unicodedata.name(letter, "").split(" ")[0] for letter in word} & _SCRIPTS) > 1:
            return "a word mixes letters of scripts that look alike"
    return ""
