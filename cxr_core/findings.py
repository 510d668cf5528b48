"""The four findings, in the one order that every tensor, table and checkpoint uses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One output of the model.

    Attributes:
        key: name in columns, dictionaries and files, e.g. ``no_finding``.
        label: NIH ChestX-ray14's own name, e.g. ``No Finding``.
    """

    key: str
    label: str


FINDINGS: tuple[Finding, ...] = (
    Finding("effusion", "Effusion"),
    Finding("atelectasis", "Atelectasis"),
    Finding("infiltration", "Infiltration"),
    Finding("no_finding", "No Finding"),
)
KEYS: tuple[str, ...] = tuple(finding.key for finding in FINDINGS)
LABELS: dict[str, str] = {finding.key: finding.label for finding in FINDINGS}
ABNORMAL_KEYS: tuple[str, ...] = KEYS[:3]
LABEL_COLUMNS: tuple[str, ...] = tuple(f"label_{key}" for key in KEYS)
LOGIT_COLUMNS: tuple[str, ...] = tuple(f"logit_{key}" for key in KEYS)
PROBABILITY_COLUMNS: tuple[str, ...] = tuple(f"probability_{key}" for key in KEYS)
ABOVE_COLUMNS: tuple[str, ...] = tuple(f"above_{key}" for key in KEYS)
