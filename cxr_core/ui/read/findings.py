"""The right side of the Read page: four findings with their maps, and what the maps mean."""

import html
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.metrics.errors import SimilarFilms, similar_films
from cxr_core.evaluation.predictions import labels_of, patients_of
from cxr_core.evaluation.run_folder import LOCALISATION_FILE
from cxr_core.evaluation.scoring import finite_logit, sigmoid
from cxr_core.export.overlay import (
    N_COLOURS,
    display_map,
    draw_map,
    evidence_alpha,
    evidence_colormap,
    peak_fraction,
)
from cxr_core.export.record import (
    FLAGGED_MARK,
    NOT_FLAGGED_MARK,
    flag_sentence,
    map_title,
    result_headline,
)
from cxr_core.findings import ABNORMAL_IN_WORDS, ABNORMAL_KEYS, KEYS, LABELS, NORMAL_KEY
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.film_view import data_uri, downscale
from cxr_core.ui.model import model_folder
from cxr_core.ui.prevalence import display_values, site_sentence
from cxr_core.ui.read.cautions import note_sentences
from cxr_core.ui.read.stability import borderline_findings, borderline_sentence
from cxr_core.ui.words import percent, percent_range

SMALL_MAP_SIDE = 300  # longer side of a small multiple in pixels
SMALL_MAP_OPACITY = 0.65


# One finding's numbers in words: its row, what its cut-off did on test films, its neighbours.


@dataclass(frozen=True)
class FindingRow:
    """The texts of a finding's row.

    Attributes:
        probability: e.g. "38 %".
        flag: e.g. "flagged (cut-off 31 %)".
        note: what must not be overlooked, e.g. "at your prevalence 5 %, borderline"; or empty.
        fill, tick: probability and cut-off as shown, 0 to 1, for the bar.
    """

    probability: str
    flag: str
    note: str
    fill: float
    tick: float


def finding_row(analysis: Analysis, key: str) -> FindingRow:
    """A finding's row: at the site's prevalence where one is set, borderline where it is."""
    numbers = display_values(analysis, key)
    marks = [numbers.note, "borderline" if key in borderline_findings(analysis) else ""]
    return FindingRow(
        probability=percent(numbers.probability),
        flag=flag_sentence(key, numbers.probability, numbers.cut_off, flagged=analysis.above[key]),
        note=", ".join(filter(None, marks)),
        fill=numbers.probability,
        tick=numbers.cut_off,
    )


def rates_on_test(evaluated: EvaluatedTable | None, key: str) -> tuple[str, str]:
    """Sensitivity and specificity of the operating point on test films, with intervals."""
    if evaluated is None or key not in evaluated.report.rates:
        return "not measured", "not measured"
    rates = evaluated.report.rates[key]
    return rates.sensitivity.text(), rates.specificity.text()


def neighbours_of(analysis: Analysis, evaluated: EvaluatedTable, key: str) -> SimilarFilms | None:
    """Test films with the nearest calibrated logits; their scores are such logits too."""
    table, column = evaluated.table, KEYS.index(key)
    patients = patients_of(table)
    return similar_films(
        float(finite_logit(analysis.probabilities[key])),
        finite_logit(evaluated.probabilities[:, column]),
        labels_of(table)[:, column],
        table["image"].to_numpy() if patients is None else patients,
    )


def neighbours_row(key: str, found: SimilarFilms | None) -> list[str]:
    """Test films with the nearest scores: finding, positives, share, and their probabilities.

    These are as the model assumes them, never re-based: they belong to the test set's prevalence.
    """
    if found is None:
        return [LABELS[key], "too few test films", "", ""]
    share = percent(found.n_positive / found.n)
    least, most = (float(p) for p in sigmoid([found.min_score, found.max_score]))
    return [
        LABELS[key],
        f"{found.n_positive} of {found.n}",
        f"{share} ({percent_range(found.low, found.high)})",
        percent_range(least, most),
    ]


def enriched_sentence(evaluated: EvaluatedTable) -> str:
    """What the counts above cannot be taken for."""
    counts = evaluated.report.label_distribution
    shares = ", ".join(f"{LABELS[key]} {percent(counts[key].prevalence)}" for key in KEYS)
    return (
        f"The test set is enriched: {shares}. At your site the {ABNORMAL_IN_WORDS} are probably "
        "rarer and No Finding more common."
    )


# The small print under the four rows: what is no alert, and what must not be overlooked.


def finding_notes(analysis: Analysis, *, shown_finding: str) -> None:
    """Borderline findings, a prevalence in force, No Finding and Infiltration in words.

    Args:
        shown_finding: key of the finding in the large view.
    """
    found = [borderline_sentence(analysis), site_sentence()]
    found += note_sentences(analysis, shown_finding=shown_finding)
    lines = [escape(sentence) for sentence in found if sentence]
    if lines:
        st.html(f'<p class="quiet">{"<br>".join(lines)}</p>')


# How often a model's maps pointed into radiologists' boxes, from its folder's own table.


@dataclass(frozen=True)
class PointingCounts:
    """Boxed test films of one finding.

    Attributes:
        films: test films with a box of the finding.
        hits: of them, those on which the map's peak lay inside a box.
        fixed_spot_hits: the same for the best fixed spot of the training boxes, on every film the
            same.
    """

    films: int
    hits: int
    fixed_spot_hits: int


