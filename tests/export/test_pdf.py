"""The one page, read back: what it says, that it is one, and that nothing runs off it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.flag_worth import BandShare
from cxr_core.export.cjk_font import CJK
from cxr_core.export.overlay import MapStyle
from cxr_core.export.pdf import record_pdf, table_row
from cxr_core.export.pdf_page import TRUNCATION_NOTE, PdfPage, fit_text
from cxr_core.export.record import MAX_NOTE_LENGTH, MAX_REFERENCE_LENGTH
from cxr_core.export.shaped_text import SHAPED
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.reading.analyzer import at_setting
from cxr_core.version import VERSION
from tests.helpers.analyses import STOPPED
from tests.helpers.models import make_points
from tests.helpers.pdf import read_pdf
from tests.helpers.records import CREATED, export_analysis, make_facts, make_record

# Points kept free at the sides, and above and below: what letter cuts off an A4, and a margin.
SIDE, EDGE = 50, 46


def small_film() -> Radiograph:
    """A film that is quick to draw."""
    film = export_analysis().radiograph
    return replace(film, pixels=np.full((64, 64), 90, np.uint8))


def runs_off(gray: np.ndarray) -> bool:
    """Whether anything is drawn in the margins of a page in gray."""
    inside = np.full(gray.shape, 255, np.uint8)
    inside[EDGE:-EDGE, SIDE:-SIDE] = gray[EDGE:-EDGE, SIDE:-SIDE]
    return bool((inside != gray).any())


def test_the_page_tells_everything_in_words():
    analysis = export_analysis(gate=STOPPED, correction="invert")
    record = make_record(
        analysis,
        read_anyway=True,
        cautions=("The film is mirrored.",),
        film_note="This is the phantom.",
        assessments={"effusion": "absent", "no_finding": "unsure"},
        note="Old scar at the base.",
        reference="Ward B, Müller & Söhne <b>",
    )
    page = read_pdf(record_pdf(record))
    assert page.pages == 1
    for words in (
        "Research model output",
        "Not a diagnosis.",
        "Reference Ward B, Müller & Söhne <b>",
        "Not reliable: read at the reader's request. The input check stopped this film. Too dark. "
        "Too small.",
        "The film was inverted at the reader's request before it was read.",
        "This is the phantom.",
        "PNG, 600 x 512 pixels",
        "Map of Effusion",
        "Atelectasis: no map",
        "Infiltration: no map",
        "No Finding: no map",
        "Effusion 50.0 % 31.0 % ▲ Not reliable (flagged) not known absent",
        "Atelectasis 25.0 % 31.0 % ▽ Not reliable (not flagged) not known not given",
        "No Finding 6.2 % 31.0 % ▽ Not reliable (not called normal) not known unsure",
        "what its results are worth is not known",
        "No site prevalence was given",
        "Reader's note Old scar at the base.",
        "Cautions 16 bit. The film is mirrored.",
        "ab" * 32,
        "cd" * 32,
        "2026-03-09 14:05:06+00:00",
        f"cxr_core {VERSION}, An engine 1.2",
    ):
        assert words in page.text, page.text
    assert not runs_off(page.gray)


def test_the_page_tells_the_prevalence_of_the_site():
    record = make_record(
        site_prevalence={"effusion": 0.05, "atelectasis": 0.2, "infiltration": None},
        at_site_prevalence={"effusion": (0.24, 0.12)},
        style=MapStyle(signed=True),
    )
    page = read_pdf(record_pdf(record))
    assert (
        "Effusion 50.0 % 31.0 % ▲ flagged not measured 5.0 % 24.0 % 12.0 % not given" in page.text
    )
    assert "Site prevalence, given by the reader: Effusion 5.0 %, Atelectasis 20.0 %." in page.text
    assert "Cool, dashed line" in page.text
    assert table_row(record, "atelectasis")[5:] == ["20.0 %", "", "", "not given"]
    assert not runs_off(page.gray)


def test_the_page_tells_bands_what_they_are_worth_the_setting_and_the_kind_of_model():
    pair = Cutoffs(make_points((0.31,) * 4), make_points((0.2,) * 4))
    share = BandShare(88, 44, Interval(0.5, 0.384, 0.6211, "wide"))
    facts = make_facts(likely=share)
    record = make_record(export_analysis(small_film(), cutoffs=pair), facts=facts)
    page = read_pdf(record_pdf(record))
    for words in (
        "Demonstration model: mean AUROC 0.80 (0.77 to 0.84) on 421 test films.",
        "Uncertain: Atelectasis.",
        "Effusion 50.0 % 31.0 % ▲ likely, flagged 50 % (38 to 62 %) not given",
        "Atelectasis 25.0 % 31.0 % ▽ uncertain, not flagged too few not given",
        "those of the model's 421 test films in the same band",
    ):
        assert words in page.text, page.text
    assert "Sensitive setting" not in page.text
    sensitive = replace(record, analysis=at_setting(record.analysis, "sensitive"))
    page = read_pdf(record_pdf(sensitive))
    assert "Sensitive setting: uncertain findings are flagged too." in page.text
    assert "Atelectasis 25.0 % 20.0 % ▲ uncertain, flagged too few not given" in page.text
    assert "Flagged: Effusion, Atelectasis" in page.text
    assert not runs_off(page.gray)


@pytest.mark.parametrize(
    "text", ["王小明 三院", "山田 太郎 カタカナ", "김철수", "Žižka Ωmega Яков"]
)
def test_other_scripts_are_printed_and_read_back(text):
    record = make_record(
        export_analysis(small_film()), reference=text, note=f"Note: {text}",
        identity=(("Patient", text),),
    )  # fmt: skip
    data = record_pdf(record)
    page = read_pdf(data)
    assert page.text.replace(" ", "").count(text.replace(" ", "")) == 3
    assert "Not printable" not in page.text
    assert "�" not in page.text
    assert record_pdf(record) == data
    # Each letter has its own picture: another name of as many letters looks otherwise.
    other = replace(record, identity=(("Patient", text[::-1]),))
    assert (read_pdf(record_pdf(other)).gray != page.gray).any()
    assert not runs_off(page.gray)


def test_a_letter_is_drawn_as_its_font_has_it():
    def ink(text: str) -> int:
        page = PdfPage(title="", program="", created=CREATED, letters=text)
        page.draw_paragraph(fit_text(text, max_height=40))
        return int((255 - read_pdf(page.to_bytes()).gray.astype(int)).sum())

    # 龘 has 48 strokes and 一 one: a box, or nothing, in place of both would be alike.
    assert ink("龘" * 12) > 3 * ink("一" * 12) > 0


def test_what_cannot_be_printed_is_said_on_the_page():
    record = make_record(export_analysis(small_film()), reference="𐤀", note="བོད 王")
    page = read_pdf(record_pdf(record))
    assert "Not printable here, � stands for each: Phoenician and Tibetan." in page.text
    assert page.text.count("�") == 1 + 3 + 1
    assert "王" in page.text


@pytest.mark.parametrize(
    ("text", "other"),
    [("محمد شلبي", "محمد شلبى"), ("שלום כהן", "כהן שלום"), ("नमस्ते", "नमसते"), ("สมชาย", "ชายสม")],
)
def test_what_is_laid_out_is_drawn_and_nothing_of_it_stays(text: str, other: str) -> None:
    record = make_record(
        export_analysis(small_film()), reference="Ward", note=text, identity=(("Patient", text),)
    )
    data = record_pdf(record)
    page = read_pdf(data)
    assert "�" not in page.text
    assert not runs_off(page.gray)
    assert record_pdf(record) == data
    changed = read_pdf(record_pdf(replace(record, identity=(("Patient", other),))))
    assert (changed.gray != page.gray).any()
    assert not {CJK, SHAPED} & set(pdfmetrics._fonts)


def test_the_patient_stands_on_the_page_only_where_the_record_has_it():
    record = make_record(export_analysis(small_film()))
    told = replace(record, identity=(("Patient", "DOE JANE"), ("accession number", "A0815")))
    assert "From the film's file" not in read_pdf(record_pdf(record)).text
    page = read_pdf(record_pdf(told))
    assert "From the film's file: Patient: DOE JANE; accession number: A0815." in page.text
    assert not runs_off(page.gray)
    longest = replace(told, identity=(("Patient", "W" * 64 + " " + "M" * 900),), note="n" * 1000)
    assert read_pdf(record_pdf(longest)).pages == 1


def test_the_file_tells_no_author_and_nothing_but_its_time_changes():
    record = make_record(export_analysis(small_film()))
    data = record_pdf(record)
    metadata = read_pdf(data).metadata
    assert metadata["/Title"] == "Research model output"
    assert metadata["/CreationDate"] == "D:20260309140506+00'00'"
    assert metadata["/Creator"] == f"cxr_core {VERSION}"
    assert (metadata["/Author"], metadata["/Subject"], metadata["/Keywords"]) == ("", "", "")
    assert record_pdf(record) == data
    assert record_pdf(replace(record, created=CREATED + timedelta(minutes=1))) != data


@pytest.mark.parametrize("shape", [(64, 160), (160, 64)], ids=["wide", "high"])
def test_a_film_of_any_shape_and_the_longest_texts_fit(shape):
    film = replace(export_analysis().radiograph, pixels=np.full(shape, 90, np.uint8))
    gate = GateResult(passed=False, reasons=("A reason against this film.",) * 40)
    analysis = export_analysis(film, gate=gate, warnings=tuple(f"Caution {n}." for n in range(400)))
    record = make_record(analysis, reference="W" * 120, note="W" * 1000)
    page = read_pdf(record_pdf(record))
    assert page.pages == 1
    assert page.text.count(TRUNCATION_NOTE.strip()) == 3  # the box, the note, the cautions
    assert "Caution 20." in page.text
    assert "ab" * 32 in page.text
    assert not runs_off(page.gray)


@settings(max_examples=15)
@given(
    reference=st.text(max_size=MAX_REFERENCE_LENGTH),
    note=st.text(max_size=MAX_NOTE_LENGTH),
    cautions=st.lists(st.text(max_size=600), max_size=8),
)
def test_any_text_makes_one_page(reference, note, cautions):
    record = make_record(
        export_analysis(small_film()), reference=reference, note=note, cautions=tuple(cautions)
    )
    page = read_pdf(record_pdf(record))
    assert page.pages == 1
    assert "No Finding: no map" in page.text
    assert not runs_off(page.gray)


def test_a_prior_film_beside_is_one_line_without_a_verdict():
    film = small_film()
    beside = export_analysis(replace(film, sha256="12" * 32))
    beside = replace(beside, probabilities=dict.fromkeys(beside.probabilities, 0.75))
    page = read_pdf(record_pdf(make_record(export_analysis(film), prior=beside)))
    assert page.pages == 1
    assert (
        "This film and the prior film beside it (SHA-256 121212121212 …): Effusion 50 % and 75 %; "
        "Atelectasis 25 % and 75 %;"
    ) in page.text
    assert "a difference smaller than the stability range means nothing." in page.text
    alone = read_pdf(record_pdf(make_record(export_analysis(film))))
    assert "prior film" not in alone.text
    stopped = make_record(export_analysis(film), prior=replace(beside, gate=STOPPED))
    assert "not reliable: the input check stopped it" in read_pdf(record_pdf(stopped)).text
