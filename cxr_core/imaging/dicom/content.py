"""What a DICOM file says that it shows: which kind of image, which part of the body, which view.

Tags are written by people and machines in many languages; what says nothing is no reason against
a film, as its pixels are checked too.
"""

from pydicom import Dataset
from pydicom.uid import UID

from cxr_core.imaging.dicom.body_part import BodyPart, body_part_of
from cxr_core.imaging.dicom.tags import get_code, get_items, get_orientation, get_text
from cxr_core.imaging.dicom.view import is_frontal_view, is_lateral
from cxr_core.imaging.dicom.words import plain_words

# Modalities that are no radiograph, in words.
REFUSED_MODALITIES = {
    "BDUS": "an ultrasound image",
    "BMD": "a bone density scan",
    "CD": "an ultrasound image",
    "CT": "a CT image",
    "DD": "an ultrasound image",
    "DOC": "a document",
    "DSA": "an angiogram",
    "EC": "an ultrasound image",
    "ECG": "an electrocardiogram",
    "ES": "an endoscopy image",
    "FA": "an eye photograph",
    "GM": "a microscopy image",
    "IO": "a dental radiograph",
    "IVUS": "an intravascular ultrasound image",
    "IVOCT": "an optical coherence image",
    "KO": "a list of references",
    "MA": "an MR image",
    "MG": "a mammogram",
    "MR": "an MR image",
    "MRI": "an MR image",
    "MS": "an MR image",
    "NM": "a nuclear medicine image",
    "OCT": "an optical coherence image",
    "OP": "an eye photograph",
    "OPT": "an eye scan",
    "PET": "a PET image",
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
    "ST": "a nuclear medicine image",
    "TG": "a thermogram",
    "US": "an ultrasound image",
    "XA": "an angiogram",
    "XC": "a photograph",
}
# Of a digital radiograph's raw values; the intent, where it is stated, counts.
_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
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
    if _part_of(ds) == "other":
        part = get_code(ds, "BodyPartExamined") or "another part of the body"  # never free text
        if body_part_of(get_text(ds, "BodyPartExamined")) != "other":
            part = "another part of the body"  # its code says so
        found.append(f"The file says that it shows {part}, not the chest.")
    if is_lateral(ds):
        found.append(
            "The file says that this is a lateral film. The model reads frontal films only (PA or "
            "AP)."
        )
    return found


def header_warnings(ds: Dataset) -> list[str]:
    """Calm sentences on what the tags say that a reader of a frontal chest film should know."""
    found = []
    modality = get_code(ds, "Modality")
    if modality not in _RADIOGRAPH_MODALITIES:
        found.append(f"The file gives its modality as {modality}, not as a radiograph (CR or DX).")
    if get_code(ds, "BurnedInAnnotation") == "YES":
        found.append("The file says that text is burned into the image; it may name the patient.")
    intent, uid = get_code(ds, "PresentationIntentType"), get_text(ds, "SOPClassUID")
    if intent == "FOR PROCESSING" or (not intent and uid == _FOR_PROCESSING):
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


def _part_of(ds: Dataset) -> BodyPart:
    """The part of the body by its name, or else by its code."""
    named = body_part_of(get_text(ds, "BodyPartExamined"))
    regions = get_items(ds, "AnatomicRegionSequence")
    if named != "nothing" or not regions:
        return named
    coded = body_part_of(get_text(regions[0], "CodeMeaning"))
    return "nothing" if coded == "unknown" else coded


def _position_warnings(ds: Dataset) -> list[str]:
    view, sides = get_code(ds, "ViewPosition"), get_orientation(ds)
    found = []
    if _part_of(ds) == "unknown":
        part = get_code(ds, "BodyPartExamined")
        named = f"the body part as {part}, not as" if part else "a body part that is not known as"
        found.append(f"The file gives {named} the chest.")
    if not is_frontal_view(text := get_text(ds, "ViewPosition")) and plain_words(text):
        named = f"the view as {view}, not as" if view else "a view that is not known as"
        found.append(f"The file gives {named} frontal (PA or AP).")
    if sides is not None and sides[0][0] == "R":
        found.append(
            "According to the file, the patient's right is on the right of the image: it is "
            "mirrored."
        )
    if sides is not None and sides[1][0] != "F":
        found.append("According to the file, the film is not upright.")
    return found