def pointing_counts(folder: Path) -> dict[str, PointingCounts]:
    """By finding key; empty when the model was not measured on boxed films."""
    path = folder / LOCALISATION_FILE
    if not path.is_file():
        return {}
    rows = pd.read_csv(path)
    return {
        str(key): PointingCounts(
            films=len(films),
            hits=int(films["inside"].sum()),
            fixed_spot_hits=int(films["fixed_spot_inside"].sum()),
        )
        for key, films in rows.groupby("finding")
    }


def map_caption(analysis: Analysis, key: str) -> None:
    """The one scale of all maps, and what the map in the large view means."""
    maximum, style = analysis.evidence_scale.maximum, state.map_style()
    middle = '<span class="zero">weak</span>' if style.signed else ""
    bar = ",".join(_colorbar_css(signed=style.signed))
    shown = display_map(analysis, key)
    pointing = pointing_counts(model_folder()).get(key)
    sentences = [describe_map(analysis, key)]
    more = [
        words.map_limits(shown.shape[0]),
        words.scale_sentence(peak_fraction(shown, maximum=maximum), maximum, mode=style.mode),
        words.zero_sentence(float(shown.mean())),
    ]
    if pointing:
        films, fixed_spot_hits = pointing.films, pointing.fixed_spot_hits
        sentences.append(words.pointing_sentence(**asdict(pointing)))
        more.append(words.fixed_spot_sentence(films=films, fixed_spot_hits=fixed_spot_hits))
    sentences.append(words.sides_sentence(analysis.radiograph.orientation))
    st.html(
        '<div class="scale" role="img" aria-label="Colour scale, the same for all maps: '
        f'{"strong, weak, strong" if style.signed else "from weak to strong"}">'
        f"<span>{'strong' if style.signed else 'weak'}</span>"
        f'<span class="bar" style="background:linear-gradient(to right,{bar})">{middle}</span>'
        "<span>strong</span></div>"
        f'<p class="quiet"><strong>{map_title(key)}.</strong> {html.escape(" ".join(sentences))}'
        '</p><details class="quiet"><summary>More on this map</summary>'
        f"{html.escape(' '.join(more))}</details>"
    )


def finding_rows(analysis: Analysis, *, shown_finding: str) -> None:
    """Four rows: a small map, a name, one probability, and where it stands. A row is a button
    that brings its map to the large view."""
    film = downscale(analysis.radiograph.pixels, SMALL_MAP_SIDE)
    style = state.map_style()
    # Lines hide nothing, so that a small multiple can show them in full.
    style = replace(style, opacity=SMALL_MAP_OPACITY if style.mode == "colour" else 1.0)
    st.html(f'<h2 class="headline">{html.escape(result_headline(analysis))}</h2>')
    with st.container(key="findings", gap="xsmall"):
        for key in KEYS:
            picture = draw_map(film, analysis, key, style)
            with st.container(key=f"row_{key}"):
                st.html(_row_html(analysis, key, data_uri(picture), shown=key == shown_finding))
                st.button(
                    f"Show the map of {LABELS[key]}",
                    key=f"show_{key}",
                    on_click=state.select_finding,
                    args=(key,),
                )


def _row_html(analysis: Analysis, key: str, picture: str, *, shown: bool) -> str:
    above, row = analysis.above[key], finding_row(analysis, key)
    classes = "finding" + " shown" * shown + " above" * (above and key in ABNORMAL_KEYS)
    mark = FLAGGED_MARK if above else NOT_FLAGGED_MARK
    # A number and its unit stay on one line.
    point = html.escape(", ".join(filter(None, (row.flag, row.note))))
    point = point.replace(" %", "&nbsp;%")
    alt = html.escape(f"{map_title(key)}. {describe_map(analysis, key)}")
    # Every other map shows what raises its row's own number, so only this one needs its name.
    named = f'<p class="point">{map_title(key)}</p>' if key == NORMAL_KEY else ""
    return (
        f'<div class="{classes}"><div class="map">'
        f'<img src="{picture}" alt="{alt}"></div>'
        f'<div class="words"><h3 class="name"><span>{LABELS[key]}</span>'
        f'<span class="state" aria-hidden="true">{mark}</span></h3>'
        f'<p class="probability">{html.escape(row.probability)}</p>'
        f'<p class="point">{point}</p>{named}'
        f'<div class="track" aria-hidden="true"><span class="fill" style="width:{row.fill:.1%}">'
        f'</span><span class="tick" style="left:{row.tick:.1%}"></span></div></div></div>'
    )


def describe_map(analysis: Analysis, key: str) -> str:
    """What the colours or lines of one finding's map mean on this film."""
    style = state.map_style()
    strongest = peak_fraction(display_map(analysis, key), maximum=analysis.evidence_scale.maximum)
    return words.map_description(key, peak=strongest, style=style)


def _colorbar_css(*, signed: bool) -> list[str]:
    """CSS colours of the scale from its low to its high end, as they look over black."""
    shares = np.linspace(-1.0 if signed else 0.0, 1.0, 33)
    colours = []
    for share in shares:
        strength = round(abs(share) * (N_COLOURS - 1))
        colour = evidence_colormap(negative=bool(share < 0))[strength] * evidence_alpha(abs(share))
        colours.append("rgb({:.0f},{:.0f},{:.0f})".format(*colour))
    return colours
