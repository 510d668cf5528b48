"""The right side of the Read page: four findings with their maps, and what the maps mean."""

import html
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.localisation.pointing import HitRates
from cxr_core.evaluation.localisation.rates import pointing_rates
from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.errors import SimilarFilms, similar_films
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.evaluation.predictions import labels_of, patients_of, read_predictions
from cxr_core.evaluation.run_folder import LOCALISATION_FILE, TEST_PREDICTIONS_FILE, RunFolder
from cxr_core.evaluation.scoring import finite_logit, sigmoid
from cxr_core.export.overlay import (
    MapStyle,
    display_map,
    draw_map,
    is_flagged,
    peak_fraction,
    scale_layer,
    style_on_film,
    typical_gray,
)
from cxr_core.export.record import (
    FLAGGED_MARK,
    NOT_FLAGGED_MARK,
    NOT_RELIABLE,
    flag_sentence,
    map_title,
    map_words,
    not_flagged_words,
    result_headline,
    setting_sentence,
    uncertain_sentence,
    worth_words,
)
from cxr_core.findings import ABNORMAL_IN_WORDS, ABNORMAL_KEYS, KEYS, LABELS, NORMAL_KEY
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.assessment import assessment_of
from cxr_core.ui.film_view import data_uri, downscale
from cxr_core.ui.model import current_model_facts, model_folder
from cxr_core.ui.prevalence import display_values, site_sentence
from cxr_core.ui.read.cautions import calm_statement, infiltration_note
from cxr_core.ui.read.stability import borderline_findings, borderline_sentence
from cxr_core.ui.setting import sensitive_toggle
from cxr_core.ui.shell import caption
from cxr_core.ui.words import percent, percent_range

SMALL_MAP_SIDE = 300  # longer side of a small multiple in pixels
SMALL_MAP_OPACITY = 0.65
STOPPED_NUMBERS = (
    "The input check stopped this film. Nothing is known of how often the numbers below are right "
    "on such a film."
)


# One finding's numbers in words: its row, what its cut-off did on test films, its neighbours.


@dataclass(frozen=True)
class FindingRow:
    """The texts of a finding's row.

    Attributes:
        probability: e.g. "38 %".
        band: e.g. "likely"; "" where the model has one cut-off a finding.
        flag: e.g. "flagged (cut-off 31 %)".
        note: what must not be overlooked, e.g. "at your prevalence 5 %, borderline"; or empty.
        fill, tick: probability and cut-off as shown, 0 to 1, for the bar.
    """

    probability: str
    band: str
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
        band=analysis.bands[key] if analysis.has_bands else "",
        flag=flag_sentence(key, numbers.probability, numbers.cut_off, flagged=analysis.above[key]),
        note=", ".join(filter(None, marks)),
        fill=numbers.probability,
        tick=numbers.cut_off,
    )


def rates_on_test(evaluated: EvaluatedTable | None, key: str, threshold: float) -> tuple[str, str]:
    """Sensitivity and specificity of a cut-off on test films, with intervals."""
    if evaluated is None or key not in evaluated.report.rates:
        return "not measured", "not measured"
    report = evaluated.report
    if threshold == report.operating_points[key].threshold:
        rates = report.rates[key]
        return rates.sensitivity.text(), rates.specificity.text()
    found = threshold_metrics(*evaluated.labelled(key), threshold, evaluated.resamples(key))
    return found.sensitivity.text(), found.specificity.text()


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
    shares = ", ".join(
        f"{LABELS[key]} {percent(counts[key].prevalence)}" for key in KEYS if counts[key].n
    )
    return (
        f"The test set is enriched: {shares}. At your site the {ABNORMAL_IN_WORDS} are probably "
        "rarer and No Finding more common."
    )


# The small print under the four rows: what is no alert, and what must not be overlooked.


def finding_notes(analysis: Analysis, *, shown_finding: str) -> None:
    """Borderline findings, a prevalence in force, and Infiltration in words.

    Args:
        shown_finding: key of the finding in the large view.
    """
    found = (
        borderline_sentence(analysis),
        site_sentence(),
        infiltration_note(analysis, shown_finding=shown_finding),
    )
    lines = [escape(sentence) for sentence in found if sentence]
    if lines:
        st.html(f'<p class="quiet">{"<br>".join(lines)}</p>')


