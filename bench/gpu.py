"""What a CUDA device gives: reading and training beside the bare network, and is it right.

    python -m bench.gpu
    python -m bench.gpu --device cpu --quick    # the same in small, where there is none

Of others' packages it imports numpy, pandas, pillow, pydicom, safetensors, scipy, simplejpeg, torch
(with torchvision) and tqdm.

Four parts, of which one that fails does not end the others; returns 1 where one failed or an answer
in float32 lies beyond 1e-3 of the CPU's.
(a) Films a second of ``reading.batch`` on drawn PNG files beside each of its parts alone: the
decoders, the engine, and what is done to a film besides; and the engine beside the bare forward of
the same network on tensors that stay on the device.
(b) Logits and maps of 16 drawn films beside those of PyTorch on the CPU.
(c) Films a second of a bare training step on one batch that stays on the device, beside the
project's own, its films from a cache, changed at random on the device.
(d) Whether NCCL starts, with this process alone.
"""

import argparse
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.gpu_reading import agreement, reading
from bench.gpu_setup import N_DRAWN, Setup
from bench.gpu_training import nccl, training
from cxr_core.imaging.workers.pool import start_workers
from cxr_core.phantom.draw import phantom_png


def main() -> int:
    """Measure and print; see the module for what it returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="in small, to see that it runs")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--parts", default="abcd", help="such as ab")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print(
            f"PyTorch {torch.__version__} sees no CUDA device here, so there is nothing to "
            "measure. Run it where there is one, or with --device cpu --quick."
        )
        return 1
    started = time.perf_counter()
    setup = _setup(args)
    print(_machine(setup))
    print(f"{len(setup.films)} films drawn in {time.perf_counter() - started:.1f} s")
    failed = False
    for letter, part in (("a", reading), ("b", agreement), ("c", training), ("d", nccl)):
        if letter in args.parts:
            began = time.perf_counter()
            print(f"\n({letter}) {part.__doc__}", flush=True)
            try:
                failed |= not part(setup)
            except Exception:  # the other parts can still be told
                traceback.print_exc(file=sys.stdout)
                failed = True
            print(f"    {time.perf_counter() - began:.1f} s", flush=True)
    print(f"\nin all {time.perf_counter() - started:.1f} s; {'FAILED' if failed else 'all right'}")
    return int(failed)


def _setup(args: argparse.Namespace) -> Setup:
    cores = os.cpu_count() or 1
    count, side = (4, 256) if args.quick else (N_DRAWN, 1024)
    start_workers(cores)
    with ThreadPoolExecutor(cores) as pool_:
        films = list(pool_.map(partial(phantom_png, size=side), range(count)))
    common: dict[str, Any] = {
        "device": torch.device(args.device),
        "model": args.model,
        "films": films,
    }
    if args.quick:
        return Setup(
            **common,
            n_read=8,
            n_trained=16,
            batches=(1, 4),
            training_batches=(4,),
            seconds=0.05,
            workers=(2,),
        )
    return Setup(
        **common,
        n_read=256,
        n_trained=4096,
        batches=(1, 8, 32, 128),
        training_batches=(32, 128),
        seconds=0.2,
        workers=tuple(sorted({min(4, cores), cores})),
    )


def _machine(setup: Setup) -> str:
    name = torch.cuda.get_device_name() if setup.on_cuda else "no card"
    return (
        f"{name}, {os.cpu_count()} cores, PyTorch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, cuDNN {torch.backends.cudnn.version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
