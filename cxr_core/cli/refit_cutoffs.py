"""Both cut-offs for an earlier model folder: ``python -m cxr_core.cli.refit_cutoffs FOLDER``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cxr_core.errors import CXRError
from cxr_core.training.refit_cutoffs import refit_cutoffs

PROG = "python -m cxr_core.cli.refit_cutoffs"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 where the folder cannot be used."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Fit both cut-offs of each finding anew, from a folder's own tables."
    )
    parser.add_argument("folder", type=Path, help="model folder of an earlier version")
    folder: Path = parser.parse_args(argv).folder
    try:
        metadata = refit_cutoffs(folder)
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    print(f"{folder} has two cut-offs a finding now; model {metadata.model_sha256[:12]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
