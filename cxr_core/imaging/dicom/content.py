"""What a DICOM file says that it shows: which kind of image, which part of the body, which view.

Tags are written by people and machines in many languages; what says nothing is no reason against
a film, as its pixels are checked too.
"""

import re
import unicodedata

from pydicom import Dataset
from pydicom.uid import UID

from cxr_core.imaging.dicom.tags import get_code, get_items, get_orientation, get_text

# Modalities that are no radiograph, in words.
REFUSED_MODALITIES = {
    "BMD": "a bone density scan",
    "CT": "a CT image",
    "DOC": "a document",
    "ECG": "an electrocardiogram",
    "ES": "an endoscopy image",
    "GM": "a microscopy image",
    "IO": "a dental radiograph",
    "IVUS": "an intravascular ultrasound image",
    "KO": "a list of references",
    "MG": "a mammogram",
    "MR": "an MR image",
    "NM": "a nuclear medicine image",
    "OCT": "an optical coherence image",
    "OP": "an eye photograph",
    "OPT": "an eye scan",
    "PR": "a presentation state",
    "PT": "a PET image",
    "PX": "a panoramic dental radiograph",
    "RTDOSE": "a radiotherapy dose",
    "RTIMAGE": "a radiotherapy image",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "a radiotherapy structure set",
    "SEG": "a segmentation",
    "SM": "a microscopy image",
    "SR": "a structured report",
    "US": "an ultrasound image",
    "XA": "an angiogram",
    "XC": "a photograph",
}
_RADIOGRAPH_MODALITIES = ("", "CR", "DX", "OT", "RG", "SC")
# SOP classes of the same kinds (PS3.6, annex A), by the numbers after 1.2.840.10008.5.1.4.1.1;
# their sub-classes have more of them (Enhanced CT is 2.1). Secondary Captures (7) and digital
# radiographs (1, 1.1) are not here: real films are stored as both.
_SOP_CLASS_ROOT = "1.2.840.10008.5.1.4.1.1."
_SOP_CLASS_MODALITIES = {
    "1.2": "MG",
    "1.3": "IO",
    "2": "CT",
    "3": "US",
    "4": "MR",
    "5": "NM",
    "6": "US",
    "9": "ECG",
    "11": "PR",
    "12.1": "XA",
    "12.3": "XA",
    "13.1.1": "XA",
    "13.1.2": "PX",
    "13.1.3": "MG",
    "14": "OCT",
    "20": "NM",
    "66.4": "SEG",
    "66.5": "SEG",
    "77.1.1": "ES",
    "77.1.2": "GM",
    "77.1.3": "GM",
    "77.1.4": "XC",
    "77.1.5": "OP",
    "77.1.6": "SM",
    "78": "OP",
    "79": "OP",
    "80": "OP",
    "81": "OP",
    "82": "OP",
    "88.59": "KO",
    "88": "SR",
    "104": "DOC",
    "128": "PT",
    "130": "PT",
    "481.1": "RTIMAGE",
    "481.2": "RTDOSE",
    "481.3": "RTSTRUCT",
    "481.5": "RTPLAN",
    "481": "RTIMAGE",
}

