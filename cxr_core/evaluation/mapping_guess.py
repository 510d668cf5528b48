"""A guess at which column of somebody's table is what.

A guess is said, and what is unsure about it is asked. Labels and scores are told apart by their
names first (``true_``, ``prob_`` …) and by their values where names do not tell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from cxr_core.data.csv_files import normalise_image_names
from cxr_core.errors import DataError
from cxr_core.evaluation.column_names import Column, key_of, plain_name, read_name
from cxr_core.evaluation.finding_columns import (
    NAMING,
    UNNAMED,
    findings_by_affix,
    findings_of_classes,
    named_findings,
    pair_findings,
    percent_question,
    single_finding,
)
from cxr_core.evaluation.list_cells import INDEX
from cxr_core.evaluation.predictions import OPTIONAL_COLUMNS, complete_findings
from cxr_core.evaluation.raw_table import RawTable
from cxr_core.evaluation.table_mapping import (
    FROM_IMAGE,
    MAX_FINDINGS,
    PATIENT_PATTERNS,
    FindingColumns,
    Kind,
    MappedTable,
    TableMapping,
    apply_mapping,
)
from cxr_core.findings import KEYS, label_of

# Names of columns, in small letters and digits alone; the likelier first.
_IMAGE_NAMES = (
    "image", "imageindex", "imageid", "imagename", "imagefile", "imagefilename", "filename",
    "file", "imagepath", "imgpath", "filepath", "path", "img", "imgid", "imgname", "dicomid",
    "dicom", "sopinstanceuid", "sopuid", "instanceuid", "xray", "film", "filmid",
    "studyinstanceuid", "studyid", "study", "accessionnumber", "uid", "id", "name", "key",
    "sampleid", "sample", "index", "rowid", "images", "imageids", "imagenames", "imagepaths",
    "filenames", "filepaths", "files", "paths", "imgs", "ids", "names",
)  # fmt: skip
_ROW_NAMES = (plain_name(INDEX), "index", "rowid", "id", "key", "uid", "sampleid", "sample")
_DETAIL_NAMES: Mapping[str, tuple[str, ...]] = {
    "patient": ("patient", "patientid", "subject", "subjectid", "patientnumber", "pid", "ptid",
                "patid", "mrn", "participantid", "personid"),
    "age": ("age", "patientage", "ageyears", "ageinyears", "ageatstudy"),
    "sex": ("sex", "gender", "patientsex", "patientgender"),
    "view": ("view", "viewposition", "projection", "appa", "viewpos", "pap"),
    "follow_up": ("followup", "followupnumber", "followupno"),
    "group": ("group", "site", "hospital", "institution", "cohort", "dataset", "source"),
}  # fmt: skip
_FINDING_NAMES = (
    "finding", "findingname", "pathology", "disease", "condition", "class", "classname",
    "labelname", "category", "diagnosis", "task", "variable", "targetname", "abnormality", "type",
)  # fmt: skip


@dataclass(frozen=True)
class Suggestion:
    """A guess.

    Attributes:
        mapping: without findings where no label belongs to any score.
        questions: whole sentences on what is unsure; with none the table can be opened.
        said: whole sentences on what was taken for what.
        unlabelled: scores without a label, by finding: a table of labels can be joined to them.
    """

    mapping: TableMapping
    questions: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()


def suggest_mapping(raw: RawTable, name: str = "") -> Suggestion:
    """Guess which column is what.

    Args:
        name: the file's own, without its ending, which may tell of the one finding; "" for none.
    """
    if own := _own_columns(raw):
        return own
    said: list[str] = []
    image, details = _image_and_details(raw, said)
    taken = {image, *details.values()}
    if long := _long_layout(raw, image, details, taken):
        return replace(long, said=(*raw.said, *said, *long.said))
    columns = [_column(raw, title) for title in raw.columns if title not in taken]
    if not image:
        said.append("No column names the images: rows are numbered.")
    questions = [
        f"Two columns are called {one.title[:-2]}."
        for one in columns
        if one.role and one.title.endswith(".1") and one.title[:-2] in raw.columns
    ]
    findings, left = pair_findings(columns, questions, said)
    findings += findings_of_classes(columns, left, findings, questions, said)
    if len(findings) < 2:
        asked: list[str] = []
        if alike := findings_by_affix(columns, asked):
            findings, left, questions = alike, [], asked
    if not findings:
        findings = single_finding(columns, name, questions, said)
    used = {one.score for one in findings}
    unlabelled = tuple(
        dict.fromkeys(
            one.key
            for one in left
            if one.title not in used
            and not one.name.startswith("#")
            and (one.role or (not findings and one.is_probable))
        )
    )
    if unlabelled and findings:
        said.append(f"Without a label, so not measured: {named_findings(unlabelled)}.")
    if not findings:
        questions.append(
            f"No labels were found for {named_findings(unlabelled)}: add a table of labels."
            if unlabelled
            else "No column was recognised as the score of a finding, or none as its label."
        )
    mapping = TableMapping(image, tuple(findings), details)
    return Suggestion(mapping, tuple(questions), (*raw.said, *said, *_taken(mapping)), unlabelled)


def _own_columns(raw: RawTable) -> Suggestion | None:
    """The mapping of a table in this project's columns, of which there is nothing to say."""
    by_small = {title.casefold(): title for title in raw.columns}
    keys, prefix = complete_findings(
        [re.sub(r"^(label|logit|probability)_(.*)$",
                lambda m: f"{m[1].casefold()}_{_known(m[2])}", title, flags=re.IGNORECASE)
         for title in raw.columns]
    )  # fmt: skip
    if "image" not in by_small or not keys:
        return None
    titles = {
        f"{match[1].casefold()}_{_known(match[2])}": title
        for title in raw.columns
        if (match := re.match(r"(label|logit|probability)_(.+)$", title, re.IGNORECASE))
    }
    kind: Kind = "logit" if prefix == "logit_" else "probability"
    left = {name.split("_", 1)[1] for name in titles if name.split("_", 1)[1] not in keys}
    if left - set(KEYS):
        return None  # not quite ours: let the guess say what is left out
    mapping = TableMapping(
        by_small["image"],
        tuple(
            FindingColumns(key, titles[f"label_{key}"], titles[f"{prefix}{key}"], kind)
            for key in keys
        ),
        {name: by_small[name] for name in OPTIONAL_COLUMNS if name in by_small},
    )
    said: tuple[str, ...] = ()
    if left:
        named = named_findings(key for key in KEYS if key in left)
        said = (f"Without label or score, so not measured: {named}.",)
    return Suggestion(mapping, (), (*raw.said, *said))


