"""The Performance page without a browser: ``cxr-evaluate MODEL``."""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from cxr_core.errors import ConfigError, CXRError
from cxr_core.evaluation.comparison import compare_inputs
from cxr_core.evaluation.evaluated import evaluate_with_model, measure_all
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.render.text import comparison_text, metrics_text
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, InputTable, read_input_table
from cxr_core.files import atomic_write
from cxr_core.model.metadata import METADATA_FILE

T = TypeVar("T")
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
        comparison = None
        if other is not None:
            comparison = compare_inputs(table, other, n_resamples=args.resamples, seed=args.seed)
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
        "table itself, which makes the figures optimistic.",
    )
    parser.add_argument(
        "--against",
        type=Path,
        help="a second table or run folder (B): adds paired differences, B minus PREDICTIONS",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write all figures as JSON; - prints JSON only"
    )
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling; default 0")
    return parser


def _evaluate(table: InputTable, *, n_resamples: int, seed: int) -> FullReport:
    evaluated = evaluate_with_model(
        table.predictions,
        table.sha256,
        None if table.model is None else table.model.model,
        n_resamples=n_resamples,
        seed=seed,
    )

    def progress(groups: Iterable[T], total: int) -> Iterable[T]:
        return tqdm(groups, "Groups of films", total, leave=False, disable=None)

    return measure_all(evaluated, table.run, progress=progress)


def _require_writable_output(path: Path, *, apart_from: Sequence[Path | None]) -> None:
    """Refuse an output path before the slow part: a folder, one where no file can be made, or a
    table that is to be read."""
    if path.resolve() in [table.resolve() for table in apart_from if table is not None]:
        raise ConfigError(
            "The JSON would overwrite a table", value=path, remedy="Give another path."
        )
    if path.is_dir():
        raise ConfigError(
            "The JSON output is a folder", value=path, remedy="Give a path such as metrics.json."
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
