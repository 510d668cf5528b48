"""From where a film was taken, by a file's words and codes: from the front, from the side.

All patterns are of words as ``plain_words`` makes them.
"""

import re

from pydicom import Dataset

from cxr_core.imaging.dicom.tags import get_items, get_orientation, get_text
from cxr_core.imaging.dicom.words import plain_words

_LATERAL_PATTERN = re.compile(
    r"\b(L|R|LT|RT|LEFT|RIGHT|XT?|LATERO|MEDIO|HB)?LAT(ERAL(?!ITY)[A-Z]{0,3}|ERAAL\w*|EROMEDIAL)?"
    r"(L|R|LT|RT|LI|RE|SIN|DX)?\b"
    r"|\b(LL|RL|HBL)\b|\b(X|CROSS) ?TABLE\b|\bXTL\b|\bPROFIEL\b|\bPROFIL[OE]?\b|\bPERFIL\b"
    r"|\bSEITL|\bSEITENBILD|\bSEITENANSICHT|\bZIJDELINGSE?\b|\bZIJAANZICHT|\bDWARSE?\b"
    r"|\bBOCZN|\bBOCN|\bBOKEM\b|\bOLDAL(IRANY|FELV)|\bSIVUKUVA|\bSID(E|O)BILD|\bSIDE(OPTAG|PROJ)"
    r"|\bFRA SIDEN\b|\bYAN (GRAFI|AKCIGER)|\bS(OL|AG) YAN\b|\bSIDE VIEW\b|\bSAGITTAL\b|\bNGHIENG\b"
    r"|\bSAMPING\b|БОКОВ|БІЧН|ЛАТЕРАЛ|ПРОФИЛ|СТРАНИЧН|ΠΛΑΓΙ|ΠΡΟΦΙΛ|側面|側位|侧位|侧面|左[侧側]|右[侧側]"
    r"|^(SEITE|SIDE|SIDA|SIVU|BOK|YAN|SAG|צד|[侧側])$|측면|측방|جانبي|جنبي|לטרל|צדדי|צידי|מהצד|ด้านข้าง|पार्श्व"
)
_DECUBITUS_PATTERN = re.compile(
    r"DECUB|\b[LR]LD\b|LIEGEN|SEITENLAGE|ЛАТЕРОПОЗ|[侧側][卧臥]|측와|نائم"
)
_FRONTAL_PATTERN = re.compile(
    r"\b(PA|AP|P A|A P|FRONTALE?|FRENTE|FRONTE|FACE|POSTERO ?ANT\w*|ANTERO ?POST\w*"
    r"|(ПЕРЕДН|ПРЯМ|ОБЗОРН|ЗАДНЕ ?ПЕРЕДН|ПЕРЕДНЕ ?ЗАДН)\w*|ΠΡΟΣΘΙ\w*|ΜΕΤΩΠ\w*|ΟΠ)\b"
    r"|正[面位侧側]|[後后][前]|前[後后]|정면|전후|후전|امامي|קדמי|חזית"
)
# A study or series of several films, of which this may be any.
_SEVERAL_FILMS_PATTERN = re.compile(
    r"\b(2|3|4|TWO|THREE|ZWEI|DEUX|DOS|DUE|TWEE) ?(V|VW|VWS|VIEWS?|EBENEN|PROJ\w*|INCID\w*|R)\b"
    r"|\b(\d+V|VIEWS|AND|UND|ET|Y|WITH|PLUS|И|ТА|ПРОЕКЦИЯХ)\b"
)
# SNOMED CT and the older SNOMED RT codes of lateral views in DICOM's list 4010.
_LATERAL_CODES = frozenset(
    ("399067008", "R-102CD", "399198007", "R-10232", "399173006", "R-10236",
     "399260004", "R-10224", "399352003", "R-10228", "30730003", "G-A145")
)  # fmt: skip
# What a file says of its film alone comes before what it says of all films of its order.
_DESCRIPTION_KEYWORDS = (
    "AcquisitionDeviceProcessingDescription",
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "StudyDescription",
    "RequestedProcedureDescription",
)


def is_lateral(ds: Dataset) -> bool:
    """Whether a tag says that the film was taken from the side.

    A description counts only where view and orientation do not say that the film is frontal, and
    where it does not name several films; a lateral decubitus film is frontal.
    """
    view, sides = plain_words(get_text(ds, "ViewPosition")), get_orientation(ds)
    if sides is not None and sides[0][0] in "AP":
        return True
    codes = get_items(ds, "ViewCodeSequence")
    if _says_lateral(view) or any(_is_lateral_code(item) for item in codes):
        return True
    if _says_frontal(view) or sides is not None:
        return False
    for text in (plain_words(get_text(ds, keyword)) for keyword in _DESCRIPTION_KEYWORDS):
        if _says_frontal(text) or _SEVERAL_FILMS_PATTERN.search(text):
            return False
        if _says_lateral(text):
            return True
    return False


def is_frontal_view(view: str) -> bool:
    """Whether a view's words, as in ViewPosition, name a frontal film (PA or AP)."""
    return _says_frontal(plain_words(view))


def _says_frontal(words: str) -> bool:
    return _FRONTAL_PATTERN.search(words) is not None


def _says_lateral(words: str) -> bool:
    return (
        _LATERAL_PATTERN.search(words) is not None
        and not _DECUBITUS_PATTERN.search(words)
        and not _says_frontal(words)
    )


def _is_lateral_code(item: Dataset) -> bool:
    value, meaning = get_text(item, "CodeValue"), plain_words(get_text(item, "CodeMeaning"))
    return value.upper() in _LATERAL_CODES or any(
        _says_lateral(words) and "OBLIQUE" not in words for words in (plain_words(value), meaning)
    )
