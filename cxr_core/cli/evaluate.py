"""The Performance page without a browser: ``cxr-evaluate MODEL``."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from cxr_core.cli.outputs import (
    STANDARD_OUTPUT,
    add_output_options,
    add_table_options,
    make_folder,
    requested_outputs,
    suggest_map,
    write_checklists,
    write_outputs,
)
from cxr_core.errors import ConfigError, CXRError
from cxr_core.evaluation.column_names import key_of
from cxr_core.evaluation.comparison import compare_inputs
from cxr_core.evaluation.evaluated import (
    EvaluatedTable,
    evaluate_with_model,
    measure_all,
    measure_at_site,
    with_origin,
)
from cxr_core.evaluation.full_report import FullReport, Origin
from cxr_core.evaluation.input_table import InputTable, read_input_table
from cxr_core.evaluation.render.checklist_answers import RunFacts
from cxr_core.evaluation.render.checklists import document_markdown, reporting_documents
from cxr_core.evaluation.render.documents import metrics_tables_as
from cxr_core.evaluation.render.hub_header import hub_card
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.render.text import comparison_text, metrics_text
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE
from cxr_core.evaluation.table_mapping import read_mapping
from cxr_core.model.metadata import METADATA_FILE

T = TypeVar("T")
PROG = "cxr-evaluate"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table, model or path cannot be used."""
    args = _parser().parse_args(argv)
    try:
        if args.checklists is not None:
            make_folder(args.checklists)
        if args.suggest_map is not None:
            for sentence in suggest_map(args.predictions, args.labels, args.suggest_map):
                print(sentence)
            return 0
        outputs = requested_outputs(
            args, apart_from=[args.predictions, args.against, args.labels, args.map]
        )
        table = read_input_table(
            args.predictions,
            args.model,
            mapping=None if args.map is None else read_mapping(args.map),
            labels=args.labels,
        )
        other = None if args.against is None else read_input_table(args.against)
        comparison = None
        if other is not None:
            comparison = compare_inputs(table, other, n_resamples=args.resamples, seed=args.seed)
        prevalences = _prevalences(args.prevalence)
        metrics = _evaluate(table, prevalences, n_resamples=args.resamples, seed=args.seed)
        if other is not None:
            metrics = replace(metrics, comparison=comparison, other_table_sha256=other.sha256)
        now = datetime.now().astimezone()
        if args.checklists is not None:
            write_checklists(args.checklists, _reporting_files(_facts(table, metrics), now))
        write_outputs(
            outputs,
            {
                "json": lambda: metrics_json(metrics, created_at=now),
                "markdown": lambda: metrics_tables_as("markdown", metrics),
                "latex": lambda: metrics_tables_as("latex", metrics),
            },
        )
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    if args.json == STANDARD_OUTPUT:
        print(metrics_json(metrics, created_at=now), end="")
        return 0
    print(metrics_text(metrics), end="")
    if comparison is not None:
        print(
            f"\nA: {args.predictions}\nB: {args.against}\n\n{comparison_text(comparison)}", end=""
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Evaluate a predictions table: the tables of the Performance page.",
    )
    table = f"predictions table, or a run folder (its {TEST_PREDICTIONS_FILE} and {METADATA_FILE})"
    parser.add_argument("predictions", type=Path, help=table)
    parser.add_argument(
        "--model",
        type=Path,
        help="model folder: calibration and cut-offs. Without one, cut-offs are fitted on the "
        "table itself, which makes the figures optimistic.",
    )
    parser.add_argument(
        "--against",
        type=Path,
        help="a second table or run folder (B): adds paired differences, B minus PREDICTIONS",
    )
    parser.add_argument(
        "--prevalence", action="append", default=[], metavar="FINDING=SHARE",
        help="figures where the finding is so common, e.g. effusion=0.05; may be repeated",
    )  # fmt: skip
    add_table_options(parser)
    add_output_options(parser)
    parser.add_argument(
        "--checklists",
        type=Path,
        metavar="FOLDER",
        help="write TRIPOD+AI, CLAIM 2024, a Model Facts label and a datasheet of the data there, "
        "as Markdown and PDF, filled as far as the figures and the model card tell, and the card "
        "with the header that Hugging Face reads (README.md)",
    )
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling; default 0")
    return parser


def _facts(table: InputTable, metrics: FullReport) -> RunFacts:
    images = table.predictions["image"].tolist()
    if table.model is None:
        return RunFacts(metrics, images=images)
    return RunFacts(metrics, table.model.model, table.model.card, images)


def _reporting_files(facts: RunFacts, created: datetime) -> dict[str, bytes]:
    """By name; the last is the card as Hugging Face takes it."""
    # Imported late: the fonts and reportlab take a second, and only this needs them.
    from cxr_core.export.document_pdf import document_pdf

    files = {}
    for name, document in reporting_documents(facts).items():
        files[f"{name}.md"] = document_markdown(document).encode()
        files[f"{name}.pdf"] = document_pdf(document, created=created)
    return files | {"README.md": hub_card(facts).encode()}


def foreign_model_note(evaluated: EvaluatedTable) -> str:
    """That a model was applied to a table that is none of its own, and what of it."""
    sha256 = evaluated.full.model_sha256 or ""
    applied = "calibration and cut-offs" if evaluated.report.ece_after else "cut-offs"
    return (
        f"The {applied} are those of the model {sha256[:12]}, in whose folder this table is not. "
        "If another model wrote it, no figure at a cut-off and no calibrated probability is that "
        "model's."
    )


def _prevalences(words: Sequence[str]) -> dict[str, float]:
    """``effusion=0.05`` and the like, by finding key."""
    found = {}
    for word in words:
        name, _, share = word.partition("=")
        try:
            found[key_of(name)] = float(share)
        except ValueError as error:
            raise ConfigError(
                "A prevalence is not given as FINDING=SHARE",
                value=word,
                remedy="Write, for example, effusion=0.05.",
            ) from error
    return found


def _evaluate(
    table: InputTable, prevalences: Mapping[str, float], *, n_resamples: int, seed: int
) -> FullReport:
    evaluated = evaluate_with_model(
        table.predictions,
        table.sha256,
        None if table.model is None else table.model.model,
        n_resamples=n_resamples,
        seed=seed,
    )

    if table.mapping is not None:
        cautions = table.cautions
        if table.of_model is False:
            cautions = (*cautions, foreign_model_note(evaluated))
        evaluated = with_origin(
            evaluated, Origin(table.mapping, table.said, cautions, table.of_model)
        )

    def progress(groups: Iterable[T], total: int) -> Iterable[T]:
        return tqdm(groups, "Groups of films", total, leave=False, disable=None)

    full = measure_all(evaluated, table.run, progress=progress)
    return replace(full, at_site=measure_at_site(evaluated, prevalences))


if __name__ == "__main__":
    sys.exit(main())
