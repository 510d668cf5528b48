"""Models on the same films, from a terminal: ``cxr-compare A B``, or more against the first."""

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
from cxr_core.errors import ConfigError, CXRError
from cxr_core.evaluation.comparison import MODEL_LETTERS, compare_with_first
from cxr_core.evaluation.input_table import read_input_table
from cxr_core.evaluation.render.documents import comparisons_tables_as
from cxr_core.evaluation.render.json_document import comparison_json, comparisons_json
from cxr_core.evaluation.render.text import comparisons_text
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE
from cxr_core.evaluation.table_mapping import read_mapping

PROG = "cxr-compare"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table or model cannot be used."""
    args = _parser().parse_args(argv)
    paths = [args.a, args.b, *args.more]
    try:
        outputs = requested_outputs(args, apart_from=[*paths, args.labels])
        if len(paths) > len(MODEL_LETTERS):
            raise ConfigError(
                "Too many models to compare",
                value=len(paths),
                remedy=f"Give at most {len(MODEL_LETTERS)}.",
            )
        models = [args.model_a, args.model_b, *[None] * len(args.more)]
        maps = [args.map_a, args.map_b, *[None] * len(args.more)]
        tables = [
            read_input_table(
                path, model, mapping=None if of is None else read_mapping(of), labels=args.labels
            )
            for path, model, of in zip(paths, models, maps, strict=True)
        ]
        comparisons = compare_with_first(tables, n_resamples=args.resamples, seed=args.seed)
        hashes = [table.sha256 for table in tables]

        def as_json() -> str:
            now = datetime.now().astimezone()
            if len(comparisons) == 1:
                return comparison_json(comparisons[0], *hashes, created_at=now)
            return comparisons_json(comparisons, hashes, created_at=now)

        write_outputs(
            outputs,
            {
                "json": as_json,
                "markdown": lambda: comparisons_tables_as("markdown", comparisons),
                "latex": lambda: comparisons_tables_as("latex", comparisons),
            },
        )
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    if args.json == STANDARD_OUTPUT:
        print(as_json(), end="")
        return 0
    for letter, path in zip(MODEL_LETTERS, paths, strict=False):
        print(f"{letter}: {path}")
    print(f"\n{comparisons_text(comparisons)}", end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Compare models on the same films, with paired intervals.",
    )
    table = f"predictions table, or a model folder (its {TEST_PREDICTIONS_FILE})"
    model = "model folder of %s: calibration and localisation; default: its table's, if a folder"
    mapping = "which column of %s's table is what (cxr-evaluate --suggest-map); guessed without it"
    parser.add_argument("a", type=Path, help=f"{table}: the reference model")
    parser.add_argument("b", type=Path, help=f"{table}: the model to evaluate")
    parser.add_argument(
        "more", type=Path, nargs="*", help="further models, each compared with the first"
    )
    for side in "ab":
        parser.add_argument(f"--model-{side}", type=Path, help=model % side.upper())
        parser.add_argument(
            f"--map-{side}", type=Path, metavar="FILE.toml", help=mapping % side.upper()
        )
    parser.add_argument(
        "--labels", type=Path, metavar="TABLE", help="a table of labels, joined to every table"
    )
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling; default 0")
    add_output_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