# Words as ``_words`` makes them: capitals without accents.
_CHEST_PATTERN = re.compile(
    r"CHEST|\bCHST\b|THORA[XK]|THORACI|TORA[XKC]|LUNG|\bTHX\b|\bCXR\b|\bPECHO\b"
    r"|\bBRUST(KORB)?\b|POITRINE|POUMON|PULM[OA]|POLMON|\bPETTO\b|\bBORST(KAS)?\b|\bLONGEN\b"
    r"|\bBRYST(KASSE)?\b|BROST(KORG)?\b|KEUHKO|RINTAKEHA|RINNAKORV|KLATK|\bPLUC|\bPLJUC"
    r"|\bPLAUC|KRUTINES|\bGRUDN|PRSNI KOS|\bPEITO\b|\bHRUD|\bMELLKAS|\bGOGUS\b|AKCIGER"
    r"|\bHEART\b|\bCOR\b|\bDADA\b|\bPARU\b|\bNGUC\b|\bPHOI\b|ГРУД|ЛЕГК|\bОГК\b|ΘΩΡΑΚ|ΘΩΡΑΞ"
    r"|ΠΝΕΥΜ|胸|肺|흉부|가슴|폐|صدر|חזה|ทรวงอก|ปอด"
)
_CHEST_SPINE_PATTERN = re.compile(
    r"SPINE|SPINAL|WIRBEL|COLUMN|COLONN|COLUNA|VERTEBR|RACHI|KREGOSL|RYGG|\bBWS\b|ПОЗВОН|胸椎|흉추"
)
# What stands in the tag of a machine that was not told.
_NO_PART_PATTERN = re.compile(
    r"(UNKNOWN|UNK|OTHER|OTHERS|NONE|NULL|NO|NA|N A|(NOT|NONE) (SPECIFIED|DEFINED|APPLICABLE|KNOWN|"
    r"STATED|GIVEN|SET)|UNDEFINED|UNSPECIFIED|UNASSIGNED|DEFAULT|GENERAL|GENERIC|STANDARD|MISC|"
    r"MISCELLANEOUS|VARIOUS|DIVERS|ANY|ALL|EMPTY|BLANK|TBD|BODY|BODYPART|BODY PART|"
    r"BODY PART EXAMINED|XRAY|X RAY|RX|PORT|PORTABLE|RADIOGRAPH|DX|CR|DR|EXAM|EXAMINATION|IMAGE|"
    r"TRUNK|TORSO|UPPER BODY|TEST|"
    r"UNBEKANNT|SONSTIGE[SR]?|ANDERE[SR]?|KEINE?|INCONNU|AUTRES?|AUCUNE?|DESCONOCID[OA]|OTR[OA]S?|"
    r"NINGUN[OA]|(SIN|NO) ESPECIFICA(R|DO)|DESCONHECID[OA]|OUTR[OA]S?|NENHUM|"
    r"NAO (INFORMADO|ESPECIFICADO)|SCONOSCIUT[OA]|ALTRO|NESSUN[OA]|ONBEKEND|OVERIGE?|OKAND|"
    r"UKENDT|UKJENT|ANNET|TUNTEMATON|NIEZNANE?|INNE|BRAK|NEZNAM[YAE]|НЕИЗВЕСТНО|НЕ УКАЗАНО|НЕТ|"
    r"ДРУГОЕ|未知|其他|不明|その他|기타|미상|X+|\d+)?"
)
_LATERAL_PATTERN = re.compile(
    r"\b(L|R|LT|RT|LEFT|RIGHT|XT?|LATERO)?LAT(ERAL(E|ES|IS)?|ERAAL\w*)?(L|R|LT|RT)?\b"
    r"|\b(LL|RL)\b|\b(X|CROSS) ?TABLE\b|\bXTL\b|\bPROFIEL\b|\bPROFIL[OE]?\b|\bPERFIL\b"
    r"|\bSEITL|\bZIJDELINGSE?\b|\bDWARSE?\b|\bBOCZN|\bBOCN|\bOLDAL(IRANY|FELV)|\bSIVUKUVA"
    r"|\bSID(E|O)BILD|\bYAN (GRAFI|AKCIGER)|\bSIDE VIEW\b|\bSAGITTAL\b|БОКОВ|БІЧН|ΠΛΑΓΙ|側面|側位"
    r"|侧位|侧面|측면"
)
_DECUBITUS_PATTERN = re.compile(r"DECUB|\b[LR]LD\b|LIEGEN")
_FRONTAL_PATTERN = re.compile(
    r"\b(PA|AP|P A|A P|FRONTALE?|FRENTE|FRONTE|FACE|POSTERO ?ANT\w*|ANTERO ?POST\w*)\b"
)
# A study or series of several films, of which this may be any.
_SEVERAL_FILMS_PATTERN = re.compile(
    r"\b(2|3|4|TWO|THREE|ZWEI|DEUX|DOS|DUE|TWEE) ?(V|VW|VWS|VIEWS?|EBENEN|PROJ\w*|INCID\w*|R)\b"
    r"|\b(\d+V|VIEWS|AND|UND|ET|Y|WITH|PLUS)\b"
)
# SNOMED CT and the older SNOMED RT codes of lateral views in DICOM's list 4010.
_LATERAL_CODES = frozenset(
    ("399067008", "R-102CD", "399198007", "R-10232", "399173006", "R-10236",
     "399260004", "R-10224", "399352003", "R-10228")
)  # fmt: skip


def kind_refused(ds: Dataset) -> tuple[str, str] | None:
    """What the file is, and the tag that says so, where that is no radiograph.

    The SOP class decides where the modality says nothing of the kind, as exports lose one or the
    other; a radiograph's modality is believed under any SOP class.
    """
    modality = get_code(ds, "Modality")
    if modality in REFUSED_MODALITIES:
        return REFUSED_MODALITIES[modality], f"modality {modality}"
    if modality in ("CR", "DX", "RG"):
        return None
    uid = get_text(ds, "SOPClassUID")
    if not uid.startswith(_SOP_CLASS_ROOT):
        return None
    numbers = uid.removeprefix(_SOP_CLASS_ROOT).split(".")
    for count in range(len(numbers), 0, -1):  # the most particular class first
        modality = _SOP_CLASS_MODALITIES.get(".".join(numbers[:count]), "")
        if modality:
            return REFUSED_MODALITIES[modality], f"SOP class {UID(uid).name}"
    return None


