"""Why a film or its numbers want care: sentences for the page and for what is exported of it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.subgroups import AGE_BANDS, MeanAuroc, subgroup_mean_auroc
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.published import read_published_auroc
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE
from cxr_core.reading.analyzer import Analysis, NoFindingStatement, no_finding_statement
from cxr_core.ui.model import model_folder

# Half of the dashboard's: these stand before the answer, which must not wait for them.
_RESAMPLES = 1000
_UNDER_18 = AGE_BANDS[0][0]


@dataclass(frozen=True)
class Caution:
    """One box over the film: a few words, and whole sentences of plain text."""

    title: str
    sentences: tuple[str, ...]


def cautions_of(analysis: Analysis, *, film_note: str = "") -> tuple[Caution, ...]:
    """What to know before the numbers are believed, the gravest first; empty when nothing is.

    Args:
        film_note: a sentence that belongs to the film, e.g. that it is the phantom or an example.
    """
    found = []
    if not analysis.gate.passed:
        title = "Read although the input check stopped this film."
        found.append(Caution(title, analysis.gate.reasons))
    statement = no_finding_statement(analysis.probabilities, analysis.above, analysis.likely)
    if statement.contradiction:
        found.append(Caution("The model contradicts itself.", (statement.sentence,)))
    if film_note:
        found.append(Caution("Demonstration film.", (film_note,)))
    about = (*tag_sentences(analysis, model_folder()), *analysis.warnings)
    if about:
        found.append(Caution("About this film.", about))
    return tuple(found)


def caution_sentences(analysis: Analysis, *, film_note: str = "") -> tuple[str, ...]:
    """The same and what is said in smaller print, as plain sentences: for exports."""
    boxes = [s for box in cautions_of(analysis, film_note=film_note) for s in box.sentences]
    notes = filter(None, (calm_statement(analysis).sentence, infiltration_note(analysis)))
    return (*boxes, *notes)


def calm_statement(analysis: Analysis) -> NoFindingStatement:
    """What No Finding says beside the three where that is no alert; empty where it is one, and for
    a film that the input check stopped, of which it would reassure without grounds."""
    statement = no_finding_statement(analysis.probabilities, analysis.above, analysis.likely)
    told = analysis.gate.passed and not statement.contradiction
    return statement if told else NoFindingStatement()


def infiltration_note(analysis: Analysis, *, shown_finding: str = "") -> str:
    """What the label is worth, where it is flagged or in the large view; else "".

    Args:
        shown_finding: key of the finding in the large view.
    """
    told = analysis.above["infiltration"] or shown_finding == "infiltration"
    return infiltration_sentence() if told else ""


def infiltration_sentence() -> str:
    """What the label is worth, by the table of published models."""
    areas = [
        area for one in read_published_auroc() if (area := one.auroc["infiltration"]) is not None
    ]
    return (
        "Infiltration is NIH's label for a non-specific opacity; published AUROCs for it are "
        f"{min(areas):.2f} to {max(areas):.2f}."
    )


def tag_sentences(analysis: Analysis, folder: Path) -> tuple[str, ...]:
    """What the file's tags say that bears on the model: age under 18, AP or portable.

    A table of test films that cannot be used counts as none: the film is read all the same, and
    Details say what is wrong with the table.
    """
    film, found = analysis.radiograph, []
    if film.under_18:
        found.append(_under_18_sentence(mean_auroc_by(folder, by="age").get(_UNDER_18)))
    if film.portable or film.view == "AP":
        taken = "portable" if film.portable else "AP"
        found.append(_view_sentence(taken, mean_auroc_by(folder, by="view")))
    return tuple(found)


def mean_auroc_by(folder: Path, *, by: str) -> dict[str, MeanAuroc]:
    """This model's mean AUROC in each subgroup of its test films; empty where not measured."""
    path = folder / TEST_PREDICTIONS_FILE
    try:
        return _mean_auroc(path.read_bytes(), by) if path.is_file() else {}
    except DataError:
        return {}


@st.cache_data(max_entries=8, show_spinner=False)
def _mean_auroc(data: bytes, by: str) -> dict[str, MeanAuroc]:
    table = read_predictions(data)
    return subgroup_mean_auroc(table, resample_patients(table, n_resamples=_RESAMPLES), by=by)


def _under_18_sentence(children: MeanAuroc | None) -> str:
    start = "The file says: patient under 18."
    if children is None:
        return f"{start} How well this model reads children's films was not measured."
    films = "films of patients under 18"
    if not children.auroc.estimable:
        return (
            f"{start} The test set has {children.n:,} {films}, too few to tell how well the model "
            "reads them."
        )
    return f"{start} On {children.n:,} test {films} its mean AUROC is {_interval(children)}."


def _interval(area: MeanAuroc) -> str:
    mean = area.auroc
    return f"{mean.estimate:.2f} (95 % interval {mean.low:.2f} to {mean.high:.2f})"


def _view_sentence(taken: str, views: dict[str, MeanAuroc]) -> str:
    start = f"The file says: {taken} film."
    here, other = views.get("AP"), views.get("PA")
    if here is None or not here.auroc.estimable:
        return f"{start} The test set has too few AP films to tell how well the model reads them."
    said = f"{start} On {here.n:,} AP test films this model's mean AUROC is {_interval(here)}"
    if other is not None and other.auroc.estimable:
        said += f"; on {other.n:,} PA test films it is {other.auroc.text()}"
    return f"{said}."


def show_cautions(analysis: Analysis, *, film_note: str = "") -> None:
    """The boxes over the film; nothing when there is nothing to say."""
    # A sentence may quote the file's tags, so all is shown as plain text. In one element, so that
    # the style sheet can tell how much of the film's height they take.
    boxes = "".join(
        f'<div class="note" role="note"><strong>{escape(caution.title)}</strong> '
        f"{escape(' '.join(caution.sentences))}</div>"
        for caution in cautions_of(analysis, film_note=film_note)
    )
    if boxes:
        st.html(boxes)
