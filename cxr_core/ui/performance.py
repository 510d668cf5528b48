"""The table of areas that pages share, and what its verdicts are called."""

from cxr_core.evaluation.results import EvaluationReport
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.tables import show_table

VERDICTS = {"enough": "enough films", "wide": "wide interval", "too few": "too few films"}


def area_table(report: EvaluationReport, *, caption: str) -> None:
    """AUROC of the four findings, each with its interval and what it can bear."""
    show_table(
        ("Finding", "AUROC (95 % interval)", "Films with it", "Verdict"),
        [
            [
                LABELS[key],
                report.auroc[key].text(),
                f"{report.label_distribution[key].positives:,}",
                VERDICTS[report.label_distribution[key].verdict],
            ]
            for key in KEYS
        ],
        caption=caption,
    )
