"""What acting on the flags is worth: tables of net benefit and of alerts."""

from collections.abc import Iterator, Sequence

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.net_benefit import SHOWN_THRESHOLDS, AlertBurden, DecisionPoint
from cxr_core.evaluation.render.flag_figures import CUT_OFFS
from cxr_core.evaluation.render.subset_figures import FINDING, finding_name
from cxr_core.evaluation.render.table import Column, Row, Table
from cxr_core.findings import label_of
from cxr_core.wording import percent

_NET_BENEFIT_NOTE = (
    "Net benefit: found cases per film, less false alarms weighed by the threshold's odds. Acting "
    "on no film has 0; a model is of use where it is above that and above flagging all. It assumes "
    "calibrated probabilities."
)


def net_benefit(full: FullReport) -> Iterator[Table]:
    """Net benefit at a few thresholds, a row a finding and threshold."""
    if not full.decision_curves:
        return
    rows = [
        Row(
            (finding_name(full.report, key), percent(one.threshold), one.model, one.all_flagged),
            key,
            suffix=f"_at_{one.threshold:g}",
        )
        for key, curve in full.decision_curves.items()
        for one in shown_points(curve)
    ]
    columns = (
        FINDING,
        Column("Threshold", is_text=True),
        Column("Flag at it", "net_benefit", digits=3, signed=True, judged=False),
        Column("Flag all", "net_benefit_of_all", digits=3, signed=True, judged=False),
    )
    title = "Net benefit of acting at a threshold"
    yield Table(CUT_OFFS, title, columns, rows, notes=(_NET_BENEFIT_NOTE,))


def shown_points(curve: Sequence[DecisionPoint]) -> list[DecisionPoint]:
    """Those of a curve that a table shows."""
    return [one for one in curve if one.threshold in SHOWN_THRESHOLDS]


def alerts(full: FullReport) -> Iterator[Table]:
    """Flags per 100 films and per true finding at the cut-offs, at these films' prevalence."""
    if not full.alerts:
        return
    columns = (
        FINDING,
        Column("Prevalence", digits=1, is_percent=True),
        Column("Flags per 100 films", "alerts_per_100", digits=1, judged=False),
        Column("Flags per true finding", "alerts_per_finding", judged=False),
    )
    rows = [
        Row((finding_name(full.report, key), one.prevalence, one.per_100, one.per_finding), key)
        for key, one in full.alerts.items()
    ]
    yield Table(CUT_OFFS, "Alerts at the cut-offs, at these films' prevalence", columns, rows)


def at_site(full: FullReport) -> Iterator[Table]:
    """The figures that change with the prevalence, where each finding is as common as was said."""
    if not full.at_site:
        return
    columns = (
        FINDING,
        Column("Prevalence", digits=1, is_percent=True),
        Column("Cut-off there", digits=1, is_percent=True),
        Column("PPV", "ppv_at_site"),
        Column("NPV", "npv_at_site"),
        Column("Flags per 100 films", "alerts_per_100_at_site", digits=1, judged=False),
        Column("Flags per true finding", "alerts_per_finding_at_site", judged=False),
    )
    rows = [
        Row(
            (
                finding_name(full.report, key), one.prevalence, one.cutoff,
                one.metrics.ppv_at_prevalence, one.metrics.npv_at_prevalence,
                one.alerts.per_100, one.alerts.per_finding,
            ),
            key,
        )
        for key, one in full.at_site.items()
    ]  # fmt: skip
    notes = [
        f"{label_of(key)}: recalibrated from {percent(one.here, decimals=1)} to "
        f"{percent(one.prevalence, decimals=1)}, the mean probability goes from "
        f"{percent(one.mean_probability, decimals=1)} to {percent(one.recalibrated, decimals=1)}."
        for key, one in full.at_site.items()
    ]
    notes.append("Sensitivity and specificity are taken to stay; the same films are flagged.")
    yield Table(CUT_OFFS, "At the given prevalences", columns, rows, notes=notes)


def site_alerts(here: AlertBurden, site: AlertBurden | None, key: str) -> Table:
    """One finding's alerts at the cut-off in view: on these films, and where the reader works."""
    columns = (
        Column("Alerts at this cut-off", is_text=True),
        Column("Prevalence", digits=1, is_percent=True),
        Column("Flags per 100 films", digits=1),
        Column("Flags per true finding"),
    )
    named = [("These films", here), *([("Where you work", site)] if site is not None else [])]
    rows = [Row((name, one.prevalence, one.per_100, one.per_finding)) for name, one in named]
    return Table(CUT_OFFS, f"Alerts of {label_of(key)}", columns, rows)
