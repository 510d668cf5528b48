"""The pieces of the Read page."""

import html
from dataclasses import asdict

import numpy as np
import streamlit as st

from cxr_core.export.colours import STEPS, evidence_ramp
from cxr_core.export.overlay import compose_overlay, cover, shown_map, strongest_share
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.film_figure import (
    FILM_CONFIG,
    LONGEST_SHOWN,
    data_uri,
    film_figure,
    fit_within,
)
from cxr_core.ui.model import model_folder
from cxr_core.ui.pointing import pointing_of

SMALL_MAP = 300  # longer side of a small multiple in pixels
SMALL_OPACITY = 0.65


def film_view(analysis: Analysis, key: str, *, opacity: float, signed: bool) -> None:
    """The film, large, with one finding's evidence over it."""
    film = fit_within(analysis.radiograph.pixels, LONGEST_SHOWN)
    picture = compose_overlay(
        film,
        shown_map(analysis, key),
        maximum=analysis.evidence_scale.maximum,
        opacity=opacity,
        signed=signed,
    )
    figure = film_figure(
        picture,
        marks=words.side_marks(analysis.radiograph.orientation),
        identity=analysis.image_sha256,
    )
    with st.container(key="film"):
        st.plotly_chart(
            figure,
            key="film_figure",
            height="stretch",
            theme=None,
            config=FILM_CONFIG,
            alt=f"The radiograph. {_map_sentence(analysis, key, signed=signed)}",
        )


def map_caption(analysis: Analysis, key: str, *, signed: bool) -> None:
    """The one colour bar, and what the colour means."""
    maximum = analysis.evidence_scale.maximum
    low, high = (f"−{maximum:.1f}" if signed else "0"), f"{maximum:.1f} logits"
    bar = ",".join(_bar_colours(signed=signed))
    cells = shown_map(analysis, key).shape[0]
    st.html(
        f'<div class="scale" role="img" aria-label="Colour scale of all maps, {low} to {high}">'
        f"<span>{low}</span>"
        f'<span class="bar" style="background:linear-gradient(to right,{bar})"></span>'
        f"<span>{high}</span></div>"
        f'<p class="quiet"><strong>Grad-CAM, signed.</strong> '
        f"{html.escape(_map_sentence(analysis, key, signed=signed))} {words.map_limits(cells)} "
        f"{html.escape(_pointing_sentence(key))} "
        f"{html.escape(words.sides_sentence(analysis.radiograph.orientation))}</p>"
    )


def _pointing_sentence(key: str) -> str:
    """What the boxed test films say of this finding's map; nothing where none were measured."""
    pointing = pointing_of(model_folder()).get(key)
    return words.pointing_sentence(key, **asdict(pointing)) if pointing else ""


def finding_rows(analysis: Analysis, *, shown: str, signed: bool) -> None:
    """Four rows: a small map, a name, one probability, and where it stands. A row is a button
    that brings its map to the large view."""
    film = fit_within(analysis.radiograph.pixels, SMALL_MAP)
    st.html('<h2 class="hidden">Findings</h2>')
    with st.container(key="findings", gap="xsmall"):
        for key in KEYS:
            picture = compose_overlay(
                film,
                shown_map(analysis, key),
                maximum=analysis.evidence_scale.maximum,
                opacity=SMALL_OPACITY,
                signed=signed,
            )
            with st.container(key=f"row_{key}"):
                row = _row_html(analysis, key, data_uri(picture), shown=key == shown, signed=signed)
                st.html(row)
                st.button(
                    f"Show the map of {LABELS[key]}",
                    key=f"show_{key}",
                    on_click=state.show_finding,
                    args=(key,),
                )


def _row_html(analysis: Analysis, key: str, picture: str, *, shown: bool, signed: bool) -> str:
    probability, above = analysis.probabilities[key], analysis.above[key]
    threshold = analysis.operating_points[key].threshold
    classes = "finding" + " shown" * shown + " above" * (above and key in ABNORMAL_KEYS)
    mark = "▲" if above else "▽"
    # A number and its unit stay on one line.
    point = html.escape(words.against_point(probability, threshold, above=above))
    point = point.replace(" %", "&nbsp;%")
    alt = html.escape(_map_sentence(analysis, key, signed=signed))
    return (
        f'<div class="{classes}"><div class="map">'
        f'<img src="{picture}" alt="{alt}"></div>'
        f'<div class="words"><h3 class="name"><span>{LABELS[key]}</span>'
        f'<span class="state" aria-hidden="true">{mark}</span></h3>'
        f'<p class="probability">{html.escape(words.percent(probability))}</p>'
        f'<p class="point">{point}</p>'
        f'<div class="track" aria-hidden="true"><span class="fill" style="width:{probability:.1%}">'
        f'</span><span class="tick" style="left:{threshold:.1%}"></span></div></div></div>'
    )


def _map_sentence(analysis: Analysis, key: str, *, signed: bool) -> str:
    return words.map_sentence(
        key,
        strongest=strongest_share(
            shown_map(analysis, key), maximum=analysis.evidence_scale.maximum
        ),
        above=analysis.above[key],
        signed=signed,
    )


def _bar_colours(*, signed: bool) -> list[str]:
    """CSS colours of the scale from its low to its high end, as they look over black."""
    shares = np.linspace(-1.0 if signed else 0.0, 1.0, 33)
    colours = []
    for share in shares:
        strength = round(abs(share) * (STEPS - 1))
        colour = evidence_ramp(negative=bool(share < 0))[strength] * cover(abs(share))
        colours.append("rgb({:.0f},{:.0f},{:.0f})".format(*colour))
    return colours
