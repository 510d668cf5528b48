"""The panel of where the model looks: its maps' peaks against radiologists' boxes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.localisation.overlap import Measure
from cxr_core.evaluation.localisation.rates import (
    BoxAreas,
    LocalisationMetrics,
    OverlapRates,
    localisation_metrics,
)
from cxr_core.evaluation.metrics.differences import direction_of
from cxr_core.evaluation.published import OVERLAP_CAUTION, read_published_overlap
from cxr_core.evaluation.render.comparison_figures import published_overlap
from cxr_core.evaluation.render.subset_figures import (
    MEASURES,
    free_response,
    overlaps,
    pointing,
)
from cxr_core.evaluation.run_folder import LOCALISATION_FILE, MARKS_FILE, RunFolder
from cxr_core.findings import label_of
from cxr_core.ui.charts.localisation import (
    boxed_films_text,
    froc_figure,
    overlap_figure,
    pointing_figure,
)
from cxr_core.ui.charts.show import chart_source_of_films, show_chart
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import VERDICT_RULE, percent, pointing_gain_sentence
from cxr_core.wording import listed

_BUTTONS: dict[Measure, str] = {"iobb": "IoBB", "iou": "IoU"}
_MEANINGS: dict[Measure, str] = {
    "iobb": "the share of the map's box that lies within the radiologists' boxes. Small boxes "
    "score more easily, so mind the mean areas below",
    "iou": "the common area as a share of the area of both together: 1 only where they are the "
    "same, so a box that is too large loses as much as one in the wrong place",
}
# The panel of overlaps: the box drawn from a map against radiologists' boxes.


def overlap_panel(full: FullReport) -> None:
    """How often the map's box overlaps enough, beside boxes that know nothing of the film."""
    st.subheader("Overlap with the radiologists' boxes", anchor=False)
    measure: Measure = st.segmented_control(
        "Overlap", list(_BUTTONS), format_func=_BUTTONS.__getitem__, default="iobb", required=True,
        key="overlap_measure",
    )  # fmt: skip
    localisation = full.localisation
    rates = localisation.overlaps[measure]
    show_chart(
        overlap_figure(rates, MEASURES[measure]),
        key="overlap",
        wide=True,
        title=f"Overlap with boxes, {measure}",
        alt=f"Share of boxed films with enough overlap, by {MEASURES[measure]}. "
        + " ".join(
            f"{label_of(key)}, over {one.threshold:g}: {one.map_box.text()}."
            for key, found in rates.items()
            for one in found
        ),
        source=chart_source_of_films(
            boxed_films_text({key: found[0].n for key, found in rates.items()})
        ),
    )
    caption(
        f"The overlap is {_MEANINGS[measure]}. A mark is the share of boxed films on which it "
        "exceeds the column's threshold; the map is informative where its mark lies to the right "
        "of the others."
    )
    shown = replace(full, localisation=replace(localisation, overlaps={measure: rates}))
    for table in overlaps(shown):
        show_table(table)
    for key, found in rates.items():
        caption(overlap_sentence(key, found))
    caption(VERDICT_RULE)
    caption(
        "The map's box encloses the region around the peak that lies at least halfway from the "
        "map's mean to its maximum. The fixed box has the mean size of the training boxes, at the "
        "place that fits them best; the centre box and the random box (an expected value over all "
        "places) have the same size. The network with randomized weights has learnt nothing; its "
        "boxes come from its own maps."
    )
    for key in rates:
        caption(box_area_sentence(key, localisation.box_areas[key]))
    _published(measure)


def overlap_sentence(key: str, rates: Sequence[OverlapRates]) -> str:
    """At which thresholds the map's box is better or worse than one fixed box, in words."""
    if not any(one.gain.estimable for one in rates):
        return f"{label_of(key)}: too few boxed films to tell whether the map's box fits better."
    better = [f"{one.threshold:g}" for one in rates if direction_of(one.gain) == "higher"]
    worse = [f"{one.threshold:g}" for one in rates if direction_of(one.gain) == "lower"]
    said = [f"more often than one fixed box at threshold {listed(better)}"] if better else []
    if worse:
        said.append(f"less often {'' if better else 'than one fixed box '}at {listed(worse)}")
    if not said:
        return (
            f"{label_of(key)}: the map's box is not shown to overlap more often than one fixed box."
        )
    return f"{label_of(key)}: the map's box overlaps {', and '.join(said)}."


def box_area_sentence(key: str, areas: BoxAreas) -> str:
    """How large the boxes are on average; what there is not is left out."""
    parts = {
        "the map's box": areas.map_box,
        "the radiologists' boxes": areas.radiologists,
        "the fixed box": areas.fixed_box,
        "the box of randomized weights": areas.shuffled,
    }
    told = [f"{name} {percent(a, decimals=1)}" for name, a in parts.items() if not math.isnan(a)]
    return f"{label_of(key)}, mean share of the film covered: {', '.join(told)}."