def _known(name: str) -> str:
    return name.casefold() if name.casefold() in KEYS else name


def _column(raw: RawTable, title: str) -> Column:
    return Column(title, *read_name(title), raw.cells[title])


def _image_and_details(raw: RawTable, said: list[str]) -> tuple[str, dict[str, str]]:
    plain = {title: plain_name(title.rsplit(".", 1)[-1] if title.startswith("image.") else title)
             for title in raw.columns}  # fmt: skip
    details = {}
    for detail, names in _DETAIL_NAMES.items():
        found = [title for name in names for title in raw.columns if plain[title] == name]
        if found:
            details[detail] = found[0]
    candidates = [title for name in _IMAGE_NAMES for title in raw.columns
                  if plain[title] == name and title not in details.values()]  # fmt: skip
    candidates += [title for title in raw.columns if title == INDEX and title not in candidates]
    unique = [
        title
        for title in candidates
        if raw.cells[title].is_unique and (raw.cells[title] != "").all()
    ]
    image = (unique or candidates or [""])[0]
    if image and "patient" not in details:
        cells = raw.cells[image]
        for what, pattern in PATIENT_PATTERNS.items():
            if all(pattern.search(cell) for cell in cells):
                details["patient"] = FROM_IMAGE
                said.append(f"Patients are taken from the images' names ({what}).")
                break
    return image, details