def rejection_reasons(ds: Dataset) -> list[str]:
    """Calm sentences on what the tags say against a frontal chest film."""
    found = []
    if _is_other_part(_words(get_text(ds, "BodyPartExamined"))):
        part = get_code(ds, "BodyPartExamined") or "another part of the body"  # never free text
        found.append(f"The file says that it shows {part}, not the chest.")
    if is_lateral(ds):
        found.append(
            "The file says that this is a lateral film. The model reads frontal films only (PA or "
            "AP)."
        )
    return found


def is_lateral(ds: Dataset) -> bool:
    """Whether a tag says that the film was taken from the side.

    A description counts only where view and orientation do not say that the film is frontal, and
    where it does not name several films; a lateral decubitus film is frontal.
    """
    view, sides = _words(get_text(ds, "ViewPosition")), get_orientation(ds)
    if sides is not None and sides[0][0] in "AP":
        return True
    codes = get_items(ds, "ViewCodeSequence")
    if _says_lateral(view) or any(_is_lateral_code(item) for item in codes):
        return True
    if is_frontal_view(view) or sides is not None:
        return False
    descriptions = [
        _words(get_text(ds, name)) for name in ("SeriesDescription", "StudyDescription")
    ]
    for text in descriptions:
        if is_frontal_view(text) or _SEVERAL_FILMS_PATTERN.search(text):
            return False
        if _says_lateral(text):
            return True
    return False


def is_frontal_view(view: str) -> bool:
    """Whether a view's words, as in ViewPosition, name a frontal film (PA or AP)."""
    return _FRONTAL_PATTERN.search(_words(view)) is not None


def header_warnings(ds: Dataset) -> list[str]:
    """Calm sentences on what the tags say that a reader of a frontal chest film should know."""
    found = []
    modality = get_code(ds, "Modality")
    if modality not in _RADIOGRAPH_MODALITIES:
        found.append(f"The file gives its modality as {modality}, not as a radiograph (CR or DX).")
    if get_code(ds, "BurnedInAnnotation") == "YES":
        found.append("The file says that text is burned into the image; it may name the patient.")
    if get_code(ds, "PresentationIntentType") == "FOR PROCESSING":
        found.append("The file holds the detector's raw values (FOR PROCESSING), not the film.")
    photometric, shape = (
        get_code(ds, "PhotometricInterpretation"),
        get_code(ds, "PresentationLUTShape"),
    )
    if (photometric, shape) in (("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")):
        found.append(
            f"The file contradicts itself on which end is bright ({photometric}, {shape}); "
            f"it is shown as {photometric}."
        )
    return found + ([] if rejection_reasons(ds) else _position_warnings(ds))


def _position_warnings(ds: Dataset) -> list[str]:
    view, sides = get_code(ds, "ViewPosition"), get_orientation(ds)
    found = []
    if view and not is_frontal_view(view):
        found.append(f"The file gives the view as {view}, not as frontal (PA or AP).")
    if sides is not None and sides[0][0] == "R":
        found.append(
            "According to the file, the patient's right is on the right of the image: it is "
            "mirrored."
        )
    if sides is not None and sides[1][0] != "F":
        found.append("According to the file, the film is not upright.")
    return found


def _says_lateral(text: str) -> bool:
    return (
        _LATERAL_PATTERN.search(text) is not None
        and not _DECUBITUS_PATTERN.search(text)
        and not is_frontal_view(text)
    )


def _is_lateral_code(item: Dataset) -> bool:
    meaning = _words(get_text(item, "CodeMeaning"))
    return get_text(item, "CodeValue").upper() in _LATERAL_CODES or (
        _says_lateral(meaning) and "OBLIQUE" not in meaning
    )


def _is_other_part(part: str) -> bool:
    if _NO_PART_PATTERN.fullmatch(part):
        return False
    is_chest = _CHEST_PATTERN.search(part) is not None
    return not is_chest or _CHEST_SPINE_PATTERN.search(part) is not None


def _words(text: str) -> str:
    """Capitals without accents; dots fall away (P.A.), other signs between words become spaces."""
    plain = unicodedata.normalize("NFKD", text.upper())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = unicodedata.normalize("NFC", plain)  # Hangul came apart, too
    return re.sub(r"[\W_]+", " ", plain.replace(".", "")).strip()