def _published(measure: Measure) -> None:
    lines = [line for line in read_published_overlap() if line.measure == measure]
    show_table(published_overlap(lines, measure))
    caption(OVERLAP_CAUTION)


def localisation_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """How often the map meets a box, beside pointers that know nothing of the film.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
    """
    st.header("Localisation", anchor=False)
    if run is None:
        caption(f"Needs {LOCALISATION_FILE} of a run folder; a table from elsewhere has none.")
        return
    if not run.has(LOCALISATION_FILE) and not run.has(MARKS_FILE):
        caption(
            f"No {LOCALISATION_FILE} beside the model: train.py --finalize writes it when given "
            "radiologists' boxes."
        )
        return
    try:
        found = cached_boxed_films(evaluated, run)
    except DataError as error:
        caption(str(error))
        return
    full = replace(evaluated.full, localisation=found)
    if found.hit_rates:
        _pointing(full)
    else:
        caption("The table of boxed films has none of the findings.")
    _free_response(full, has_marks=run.has(MARKS_FILE))
    if found.missing_columns:
        caption(missing_columns_sentence(found.missing_columns))
    elif found.overlaps:
        overlap_panel(full)


def _free_response(full: FullReport, *, has_marks: bool) -> None:
    """Boxes found against false marks, where the run has its maps' marks."""
    st.subheader("Boxes found against false marks (FROC)", anchor=False)
    curves = full.localisation.froc
    if not curves:
        caption(
            f"{MARKS_FILE} has no finding with both boxed and negative films."
            if has_marks
            else f"No {MARKS_FILE} beside the model, so false marks cannot be counted: "
            "train.py --finalize writes it when given radiologists' boxes."
        )
        return
    show_chart(
        froc_figure(curves),
        key="froc",
        wide=True,
        title="Boxes found against false marks",
        alt="Share of boxes found by the map's marks. "
        + " ".join(
            f"{label_of(key)}, {rate:g} false marks per negative film: {one.at[rate].text()}."
            for key, one in curves.items()
            for rate in (0.5, 1.0)
        ),
        source=chart_source_of_films(
            boxed_films_text({key: one.n_boxed for key, one in curves.items()})
        ),
    )
    for table in free_response(full):
        show_table(table)
    caption(
        "The map points where it should only as far as its curve lies above that of as many marks "
        "at random places. A map of 7 x 7 cells has few marks, and a box smaller than a cell may "
        "hold the centre of none."
    )


def cached_boxed_films(evaluated: EvaluatedTable, run: RunFolder | None) -> LocalisationMetrics:
    """What a run's boxed films tell, resampled once a session.

    Raises:
        DataError: the run's table of them cannot be used.
    """
    if run is None or not (run.has(LOCALISATION_FILE) or run.has(MARKS_FILE)):
        return LocalisationMetrics()
    stamps = [run.stamp(name) for name in (LOCALISATION_FILE, MARKS_FILE)]
    return _cached_boxed_films(evaluated, run, " ".join([evaluated.cache_key, *stamps]))


# Streamlit keys on what has no underscore: hash and stamp stand for both tables.
@st.cache_data(max_entries=2, show_spinner="Resampling patients …", scope="session")
def _cached_boxed_films(
    _evaluated: EvaluatedTable, _run: RunFolder, identity: str
) -> LocalisationMetrics:
    report = _evaluated.report
    return localisation_metrics(
        _run.localisation,
        _evaluated.table,
        marks=_run.marks,
        n_resamples=report.n_resamples,
        seed=report.seed,
    )


def _pointing(full: FullReport) -> None:
    rates = full.localisation.hit_rates
    show_chart(
        pointing_figure(rates),
        key="localisation",
        wide=True,
        title="Where the map peaks",
        alt="Share of boxed films with the map's peak inside a box. "
        + " ".join(f"{label_of(key)}: {found.peak.text()}." for key, found in rates.items()),
        source=chart_source_of_films(
            boxed_films_text({key: found.n for key, found in rates.items()})
        ),
    )
    caption(
        "Findings lie in much the same place on most films. The map is informative only where its "
        "peak is inside a box more often than the best fixed spot of the training boxes. The "
        "network with randomized weights has learnt nothing; what it reaches is due to the films "
        "and the architecture."
    )
    for table in pointing(full):
        show_table(table)
    for key, found in rates.items():
        caption(pointing_gain_sentence(key, found.gain))
    caption(VERDICT_RULE)


def missing_columns_sentence(missing: Sequence[str]) -> str:
    """What a table of an earlier version lacks, and how to get it."""
    named = ", ".join(missing[:3])
    named += f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (
        f"Overlaps and randomized weights need columns that this {LOCALISATION_FILE} lacks "
        f"({named}): write it again with train.py --finalize and the boxes."
    )