# Whether a model's maps point into radiologists' boxes, from its folder's own tables.


def pointing_of(folder: Path) -> dict[str, HitRates]:
    """By finding key, as the Performance page has them; empty when the model was not measured on
    boxed films, or its tables cannot be used: a film is read all the same."""
    run = RunFolder(folder)
    return _pointing_of(str(folder), run.stamp(LOCALISATION_FILE), run.stamp(TEST_PREDICTIONS_FILE))


@st.cache_data(max_entries=4, show_spinner=False)
def _pointing_of(folder: str, boxes: str, films: str) -> dict[str, HitRates]:
    run, path = RunFolder(Path(folder)), Path(folder) / TEST_PREDICTIONS_FILE
    try:
        if run.localisation is None or not path.is_file():
            return {}
        return pointing_rates(run.localisation, read_predictions(path))
    except DataError:
        return {}


def map_caption(analysis: Analysis, key: str) -> None:
    """The one scale of all maps, and what the map in the large view means."""
    style = _style(analysis, key)
    sides = words.sides_sentence(analysis.radiograph.orientation)
    if not state.is_map_drawn(analysis, key):
        caption(f"{map_words(analysis, key, style)} Choose a finding to see its map. {sides}")
        return
    maximum = analysis.evidence_scale.maximum
    shown = display_map(analysis, key)
    sentences = [describe_map(analysis, key)]
    more = [
        words.map_limits(shown.shape[0]),
        words.scale_sentence(peak_fraction(shown, maximum=maximum), maximum, mode=style.mode),
        words.zero_sentence(float(shown.mean())),
    ]
    if rates := pointing_of(model_folder()).get(key):
        hits = round(rates.n * rates.peak.estimate) if rates.peak.estimable else None
        if hits is not None:
            sentences.append(words.pointing_sentence(films=rates.n, hits=hits))
        sentences.append(words.pointing_gain_sentence(key, rates.gain))
        if rates.fixed_spot.estimable:
            fixed = round(rates.n * rates.fixed_spot.estimate)
            more.append(words.fixed_spot_sentence(films=rates.n, fixed_spot_hits=fixed))
    sentences.append(sides)
    st.html(
        _scale_html(analysis, style)
        + f'<p class="quiet"><strong>{map_title(key)}.</strong> {html.escape(" ".join(sentences))}'
        '</p><details class="quiet"><summary>More on this map</summary>'
        f"{html.escape(' '.join(more))}</details>"
    )


def _scale_html(analysis: Analysis, style: MapStyle) -> str:
    """The scale as it looks over the film: its typical gray, under veils of the map's opacity,
    which the film's panel sets as the slider moves."""
    middle = '<span class="zero">weak</span>' if style.signed else ""
    gray = typical_gray(analysis.radiograph.pixels)
    veil = ",".join(
        f"rgb({red} {green} {blue} / {alpha / 255:.3f})"
        for red, green, blue, alpha in scale_layer(style, 33).tolist()
    )
    return (
        '<div class="scale" role="img" aria-label="Colour scale, the same for all maps: '
        f'{"strong, weak, strong" if style.signed else "from weak to strong"}">'
        f"<span>{'strong' if style.signed else 'weak'}</span>"
        f'<span class="bar" style="background:rgb({gray} {gray} {gray})">'
        f'<span class="veil" style="background:linear-gradient(to right,{veil})"></span>'
        f"{middle}</span><span>strong</span></div>"
    )


def _style(analysis: Analysis, key: str) -> MapStyle:
    return style_on_film(analysis, key, state.map_style(), requested=state.map_requested(key))


