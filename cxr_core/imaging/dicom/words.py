"""Free words of a tag, made comparable: people and machines write them in any case and script."""

import unicodedata

# Letters that no decomposition takes apart, as the letters that they are written with elsewhere.
_PLAIN_LETTERS = str.maketrans({"Ł": "L", "Đ": "D", "Ø": "O", "Æ": "AE", "Œ": "OE"})
_FIRST_BEHIND_ARABIC = 0x0700


def plain_words(text: str) -> str:
    """Capitals without accents; dots fall away (P.A.), other signs between words become spaces."""
    taken_apart = unicodedata.normalize("NFKD", text.upper().replace(".", ""))
    plain = "".join(letter for letter in taken_apart if not _is_accent(letter))
    plain = unicodedata.normalize("NFC", plain).translate(_PLAIN_LETTERS)  # Hangul came apart, too
    # Vowels of Indic scripts and of Thai are marks, and no letters.
    spaced = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return " ".join("".join(spaced).split())


def _is_accent(mark: str) -> bool:
    """Whether a mark may be left out: in Latin, Greek, Cyrillic, Hebrew and Arabic writing."""
    return unicodedata.combining(mark) > 0 and ord(mark) < _FIRST_BEHIND_ARABIC
