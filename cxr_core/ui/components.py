"""The right side of the Read page: four findings with their maps, and what the maps mean."""

import html
from dataclasses import asdict, replace

import numpy as np
import streamlit as st

from cxr_core.export.colours import STEPS, evidence_ramp
from cxr_core.export.overlay import cover, draw_map, shown_map, strongest_share
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.film_view import data_uri, fit_within
from cxr_core.ui.model import model_folder
from cxr_core.ui.numbers import row_words
from cxr_core.ui.pointing import pointing_of

SMALL_MAP = 300  # longer side of a small multiple in pixels
SMALL_OPACITY = 0.65


def map_caption(analysis: Analysis, key: str) -> None:
    """The one scale of all maps, and what the map in the large view means."""
    maximum, signed = analysis.evidence_scale.maximum, state.map_style().signed
    low = f"−{maximum:.1f}" if signed else "operating point"
    high = f"{maximum:.1f} logits"
    middle = '<span class="zero">operating point</span>' if signed else ""
    bar = ",".join(_bar_colours(signed=signed))
    shown = shown_map(analysis, key)
    sentences = (
        map_sentence_of(analysis, key),
        words.zero_sentence(float(shown.mean())),
        words.map_limits(shown.shape[0]),
        _pointing_sentence(key),
        words.sides_sentence(analysis.radiograph.orientation),
    )
    st.html(
        f'<div class="scale" role="img" aria-label="The one scale of all maps: '
        f'{"from " + low + " over" if signed else "from"} the operating point to {high}">'
        f"<span>{low}</span>"
        f'<span class="bar" style="background:linear-gradient(to right,{bar})">{middle}</span>'
        f"<span>{high}</span></div>"
        f'<p class="quiet"><strong>{words.map_name(key)}, by Grad-CAM.</strong> '
        f"{html.escape(' '.join(filter(None, sentences)))}</p>"
    )


def _pointing_sentence(key: str) -> str:
    """What the boxed test films say of this finding's map; nothing where none were measured."""
    pointing = pointing_of(model_folder()).get(key)
    return words.pointing_sentence(key, **asdict(pointing)) if pointing else ""


def finding_rows(analysis: Analysis, *, shown: str) -> None:
    """Four rows: a small map, a name, one probability, and where it stands. A row is a button
    that brings its map to the large view."""
    film = fit_within(analysis.radiograph.pixels, SMALL_MAP)
    style = state.map_style()
    # Lines hide nothing, so that a small multiple can show them in full.
    style = replace(style, opacity=SMALL_OPACITY if style.form == "colour" else 1.0)
    st.html('<h2 class="hidden">Findings</h2>')
    with st.container(key="findings", gap="xsmall"):
        for key in KEYS:
            picture = draw_map(film, analysis, key, style)
            with st.container(key=f"row_{key}"):
                st.html(_row_html(analysis, key, data_uri(picture), shown=key == shown))
                st.button(
                    f"Show the map of {LABELS[key]}",
                    key=f"show_{key}",
                    on_click=state.show_finding,
                    args=(key,),
                )


def _row_html(analysis: Analysis, key: str, picture: str, *, shown: bool) -> str:
    above, row = analysis.above[key], row_words(analysis, key)
    classes = "finding" + " shown" * shown + " above" * (above and key in ABNORMAL_KEYS)
    mark = "▲" if above else "▽"
    # A number and its unit stay on one line.
    point = html.escape(", ".join(filter(None, (row.point, row.mark))))
    point = point.replace(" %", "&nbsp;%")
    alt = html.escape(f"{words.map_name(key)}. {map_sentence_of(analysis, key)}")
    # Every other map shows what raises its row's own number, so only this one needs its name.
    named = f'<p class="point">{words.map_name(key)}</p>' if key == "no_finding" else ""
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


def map_sentence_of(analysis: Analysis, key: str) -> str:
    """What the colours or lines of one finding's map mean on this film."""
    style = state.map_style()
    strongest = strongest_share(shown_map(analysis, key), maximum=analysis.evidence_scale.maximum)
    return words.map_sentence(key, strongest=strongest, form=style.form, signed=style.signed)


def _bar_colours(*, signed: bool) -> list[str]:
    """CSS colours of the scale from its low to its high end, as they look over black."""
    shares = np.linspace(-1.0 if signed else 0.0, 1.0, 33)
    colours = []
    for share in shares:
        strength = round(abs(share) * (STEPS - 1))
        colour = evidence_ramp(negative=bool(share < 0))[strength] * cover(abs(share))
        colours.append("rgb({:.0f},{:.0f},{:.0f})".format(*colour))
    return colours
