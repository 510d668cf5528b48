"""Two models on the same films, from a terminal: ``cxr-compare A B``."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cxr_core.errors import CXRError
from cxr_core.evaluation.comparison import ModelExtras, compare_predictions, read_model_extras
from cxr_core.evaluation.leakage import leakage_notes, read_run_split
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE

PROG = "cxr-compare"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table or model cannot be used."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Compare two models on the same films, with paired intervals.",
    )
    table = f"predictions table, or a model folder (its {TEST_PREDICTIONS_FILE})"
    model = "model folder of %s: calibration and localisation; default: its table's, if a folder"
    parser.add_argument("a", type=Path, help=f"{table}: the model to compare with")
    parser.add_argument("b", type=Path, help=f"{table}: the model that is judged")
    parser.add_argument("--model-a", type=Path, help=model % "A")
    parser.add_argument("--model-b", type=Path, help=model % "B")
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples; default 0")
    args = parser.parse_args(argv)
    try:
        a, model_a, split_a = _read(args.a, args.model_a)
        b, model_b, split_b = _read(args.b, args.model_b)
        notes = leakage_notes(a, b, split_a=split_a, split_b=split_b)
        comparison = compare_predictions(
            a, b, model_a=model_a, model_b=model_b, n_resamples=args.resamples, seed=args.seed
        )
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    comparison = replace(comparison, notes=(*notes, *comparison.notes))
    print(f"A: {args.a}\nB: {args.b}\n\n{comparison_text(comparison)}", end="")
    return 0


def _read(
    path: Path, folder: Path | None
) -> tuple[pd.DataFrame, ModelExtras | None, pd.DataFrame | None]:
    """A table, its model, and the split of the run that it lies in, as far as they are told."""
    run = path if path.is_dir() else None
    if run is not None:
        path, folder = run / TEST_PREDICTIONS_FILE, folder or run
    table = read_predictions(path)
    return table, None if folder is None else read_model_extras(folder), read_run_split(run)


if __name__ == "__main__":
    sys.exit(main())