def _long_layout(
    raw: RawTable, image: str, details: Mapping[str, str], taken: set[str]
) -> Suggestion | None:
    """A table of one row a film and finding."""
    if image and raw.cells[image].is_unique and plain_name(image) not in _ROW_NAMES:
        return None
    if not image or raw.cells[image].is_unique:
        candidates = [
            title for title in raw.columns
            if plain_name(title) in _IMAGE_NAMES and not raw.cells[title].is_unique
        ]  # fmt: skip
        if not candidates:
            return None
        image = candidates[0]
    rows = raw.cells
    options = [
        title for title in raw.columns
        if title not in (image, *details.values())
        and 0 < rows[title].nunique() <= MAX_FINDINGS
        and not _column(raw, title).is_numeric
        and not _column(raw, title).is_binary
        and not rows.duplicated([image, title]).any()
        and (plain_name(title) in _FINDING_NAMES
             or rows[title].nunique() * rows[image].nunique() == len(rows))
    ]  # fmt: skip
    options.sort(
        key=lambda title: (plain_name(title) not in _FINDING_NAMES, -rows[title].nunique())
    )
    if not options:
        return None
    finding = options[0]
    rest = [_column(raw, title) for title in raw.columns if title not in (image, finding, *taken)]
    questions: list[str] = []
    said = ["One row a film and finding."]
    found = single_finding([one for one in rest if not one.name or one.is_numeric or one.is_binary],
                    UNNAMED, [], said)  # fmt: skip
    if not found:
        return None
    if found[0].kind == "percent":
        questions.append(percent_question(found[0].score))
    mapping = TableMapping(image, (replace(found[0], key=""),), details, finding)
    named = named_findings(key_of(name) for name in rows[finding].unique() if name)
    said.append(f"Findings from {finding}: {named}.")
    return Suggestion(mapping, tuple(questions), (*said, *_taken(mapping)))


def _taken(mapping: TableMapping) -> list[str]:
    """What was taken for what, in a sentence or two."""
    told = [f"image from {mapping.image}" if mapping.image else "rows are numbered as images"]
    told += [f"{name} from {column}" for name, column in mapping.details.items()]
    words = [f"Columns: {', '.join(told)}."]
    if mapping.findings:
        first = mapping.findings[0]
        name = label_of(first.key) if first.key else "every finding"
        more = f", and {len(mapping.findings) - 1} more alike" if len(mapping.findings) > 1 else ""
        value = f" where it says {first.value}" if first.value else ""
        words.append(
            f"{name}: label from {first.label}{value}, {first.kind} from {first.score}{more}."
        )
    return words


def map_table(raw: RawTable, mapping: TableMapping | None = None, *, name: str = "") -> MappedTable:
    """The validated table, by a mapping or, without one, by the guess.

    Args:
        name: as for ``suggest_mapping``.

    Raises:
        DataError: as ``apply_mapping``; or the guess leaves something open that figures depend on.
    """
    if mapping is not None:
        return apply_mapping(raw, mapping)
    found = suggest_mapping(raw, name)
    if unsure := [question for question in found.questions if question not in NAMING]:
        raise DataError(
            "It is not certain how the table is to be read",
            value=" ".join(unsure).rstrip("."),
            remedy="Write the guess with --suggest-map FILE, correct it, and give it with --map.",
        )
    mapped = apply_mapping(raw, found.mapping)
    return replace(mapped, said=(*found.said, *found.questions))


# Joining labels that stand in another file.


def join_labels(raw: RawTable, labels: RawTable) -> RawTable:
    """The table with the columns of a table of labels beside its own, joined by image.

    Images are matched by their names without folders; without their endings where these differ.

    Raises:
        DataError: either does not name its images, or they have none in common.
    """
    sides = []
    for one in (raw, labels):
        image, _ = _image_and_details(one, [])
        if not image:
            raise DataError(
                "The labels cannot be joined: a table does not name its images",
                value=", ".join(one.columns[:8]),
                remedy="Both tables need a column of image names, such as Image Index.",
            )
        sides.append((image, normalise_image_names(one.cells[image])))
    (image, names), (label_image, label_names) = sides
    if not names.isin(label_names).any():
        names, label_names = (
            s.str.replace(r"\.\w{2,5}$", "", regex=True) for s in (names, label_names)
        )
    first = ~label_names.duplicated()
    beside = labels.cells[first].drop(columns=label_image).set_axis(label_names[first], axis=0)
    known = names.isin(label_names)
    if not known.any():
        raise DataError(
            "No image of the table is in the table of labels",
            value=f"such as {names.iloc[0][:60]} and {label_names.iloc[0][:60]}",
            remedy="Give the labels of these images.",
        )
    beside.columns = pd.Index(
        [f"{name} (label)" if name in raw.columns else name for name in beside.columns]
    )
    beside = beside[[name for name in beside.columns if name not in raw.columns]]
    joined = beside.reindex(names).fillna("").reset_index(drop=True)
    cells = pd.concat([raw.cells, joined], axis=1)
    said = [f"Labels are joined by image: {int(known.sum()):,} of {len(known):,} films have them."]
    return replace(raw, cells=cells, said=(*raw.said, *said))
