"""One reading as a row: order, numbers, no name, and nothing that a spreadsheet would run."""

import csv
import io
from dataclasses import replace
from importlib.metadata import version

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.flag_worth import BandShare
from cxr_core.evaluation.model_facts import NOT_MEASURED, TOO_FEW
from cxr_core.export.results_csv import COLUMNS, analysis_row, outcome_row, record_row, rows_to_csv
from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import at_setting
from cxr_core.reading.batch import Outcome
from cxr_core.reading.sources import FilmSource
from cxr_core.version import VERSION
from tests.helpers.analyses import STOPPED
from tests.helpers.models import make_points
from tests.helpers.records import export_analysis, make_facts, make_record


def read_back(*rows: dict[str, str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(rows_to_csv(rows).decode(), newline="")))


def test_a_row_has_every_column_in_order_with_known_values():
    row = analysis_row(export_analysis(gate=STOPPED))
    assert tuple(row) == COLUMNS
    assert (row["row"], row["file"], row["status"]) == ("", "", "stopped")
    assert row["logit_effusion"] == "-1.500000"
    assert row["probability_no_finding"] == "0.062500"
    assert row["cutoff_atelectasis"] == "0.310000"
    assert (row["flagged_effusion"], row["flagged_atelectasis"]) == ("1", "0")
    assert (row["gate"], row["gate_reasons"]) == ("stopped", "Too dark. Too small.")
    assert (row["reason"], row["correction"]) == ("Too dark. Too small.", "")
    assert (row["image_sha256"], row["model_sha256"]) == ("ab" * 32, "cd" * 32)
    assert row["app_version"] == VERSION
    assert row["library_versions"].startswith(f"An engine 1.2, pillow {version('pillow')}, ")


def test_a_reading_brings_the_readers_word_and_the_prevalence_in_use():
    row = record_row(
        make_record(
            read_anyway=True,
            cautions=("Mirrored.",),
            film_note="A phantom.",
            assessments={"effusion": "absent"},
            note="Old scar.",
            reference="Ward B",
            site_prevalence={"effusion": 0.05, "atelectasis": None},
            at_site_prevalence={"effusion": (0.25, 0.125)},
        )
    )
    assert tuple(row) == COLUMNS
    assert (row["row"], row["file"], row["read_anyway"]) == ("1", "", "1")
    assert (row["assessment_effusion"], row["assessment_atelectasis"]) == ("absent", "")
    assert (row["site_prevalence_effusion"], row["site_prevalence_atelectasis"]) == ("0.050000", "")
    assert row["site_probability_effusion"] == "0.250000"
    assert row["site_cutoff_effusion"] == "0.125000"
    assert row["site_probability_infiltration"] == ""
    assert (row["note"], row["reference"]) == ("Old scar.", "Ward B")
    assert (row["cautions"], row["film_note"]) == ("Mirrored.", "A phantom.")
    assert row["created"] == "2026-03-09T14:05:06+00:00"


def test_a_row_tells_bands_setting_and_what_each_result_is_worth():
    pair = Cutoffs(make_points((0.31,) * 4), make_points((0.2,) * 4))
    share = BandShare(257, 74, Interval(0.288, 0.2441, 0.3359, "enough"))
    facts = make_facts(likely=share)
    record = make_record(export_analysis(cutoffs=pair), facts=facts)
    row = record_row(record)
    assert tuple(row) == COLUMNS
    assert [row[f"band_{key}"] for key in KEYS] == ["likely", "uncertain", "unlikely", "unlikely"]
    assert (row["setting"], row["cutoff_effusion"]) == ("standard", "0.310000")
    assert row["sensitive_cutoff_effusion"] == "0.200000"
    assert row["specific_cutoff_effusion"] == "0.310000"
    assert row["test_films_effusion"] == "257"
    ends = [row[f"test_share{end}_effusion"] for end in ("", "_low", "_high")]
    assert ends == ["0.288000", "0.244100", "0.335900"]
    assert row["worth_effusion"] == (
        "of test films flagged like this 29 % carried the label (24 to 34 %)"
    )
    assert (row["test_films_atelectasis"], row["test_share_atelectasis"]) == ("4", "")
    assert row["worth_atelectasis"] == TOO_FEW
    assert row["model_note"].startswith("Demonstration model: mean AUROC 0.80 (0.77 to 0.84)")
    sensitive = record_row(replace(record, analysis=at_setting(record.analysis, "sensitive")))
    assert (sensitive["setting"], sensitive["cutoff_effusion"]) == ("sensitive", "0.200000")
    assert sensitive["flagged_atelectasis"] == "1"
    assert sensitive["cutoff_no_finding"] == "0.310000"


def test_without_test_films_a_row_says_so_and_holds_no_share():
    row = record_row(make_record())
    assert row["worth_effusion"] == NOT_MEASURED
    assert row["test_share_effusion"] == row["test_films_effusion"] == ""
    assert row["sensitive_cutoff_effusion"] == ""
    assert row["model_note"] == ""


def test_rows_are_counted_and_a_file_that_failed_says_why():
    analysis = export_analysis()
    failed = Outcome(FilmSource(2, "b.png", bytes), "ef" * 32, reason="Too small.")
    one, two, three = read_back(
        analysis_row(analysis),
        outcome_row(failed, model_sha256="cd" * 32),
        analysis_row(analysis, "a.png"),
    )
    assert [row["row"] for row in (one, two, three)] == ["1", "2", "3"]
    assert [row["file"] for row in (one, two, three)] == ["", "b.png", "a.png"]
    assert (two["status"], two["reason"], two["image_sha256"]) == (
        "failed",
        "Too small.",
        "ef" * 32,
    )
    assert two["probability_effusion"] == ""
    assert float(one["logit_effusion"]) == -1.5  # a negative number stays one


def test_no_text_is_run_as_a_formula():
    naughty = make_record(
        export_analysis(warnings=("=HYPERLINK(1)",)), note="  =1+1", reference="+49 30\nline"
    )
    (row,) = read_back(record_row(naughty))
    assert row["warnings"] == "'=HYPERLINK(1)"
    assert row["note"] == "'  =1+1"
    assert row["reference"] == "'+49 30\nline"
    (named,) = read_back(analysis_row(export_analysis(), "@a"))
    assert named["file"] == "'@a"


def test_letters_of_every_script_come_back_and_a_half_letter_harms_nothing():
    (row,) = read_back(record_row(make_record(note="Müller 王 😀", reference="a\ud800b")))
    assert (row["note"], row["reference"]) == ("Müller 王 😀", "a?b")


def test_a_film_read_past_the_input_check_says_so_and_what_it_is_worth_stays_open():
    record = make_record(
        export_analysis(gate=STOPPED), read_anyway=True, cautions=("Too dark.",),
        facts=make_facts(likely=BandShare(90, 30, Interval(0.3, 0.2, 0.4, "enough"))),
    )  # fmt: skip
    row = record_row(record)
    assert row["cautions"] == "Not reliable: read at the reader's request. Too dark."
    assert (row["read_anyway"], row["gate"]) == ("1", "stopped")
    assert "not known" in row["worth_effusion"]
    assert row["test_share_effusion"] == row["test_films_effusion"] == ""
