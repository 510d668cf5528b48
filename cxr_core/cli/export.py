"""Write a model for other people's software: ``cxr-export RUN --onnx FILE``.

Exit status: 0 written, 2 it could not be.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cxr_core.errors import CXRError
from cxr_core.model.onnx_file import export_onnx

PROG = "cxr-export"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Write a model for other people's software."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="model folder, as models/default")
    parser.add_argument(
        "--onnx",
        type=Path,
        required=True,
        metavar="FILE",
        help="pixels in, calibrated probabilities and maps out; its metadata says how",
    )
    args = parser.parse_args(argv)
    try:
        export_onnx(args.run, args.onnx)
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{PROG}: {args.onnx} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(f"The model is in {args.onnx}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