def headline(analysis: Analysis) -> None:
    """The reading in one line, what is uncertain, what the model is, and the reader's setting."""
    facts = current_model_facts()
    doubt = "" if analysis.gate.passed else STOPPED_NUMBERS
    # What might reassure wrongly is told where the headline is read, not under the rows.
    uncertain = f"{uncertain_sentence(analysis)} {calm_statement(analysis).under_headline}".strip()
    lines = [doubt, uncertain, facts.sentence]
    quiet = "<br>".join(html.escape(line) for line in lines if line)
    if setting := setting_sentence(analysis):  # on the screen the toggle says so
        quiet += f'<span class="paper"><br>{html.escape(setting)}</span>'
    st.html(
        f'<h2 class="headline">{html.escape(result_headline(analysis))}</h2>'
        + (f'<p class="quiet">{quiet}</p>' if quiet else "")
    )
    sensitive_toggle(current_model_facts(), paired=analysis.has_bands)


def finding_rows(analysis: Analysis, *, shown_finding: str) -> None:
    """Four rows: a small map, a name, one probability, and where it stands. A row is a button
    that brings its map to the large view."""
    film = downscale(analysis.radiograph.pixels, SMALL_MAP_SIDE)
    facts = current_model_facts()
    with st.container(key="findings", gap="xsmall"):
        for key in KEYS:
            picture = draw_map(film, analysis, key, _small_style(analysis, key))
            row = _row_html(
                analysis, key, data_uri(picture), facts=facts, shown=key == shown_finding
            )
            with st.container(key=f"row_{key}"):
                st.html(row)
                st.button(
                    f"Show the map of {LABELS[key]}",
                    key=f"show_{key}",
                    on_click=state.select_finding,
                    args=(key,),
                )


def _small_style(analysis: Analysis, key: str) -> MapStyle:
    """As in the large view, but strong enough to be seen however the slider is set."""
    style = state.map_style()
    # Lines hide nothing, so that a small multiple can show them in full.
    full = replace(style, opacity=SMALL_MAP_OPACITY if style.mode == "colour" else 1.0)
    return style_on_film(analysis, key, full, requested=state.map_requested(key))


def _row_html(analysis: Analysis, key: str, picture: str, *, facts: ModelFacts, shown: bool) -> str:
    above, row = analysis.above[key], finding_row(analysis, key)
    reliable = analysis.gate.passed
    classes = "finding" + " shown" * shown + " doubtful" * (not reliable)
    classes += " above" * (above and reliable and key in ABNORMAL_KEYS)
    mark = FLAGGED_MARK if above else NOT_FLAGGED_MARK
    # A number and its unit stay on one line.
    point = html.escape(", ".join(filter(None, (row.flag, row.note))))
    # Of a film that the input check stopped the headline says it, once for all rows.
    worth = f": {html.escape(worth_words(analysis, key, facts))}" if reliable else ""
    point = f"{point}{worth}.".replace(" %", "&nbsp;%")
    if said := assessment_of(analysis)[0][key]:
        point += f" <strong>Your reading: {html.escape(said)}.</strong>"
    drawn = state.is_map_drawn(analysis, key)
    alt = f"{map_title(key)}. {describe_map(analysis, key)}" if drawn else "The film, without a map"
    # Every other map shows what raises its row's own number, so only this one needs its name.
    named = f'<p class="point">{map_title(key)}</p>' if key == NORMAL_KEY and drawn else ""
    doubt = "" if reliable else f'<p class="doubt">{NOT_RELIABLE}</p>'
    return (
        f'<div class="{classes}"><div class="map">'
        f'<img src="{picture}" alt="{html.escape(alt)}"></div>'
        f'<div class="words"><h3 class="name"><span>{LABELS[key]}</span>'
        f'<span class="state">{row.band} <span aria-hidden="true">{mark}</span></span></h3>'
        f'{doubt}<p class="probability">{html.escape(row.probability)}</p>'
        f'<p class="point">{point}</p>{named}'
        f'<div class="track" aria-hidden="true"><span class="fill" style="width:{row.fill:.1%}">'
        f'</span><span class="tick" style="left:{row.tick:.1%}"></span></div></div></div>'
    )


def describe_map(analysis: Analysis, key: str) -> str:
    """What the colours or lines of one finding's map mean on this film."""
    style = _style(analysis, key)
    strongest = peak_fraction(display_map(analysis, key), maximum=analysis.evidence_scale.maximum)
    pale = "" if is_flagged(analysis, key) else f" Pale: {not_flagged_words(key)}."
    return words.map_description(key, peak=strongest, style=style) + pale
