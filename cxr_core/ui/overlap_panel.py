"""The panel of overlaps: the box drawn from a map against radiologists' boxes."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from cxr_core.evaluation.overlap_rates import BoxAreas, OverlapRates, Overlaps
from cxr_core.evaluation.overlap_row import Measure
from cxr_core.evaluation.published_overlap import OVERLAP_CAUTION, read_published_overlap
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.ui.charts import show_chart, source_of_films
from cxr_core.ui.localisation_chart import boxed_words, boxes_of, overlap_chart
from cxr_core.ui.page import quiet
from cxr_core.ui.tables import show_table
from cxr_core.ui.words import percent

_NAMES: dict[Measure, str] = {
    "iobb": "intersection over the drawn box (IoBB)",
    "iou": "intersection over union (IoU)",
}
_BUTTONS: dict[Measure, str] = {"iobb": "Over the drawn box (IoBB)", "iou": "Over union (IoU)"}
_MEANINGS: dict[Measure, str] = {
    "iobb": "the share of the drawn box that lies within the radiologists' boxes. A small box has "
    "it easier, so mind the mean areas below",
    "iou": "what both have in common as a share of what they cover together: 1 only where they "
    "are the same, so a box that is too large loses as much as one in the wrong place",
}


def overlaps(shared: Mapping[Measure, Overlaps], areas: Mapping[str, BoxAreas]) -> None:
    """How often the map's box overlaps enough, beside boxes that know nothing of the film.

    Args:
        shared: the rates by measure.
        areas: the boxes' mean areas by finding key.
    """
    st.subheader("Overlap with the radiologists' boxes", anchor=False)
    measure: Measure = st.segmented_control(
        "Overlap", list(_BUTTONS), format_func=_BUTTONS.__getitem__, default="iobb", required=True,
        key="overlap_measure",
    )  # fmt: skip
    rates = shared[measure]
    show_chart(
        overlap_chart(rates, _NAMES[measure]),
        key="overlap",
        name=f"Overlap with boxes, {measure}",
        alt=f"Share of boxed films on which the map's box overlaps by {_NAMES[measure]}. "
        + " ".join(
            f"{LABELS[key]}, over {one.threshold:g}: {one.map_box.text()}."
            for key, found in rates.items()
            for one in found
        ),
        source=source_of_films(boxed_words({key: found[0].n for key, found in rates.items()})),
    )
    quiet(
        f"How to read it: the overlap is {_MEANINGS[measure]}. A mark says on how many of the "
        "boxed films it is above the threshold over its column; the map tells something of the "
        "film where its mark lies to the right of the others."
    )
    show_table(
        ("Finding", "Over", "Films", *boxes_of(_first(rates)), "Map less fixed box"),
        [overlap_row(key, one) for key, found in rates.items() for one in found],
        caption=f"Share of test films with a box on which a box overlaps it by more than the "
        f"threshold: {_NAMES[measure]} (95 % interval, patients resampled); the difference is "
        "paired by film",
    )
    for key, found in rates.items():
        quiet(overlap_sentence(key, found))
    quiet(
        "The map's box goes around all that hangs together with the map's peak and lies at least "
        "halfway from the map's mean to its highest value. The fixed box has the mean size of the "
        "training boxes and the place where it fits these best; the box in the centre and the "
        "random one (all places tried, so it is an expected value) have the same size. The same "
        "network with shuffled weights has learnt nothing; its boxes are drawn from its own maps."
    )
    for key in rates:
        quiet(area_sentence(key, areas[key]))
    _published(measure)


def _first(rates: Mapping[str, Sequence[OverlapRates]]) -> OverlapRates:
    return next(iter(rates.values()))[0]


def overlap_row(key: str, rates: OverlapRates) -> list[str]:
    """One finding at one threshold as a row of texts."""
    shares = [share.text() for share in boxes_of(rates).values()]
    gain = rates.gain.text().replace("-", "−")
    return [LABELS[key], f"{rates.threshold:g}", f"{rates.n:,}", *shares, gain]


def overlap_sentence(key: str, rates: Sequence[OverlapRates]) -> str:
    """At which thresholds the map's box is better or worse than one fixed box, in words."""
    if not any(one.gain.estimable for one in rates):
        return f"{LABELS[key]}: too few boxed films to tell whether the map's box fits better."
    better = [f"{one.threshold:g}" for one in rates if one.gain.low > 0]
    worse = [f"{one.threshold:g}" for one in rates if one.gain.high < 0]
    said = [f"more often than one fixed box over {_listed(better)}"] if better else []
    if worse:
        said.append(f"less often {'' if better else 'than one fixed box '}over {_listed(worse)}")
    if not said:
        return f"{LABELS[key]}: the map's box is not shown to overlap more often than a fixed box."
    return f"{LABELS[key]}: the map's box overlaps {', and '.join(said)}."


def area_sentence(key: str, areas: BoxAreas) -> str:
    """How large the boxes are on average; what there is not is left out."""
    parts = {
        "the map's box": areas.map_box,
        "the radiologists' boxes": areas.radiologists,
        "the fixed box": areas.fixed_box,
        "the shuffled model's box": areas.shuffled,
    }
    told = [f"{name} {percent(a, decimals=1)}" for name, a in parts.items() if not math.isnan(a)]
    return f"{LABELS[key]}, mean share of the film covered: {', '.join(told)}."


def _listed(thresholds: Sequence[str]) -> str:
    return " and ".join(thresholds)


def _published(measure: Measure) -> None:
    lines = [line for line in read_published_overlap() if line.measure == measure]
    show_table(
        ("Model", "Labels", "Source", "Over", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [
            [line.model, line.data, line.source, f"{line.threshold:g}"]
            + [f"{line.accuracy[key]:g}" for key in ABNORMAL_KEYS]
            for line in lines
        ],
        caption=f"Published, apart: share of NIH's boxes found, by {_NAMES[measure]}",
        words=3,
    )
    quiet(OVERLAP_CAUTION)
