"""Figures of films beside the test set: how far the model carries."""

from collections.abc import Iterator

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.further_films import FurtherPatients, OtherSource
from cxr_core.evaluation.render.subset_figures import FINDING, POSITIVE
from cxr_core.evaluation.render.table import Column, Row, Table
from cxr_core.findings import NORMAL_KEY, label_of
from cxr_core.wording import percent

FURTHER_FILMS = "further films"


def further_films(full: FullReport) -> Iterator[Table]:
    """Further patients of the same hospital, and other hospitals' films."""
    if full.further_patients is not None:
        yield further_patients_table(full.further_patients)
    if full.other_sources:
        yield other_sources_table(full.other_sources)


def further_patients_table(found: FurtherPatients) -> Table:
    """Areas over all these films, and among those that are not No Finding."""
    columns = (
        FINDING,
        POSITIVE,
        Column("AUROC", "auroc"),
        Column(f"AUROC, {label_of(NORMAL_KEY)} excluded", "abnormal_auroc"),
    )
    rows = [
        Row(
            (label_of(key), found.positives[key], area, found.abnormal_auroc.get(key)),
            key,
            "further patients",
            found.n_films,
            found.positives[key],
        )
        for key, area in found.auroc.items()
    ]
    patients = "" if found.n_patients is None else f" of {found.n_patients:,} patients"
    told = found.positives[NORMAL_KEY] + found.n_abnormal  # films with a label of No Finding
    normal = percent(found.positives[NORMAL_KEY] / told) if told else "an unknown share"
    return Table(
        FURTHER_FILMS,
        "Further patients of the same hospital",
        columns,
        rows,
        f"{found.n_films:,} films{patients}, {normal} of them {label_of(NORMAL_KEY)}; "
        f"{found.n_abnormal:,} are not {label_of(NORMAL_KEY)}. Not trained on, but they helped to "
        "choose an epoch",
        on_card=True,
    )


def other_sources_table(found: tuple[OtherSource, ...]) -> Table:
    """No Finding on other hospitals' films, normal ones against others."""
    columns = (
        Column("Source", is_text=True),
        Column("Films"),
        Column("Normal"),
        Column("Others", is_text=True),
        Column(f"AUROC of {label_of(NORMAL_KEY)}", "auroc"),
    )
    rows = [
        Row(
            (one.source, one.n_films, one.n_normal, ", ".join(one.others), one.normal_auroc),
            NORMAL_KEY,
            f"source: {one.source}",
            one.n_films,
            one.n_normal,
        )
        for one in found
    ]
    return Table(
        FURTHER_FILMS,
        "Films of other hospitals",
        columns,
        rows,
        "Other hospitals: normal films against the others. Nothing was learnt from their labels; "
        "films are resampled, as patients are not known",
        on_card=True,
    )
