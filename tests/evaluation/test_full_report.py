"""What is gathered of a table, and how it reads as JSON, as CSV and in a terminal."""

import io
import json
import math
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.full_report import (
    FITTED_HERE_NOTE,
    FullReport,
    file_stem,
    multi_label_share,
)
from cxr_core.evaluation.localisation.pointing import HitRates
from cxr_core.evaluation.localisation.rates import LocalisationMetrics, OverlapRates
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.labels import split_labels
from cxr_core.evaluation.render.csv_rows import metrics_csv, metrics_table
from cxr_core.evaluation.render.json_document import metrics_json, to_plain_values
from cxr_core.evaluation.render.table import CSV_COLUMNS
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.findings import KEYS, LABEL_COLUMNS
from tests.helpers.reports import SHA256, films, gathered

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def metrics() -> FullReport:
    return gathered(films())


@pytest.fixture(scope="module")
def poor() -> FullReport:
    """Of a table in which no film has Effusion: nothing of it can be estimated."""
    return gathered(films(30).assign(label_effusion=0))


@pytest.fixture(scope="module")
def barren() -> FullReport:
    """Of a table in which no film has any finding: there is no cut-off."""
    return gathered(films(30).assign(**dict.fromkeys(LABEL_COLUMNS, 0)))


def parsed(metrics: FullReport) -> dict:
    """The document, by a reader that takes no NaN and no Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(metrics_json(metrics, created_at=NOON), parse_constant=refuse)


def same(found: dict, interval: Interval) -> bool:
    """Whether an interval came through to its last digit."""
    told = (interval.estimate, interval.low, interval.high)
    expected = [None] * 3 if math.isnan(interval.estimate) else list(told)
    return [found["estimate"], found["low"], found["high"]] == expected and (
        found["verdict"] == interval.verdict
    )


def test_every_number_of_the_report_comes_back_in_full(metrics: FullReport) -> None:
    found, report = parsed(metrics), metrics.report
    for key in KEYS:
        assert same(found["auroc"][key], report.auroc[key])
        assert same(found["average_precision"][key], report.average_precision[key])
        assert found["calibration_error"]["before"][key] == report.ece_before[key]
        for field in fields(report.operating_points[key]):
            point = report.operating_points[key]
            assert found["operating_points"][key][field.name] == getattr(point, field.name)
        counts = report.confusion[key]
        assert found["confusion"][key] == {
            "tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn,
        }  # fmt: skip
        for name in ("sensitivity", "specificity", "ppv", "npv"):
            assert same(found["rates"][key][name], getattr(report.rates[key], name))
        for name in ("positive_likelihood_ratio", "negative_likelihood_ratio"):
            assert same(found["rates"][key][name], getattr(metrics.at_operating_points[key], name))
        assert found["labels"][key]["positives"] == report.label_distribution[key].positives
        assert found["labels"][key]["verdict"] == report.label_distribution[key].verdict
    assert report.classification_report is not None
    assert found["classification_report"] == report.classification_report.values
    assert found["table"] == {
        "sha256": SHA256, "films": 80, "patients": 40, "columns": None,
    }  # fmt: skip
    assert found["intervals"]["resampled"] == "patients"
    assert (found["intervals"]["n_resamples"], found["intervals"]["seed"]) == (40, 0)
    assert found["made"] == "2026-03-01T12:00:00+00:00"


def test_groups_shortcuts_and_labels_come_back_too(metrics: FullReport) -> None:
    found = parsed(metrics)
    assert len(found["groups"]) == len(metrics.groups)
    for told, group in zip(found["groups"], metrics.groups, strict=True):
        assert (told["by"], told["value"], told["n"]) == (group.by, group.value, group.n)
        for name in ("auroc", "sensitivity", "specificity"):
            assert same(told[name], getattr(group, name))
    assert [one["finding"] for one in found["view_alone"]] == list(KEYS)
    assert same(found["view_alone"][0]["gain"], metrics.shortcuts[0].gain)
    labels = films()[list(LABEL_COLUMNS)].to_numpy()
    both = int((labels[:, 0] & labels[:, 1]).sum())
    assert found["co_occurrence"]["effusion"]["atelectasis"] == both
    assert sum(found["labels_per_film"]) == 80
    assert found["comparison"] is None
    assert FITTED_HERE_NOTE in found["notes"]


def test_what_is_not_estimable_is_null_and_said(
    metrics: FullReport, poor: FullReport, barren: FullReport
) -> None:
    masked = next(one for one in parsed(metrics)["groups"] if one["value"] == "LL")
    assert masked["auroc"] == {
        "estimate": None, "low": None, "high": None,
        "verdict": "too few", "left_out": 0, "status": "not estimable",
    }  # fmt: skip
    found = parsed(poor)
    assert found["auroc"]["effusion"]["status"] == "not estimable"
    assert found["auroc"]["atelectasis"]["status"] == "estimable"
    assert "effusion" not in found["operating_points"]
    assert "effusion" not in found["errors"]
    assert "Effusion" not in found["classification_report"]
    assert "Atelectasis" in found["classification_report"]
    assert any("No cut-off for Effusion" in note for note in found["notes"])
    found = parsed(barren)
    assert found["operating_points_fitted_here"] is None
    assert found["classification_report"] is None
    assert found["operating_points"] == found["errors"] == {}


def test_nested_values_become_plain_ones() -> None:
    value = {"a": (np.int64(1), np.float64("nan")), "b": np.array([[1.5, np.inf]]), "c": None}
    assert to_plain_values(value) == {"a": [1, None], "b": [[1.5, None]], "c": None}
    assert to_plain_values(pd.DataFrame({"x": [1, 2]})) == [{"x": 1}, {"x": 2}]
    assert to_plain_values(NOT_ESTIMABLE)["estimate"] is None


def test_no_film_and_no_patient_is_named(metrics: FullReport) -> None:
    everything = (
        metrics_json(metrics, created_at=NOON) + metrics_csv(metrics) + metrics_text(metrics)
    )
    assert "secret" not in everything
    assert file_stem("metrics", metrics.table_sha256) == "metrics_1a2b3c4d"


def test_the_csv_has_a_row_a_figure(metrics: FullReport) -> None:
    table = pd.read_csv(io.StringIO(metrics_csv(metrics)), keep_default_na=True)
    assert tuple(table.columns) == CSV_COLUMNS
    assert ',"all films","films",80,,,,,\n' in metrics_csv(metrics)
    assert not table.duplicated(["finding", "part", "figure"]).any()
    rows = table.set_index(["finding", "part", "figure"])
    area = metrics.report.auroc["effusion"]
    told = rows.loc[("effusion", "all films", "auroc"), ["value", "low", "high", "n", "verdict"]]
    assert list(told) == [area.estimate, area.low, area.high, 80, area.verdict]
    ratio = metrics.at_operating_points["no_finding"].positive_likelihood_ratio
    assert rows.loc[("no_finding", "all films", "likelihood_ratio_above"), "value"] == (
        ratio.estimate
    )
    masked = rows.loc[("effusion", "view: LL", "auroc"), ["n", "verdict", "value"]]
    assert list(masked[:2]) == [5, "not estimable"]
    assert np.isnan(masked["value"])
    assert rows.loc[("atelectasis", "all films", "tp"), "value"] == (
        metrics.report.confusion["atelectasis"].tp
    )


def test_without_cut_offs_the_csv_has_no_row_of_them(barren: FullReport) -> None:
    figures = set(metrics_table(barren)["figure"])
    assert {"auroc", "prevalence"} <= figures
    assert not figures & {"tp", "sensitivity", "operating_point", "likelihood_ratio_above"}


def test_the_terminal_shows_the_pages_tables_in_100_columns(metrics: FullReport) -> None:
    table = films().assign(split=["train"] * 40 + ["test"] * 40)
    splits = tuple(split_labels(table))
    half = Interval(0.5, 0.25, 0.75, "wide")
    passed = OverlapRates(30, 0.25, half, half, half, half, half, NOT_ESTIMABLE)
    boxed = LocalisationMetrics(
        hit_rates={"effusion": HitRates(30, half, half, half, half, NOT_ESTIMABLE)},
        overlaps={"iobb": {"effusion": (passed,)}},
    )
    wide = replace(metrics.groups[-1], by="group", value="a hospital with a name " * 5)
    whole = replace(metrics, splits=splits, groups=(*metrics.groups, wide), localisation=boxed)
    text = metrics_text(whole)
    assert max(map(len, text.splitlines())) <= 100
    for title in (
        "Likelihood ratios at the cut-offs",
        "Errors at the cut-offs",
        "Effusion by subgroup",
        "prevalence by view from these same films",
        "Labels by set",
        "Films with two labels at once",
        "Labels per film",
        "Share of boxed test films on which the point lies inside a box",
    ):
        assert title in text
    missed = metrics.missed["effusion"]
    assert missed.films == metrics.report.confusion["effusion"].fn
    assert f"{missed.margin:+.2f}" in text
    assert "View: LL" in text
    assert "not estimable" in text
    assert "a hospital" in text
    told = parsed(whole)["localisation"]["effusion"]
    assert (told["n"], told["peak"]["high"], told["gain"]["estimate"]) == (30, 0.75, None)
    rows = metrics_table(whole).set_index(["finding", "part", "figure"])
    inside = rows.loc[("effusion", "films with a box of it", "inside_peak"), ["value", "low", "n"]]
    assert list(inside) == [0.5, 0.25, 30]
    overlap = parsed(whole)["overlaps"]["iobb"]["effusion"][0]
    assert (overlap["threshold"], overlap["map_box"]["low"]) == (0.25, 0.25)
    iobb = ("effusion", "films with a box of it", "map_box_iobb_over_0.25")
    assert list(rows.loc[iobb, ["value", "n"]]) == [0.5, 30]


def test_a_table_without_cut_offs_has_a_text_too(barren: FullReport) -> None:
    text = metrics_text(barren)
    assert "Likelihood ratios" not in text
    assert "Effusion (0)" in text
    assert "not estimable" in text
    assert "No cut-offs were given" in text


def test_the_share_of_films_with_several_labels() -> None:
    assert multi_label_share((5, 3, 1, 0, 0)) == 0.25
    assert math.isnan(multi_label_share((5, 0, 0, 0, 0)))
