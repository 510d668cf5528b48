"""The Performance page without a browser: ``cxr-evaluate MODEL``."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import ConfigError, CXRError
from cxr_core.evaluation.comparison import (
    Comparison,
    ModelExtras,
    compare_predictions,
    read_model_extras,
)
from cxr_core.evaluation.full_report import FullReport, build_full_report
from cxr_core.evaluation.leakage import leakage_notes, read_run_split
from cxr_core.evaluation.localisation.rates import localisation_metrics
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.operating_points import operating_points_of
from cxr_core.evaluation.metrics.subgroups import (
    all_films_and_subgroups,
    subgroup_metrics,
    view_shortcuts,
)
from cxr_core.evaluation.predictions import has_logits, probabilities_of
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.render.text import comparison_text, metrics_text
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, InputTable, read_input_table
from cxr_core.files import atomic_write
from cxr_core.findings import KEYS
from cxr_core.model.metadata import METADATA_FILE, load_metadata

PROG = "cxr-evaluate"
STANDARD_OUTPUT = Path("-")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table, model or path cannot be used."""
    args = _parser().parse_args(argv)
    try:
        if args.json not in (None, STANDARD_OUTPUT):
            _require_writable_output(args.json, apart_from=[args.predictions, args.against])
        table = read_input_table(args.predictions, args.model)
        other = None if args.against is None else read_input_table(args.against)
        comparison = None if other is None else _compare(table, other, args)
        metrics = _evaluate(table, n_resamples=args.resamples, seed=args.seed)
        if other is not None:
            metrics = replace(metrics, comparison=comparison, other_table_sha256=other.sha256)
        text = (
            ""
            if args.json is None
            else metrics_json(metrics, created_at=datetime.now().astimezone())
        )
        if args.json not in (None, STANDARD_OUTPUT):
            _write(text, args.json)
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    if args.json == STANDARD_OUTPUT:
        print(text, end="")
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
        "table itself, and said to be optimistic.",
    )
    parser.add_argument(
        "--against",
        type=Path,
        help="a second table or run folder, B: with paired differences, this one less PREDICTIONS",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write all figures as JSON; - prints JSON only"
    )
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples; default 0")
    return parser


def _evaluate(table: InputTable, *, n_resamples: int, seed: int) -> FullReport:
    films, model_sha256 = table.predictions, None
    calibration: Calibration | None = None
    points: dict[str, OperatingPoint] | None = None
    if table.model_folder is not None:
        metadata = load_metadata(table.model_folder)
        calibration, points = metadata.calibration, metadata.operating_points
        model_sha256 = metadata.model_sha256
    fitted_here = points is None
    probabilities = probabilities_of(films, calibration if has_logits(films) else None)  # (N, 4)
    if points is None:
        points = operating_points_of(films, probabilities)
    report = evaluate_predictions(
        films,
        operating_points=points,
        calibration=calibration,
        n_resamples=n_resamples,
        seed=seed,
        subgroups=False,  # the groups below tell the same areas, and more
    )
    resamples = resample_patients(films, n_resamples=n_resamples, seed=seed)
    predicted = None if points is None else probabilities >= [points[key].threshold for key in KEYS]
    parts = all_films_and_subgroups(films)
    groups = subgroup_metrics(films, predicted, resamples, subgroups=parts)
    progress = tqdm(groups, "Groups of films", len(parts), leave=False, disable=None)
    return build_full_report(
        films,
        probabilities,
        report,
        table_sha256=table.sha256,
        model_sha256=model_sha256,
        fitted_here=fitted_here,
        groups=[one for part in progress for one in part],
        shortcuts=view_shortcuts(films, resamples, table.read_validation()),
        splits=table.read_split_counts(),
        localisation=localisation_metrics(
            table.run_folder, films, n_resamples=n_resamples, seed=seed
        ),
    )


def _compare(table: InputTable, other: InputTable, args: argparse.Namespace) -> Comparison:
    seen = leakage_notes(
        table.predictions,
        other.predictions,
        split_a=read_run_split(table.run_folder),
        split_b=read_run_split(other.run_folder),
    )
    comparison = compare_predictions(
        table.predictions,
        other.predictions,
        model_a=_compared_model(table.model_folder),
        model_b=_compared_model(other.model_folder),
        n_resamples=args.resamples,
        seed=args.seed,
    )
    return replace(comparison, notes=(*seen, *comparison.notes))


def _compared_model(folder: Path | None) -> ModelExtras | None:
    return None if folder is None else read_model_extras(folder)


def _require_writable_output(path: Path, *, apart_from: Sequence[Path | None]) -> None:
    """Refuse an output path before the slow part: a folder, one where no file can be made, or a
    table that is to be read."""
    if path.resolve() in [table.resolve() for table in apart_from if table is not None]:
        raise ConfigError(
            "The JSON would take the place of a table", value=path, remedy="Give another path."
        )
    if path.is_dir():
        raise ConfigError(
            "The JSON needs a file's name", value=path, remedy="Give a path such as metrics.json."
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _not_written(path, error) from error


def _write(text: str, path: Path) -> None:
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        "The JSON cannot be written",
        value=f"{path} ({error.strerror})",
        remedy="Give a file in a folder that exists and that you may write to.",
    )


if __name__ == "__main__":
    sys.exit(main())
