"""Two models on the same films, from a terminal: ``cxr-compare A B``."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cxr_core.cli.outputs import (
    STANDARD_OUTPUT,
    add_output_options,
    requested_outputs,
    write_outputs,
)
from cxr_core.errors import CXRError
from cxr_core.evaluation.comparison import compare_inputs
from cxr_core.evaluation.render.documents import comparison_tables_as
from cxr_core.evaluation.render.json_document import comparison_json
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, read_input_table

PROG = "cxr-compare"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table or model cannot be used."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Compare two models on the same films, with paired intervals.",
    )
    table = f"predictions table, or a model folder (its {TEST_PREDICTIONS_FILE})"
    model = "model folder of %s: calibration and localisation; default: its table's, if a folder"
    parser.add_argument("a", type=Path, help=f"{table}: the reference model")
    parser.add_argument("b", type=Path, help=f"{table}: the model to evaluate")
    parser.add_argument("--model-a", type=Path, help=model % "A")
    parser.add_argument("--model-b", type=Path, help=model % "B")
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling; default 0")
    add_output_options(parser)
    args = parser.parse_args(argv)
    try:
        outputs = requested_outputs(args, apart_from=[args.a, args.b])
        a = read_input_table(args.a, args.model_a)
        b = read_input_table(args.b, args.model_b)
        comparison = compare_inputs(a, b, n_resamples=args.resamples, seed=args.seed)

        def as_json() -> str:
            now = datetime.now().astimezone()
            return comparison_json(comparison, a.sha256, b.sha256, created_at=now)

        write_outputs(
            outputs,
            {
                "json": as_json,
                "markdown": lambda: comparison_tables_as("markdown", comparison),
                "latex": lambda: comparison_tables_as("latex", comparison),
            },
        )
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    if args.json == STANDARD_OUTPUT:
        print(as_json(), end="")
        return 0
    print(f"A: {args.a}\nB: {args.b}\n\n{comparison_text(comparison)}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
