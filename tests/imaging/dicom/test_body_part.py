"""What a word for a part of the body is taken for, in the languages of those who write it."""

import pytest

from cxr_core.imaging.dicom.body_part import body_part_of
from tests.imaging.dicom.test_content import code, film

CHEST = (
    "CHEST", "chest ap", "CHEST_PORT", "CXR", "RIB CAGE", "MEDIASTINUM", "CHESTABDOMEN",
    "TÓRAX", "2- TORAX", "TELETORAX", "PECHO", "PULMÕES", "PEITO", "TORACE", "POLMONI",
    "PLĂMÂN", "BRUSTKORB", "Thorax p.a.", "BORSTKAS", "BRYST", "BRÖSTKORG", "BRJÓST",
    "CAGE THORACIQUE", "RINTAKEHÄ", "KEUHKOT", "RINDKERE", "KRŪTINĖS LĄSTA", "PLAUČIAI",
    "KLATKA PIERSIOWA", "PŁUCA", "HRUDNÍK", "PLÍCE", "PRSNÝ KÔŠ", "GRUĐNI KOŠ", "TÜDŐ",
    "AKCİĞER", "GJOKSI", "ГРУДНАЯ КЛЕТКА", "ЛЁГКИЕ", "ОГК", "ГРЪДЕН КОШ", "БЯЛ ДРОБ", "ПЛУЋА",
    "ΘΩΡΑΚΑΣ", "胸部", "肺", "흉부", "الصدر", "رئة", "ריאות", "חזה", "ทรวงอก", "หน้าอก", "छाती",
    "மார்பு", "NGỰC", "PARU-PARU", "RONGGA DADA", "გულმკერდი",
)  # fmt: skip
OTHER = (
    "ABDOMEN", "HAND", "FEET", "SKULL", "TSPINE", "T-SPINE", "LSPINE", "C SPINE",
    "THORACIC SPINE", "COLUMNA DORSAL", "RACHIS THORACIQUE", "BWS", "BRÖSTRYGG", "KREGOSLUP",
    "THORACOLUMBAR", "BREAST", "BRUST MAMMO", "RIBS", "STERNUM", "CLAVICLE", "CORONARY",
    "SCHÄDEL", "HÜFTE RECHTS", "KNIE", "BASSIN", "GENOU", "CRÂNE", "MAINS", "RODILLA", "MANO",
    "CADERA", "JOELHO", "BACIA", "GINOCCHIO", "BACINO", "HEUP", "BUIK", "KNÄ", "POLVI",
    "KOLANO", "BRZUCH", "KOLENO", "PÁNEV", "KOPONYA", "GENUNCHI", "DİZ", "ЧЕРЕП",
    "КОЛЕННЫЙ СУСТАВ", "ЖИВОТ", "ПОЗВОНОЧНИК", "ΓΟΝΑΤΟ", "ΚΡΑΝΙΟ", "腹部", "頭部", "膝", "骨盆",
    "胸椎", "복부", "무릎", "흉추", "بطن", "ברך",
)  # fmt: skip
NOTHING = (
    "", "-", "UNKNOWN", "N/A", "NOT SPECIFIED", "WHOLE BODY", "ROUTINE", "BUCKY", "UNBEKANNT",
    "NON RENSEIGNÉ", "SIN DATOS", "NÃO INFORMADO", "NON SPECIFICATO", "OKÄND", "EGYÉB", "INNE",
    "BİLİNMİYOR", "НЕ УКАЗАНО", "ΑΓΝΩΣΤΟ", "不详", "その他", "미상", "غير معروف", "לא ידוע",
    "ไม่ทราบ",
)  # fmt: skip
UNKNOWN = ("TX", "KLTK", "XYZZY", "TELERADIOGRAFIA", "ᠴᠡᠭᠡᠵᠢ", "Doe^Jane")


@pytest.mark.parametrize(
    ("kind", "words"),
    [("chest", CHEST), ("other", OTHER), ("nothing", NOTHING), ("unknown", UNKNOWN)],
)
def test_words_in_many_languages(kind: str, words: tuple[str, ...]) -> None:
    assert {word: body_part_of(word) for word in words} == dict.fromkeys(words, kind)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("TX", "gives the body part as TX, not as the chest"),
        ("Doe, Jane's knapsack", "gives a body part that is not known as the chest"),
    ],
)
def test_a_word_that_is_not_known_is_a_caution_and_no_reason_to_stop(part: str, told: str) -> None:
    found = film(BodyPartExamined=part)
    assert found.rejection_reasons == ()
    assert [told in warning for warning in found.warnings] == [True]
    assert "Doe" not in found.warnings[0]


@pytest.mark.parametrize(
    ("part", "meaning", "is_other"),
    [
        (None, "Knee", True),
        ("OTHER", "Abdomen", True),
        (None, "Chest", False),
        (None, "Structure that nobody knows", False),
        ("CHEST", "Knee", False),  # the name comes first
    ],
)
def test_the_region_code_counts_where_the_name_says_nothing(
    part: str | None, meaning: str, is_other: bool
) -> None:
    found = film(BodyPartExamined=part, AnatomicRegionSequence=code("1", meaning))
    expected = ("The file says that it shows another part of the body, not the chest.",) * is_other
    assert found.rejection_reasons == expected
    assert found.warnings == ()
