"""One film from bytes to ``Analysis`` by every engine, beside what it is made of, in one run.

    python -m bench.analyze [--films 24] [--images DIR] [--engines openvino torch …]
    python -m bench.analyze --starts 3          # a process from its start to its first answer

Each film is read in every way, one after the other, so that a noisy machine is noisy for all: by
each engine; decoded alone; by a plain float32 forward of PyTorch alone; and by grad-cam's usual
recipe on the whole model, once for each of the four findings. Medians over the films are printed,
of wall-clock time and of the process's own time on the cores: where others use the machine, too,
the second is the one to look at. (What the decoding processes take is in the wall-clock time only.)
Before each there is a pause, in which the threads of the one before stop spinning: PyTorch's and
ONNX Runtime's go on for milliseconds, on the cores of whoever comes next.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cxr_core.errors import EngineError
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.engine import EngineSettings, load_served_model
from cxr_core.model.head import Floats32
from cxr_core.model.metadata import load_metadata
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer

OURS = {
    "torch": EngineSettings("torch"),
    "openvino": EngineSettings("openvino"),
    "openvino-bf16": EngineSettings("openvino", "bf16"),
}
ONNX_RUNTIME = "onnxruntime"  # only compared: it reads with none of our pages
# A process that reads one film with the model of argv[1]; prints seconds and megabytes.
_START = """
import resource, sys, time
from cxr_core.reading.analyzer import load_analyzer
load_analyzer(sys.argv[1]).analyze(open(sys.argv[2], "rb").read())
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""

PAUSE = 0.1  # seconds
Seconds = tuple[float, float]  # wall-clock, the process's own on the cores


def seconds(work: Callable[[], object]) -> Seconds:
    """Of one call, after a pause."""
    time.sleep(PAUSE)
    wall, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - own


def main() -> int:
    """Time and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--images", type=Path, help="folder of PNGs; default: phantoms of 1024 px")
    parser.add_argument("--repeats", type=int, default=3, help="rounds over all films")
    parser.add_argument(
        "--engines", nargs="+", choices=[*OURS, ONNX_RUNTIME], default=[*OURS, ONNX_RUNTIME]
    )
    parser.add_argument("--starts", type=int, default=0, metavar="N", help="only start processes")
    arguments = parser.parse_args()
    films = _films(arguments.images, arguments.films)
    if arguments.starts:
        _print_starts(arguments.model, films[0], arguments.starts)
    else:
        _print_films(arguments.model, films, arguments.engines, arguments.repeats)
    return 0


def _print_films(model: Path, films: list[bytes], engines: list[str], repeats: int) -> None:
    analyzers = {}
    for name in engines:
        try:
            analyzers[name] = make_analyzer(model, name)
        except EngineError as error:  # a precision that this CPU does not have
            print(f"{name} is left out. {error}")
    preprocessing = load_metadata(model).preprocessing
    forward, recipe = _plain_torch(model)
    times: dict[str, list[Seconds]] = {}
    for round_number in range(repeats + 1):
        for data in films:
            images = preprocess(read_radiograph(data).pixels, preprocessing)  # (1, 3, S, S)
            row = {
                "decoding": seconds(partial(read_radiograph, data)),
                "plain forward": seconds(partial(forward, images)),
                "grad-cam's recipe": seconds(partial(recipe, images)),
            }
            for name, analyzer in analyzers.items():
                row[f"{name}, bytes to Analysis"] = seconds(partial(analyzer.analyze, data))
                engine = analyzer.model.engine
                row[f"{name}, features"] = seconds(partial(engine.features, images))
            if round_number:  # the first round warms up
                for name, value in row.items():
                    times.setdefault(name, []).append(value)
    median = {
        name: tuple(statistics.median(each) for each in zip(*values, strict=True))
        for name, values in times.items()
    }
    for name, (wall, own) in median.items():
        print(f"{name:34}  {1000 * wall:8.1f} ms  {1000 * own:8.1f} ms on the cores")
    for column, clock in enumerate(("wall-clock", "on the cores")):
        print(f"\n{clock}:")
        base = median["plain forward"][column] + median["decoding"][column]
        for name in analyzers:
            mine = median[f"{name}, bytes to Analysis"][column]
            if column:  # decoding is another process's
                mine += median["decoding"][column]
            cam = median["grad-cam's recipe"][column] / mine
            print(
                f"  {name:14} / (forward + decoding): {mine / base:.2f}   "
                f"grad-cam's recipe ({len(KEYS)} findings) / it: {cam:.1f}"
            )


def make_analyzer(model: Path, name: str) -> Analyzer:
    """One that reads by an engine: a name of ``OURS``, or ONNX Runtime."""
    if name in OURS:
        return Analyzer(load_served_model(model, OURS[name]))
    served = load_served_model(model, OURS["torch"])
    return Analyzer(type(served)(OnnxRuntime(model), served.head, served.metadata, served.gate))


class OnnxRuntime:
    """The features by ONNX Runtime; needs onnx and onnxruntime, which the tests' requirements
    have."""

    batch_size = 1

    def __init__(self, model: Path, *, threads: int = 0) -> None:
        import onnxruntime

        from cxr_core.model.onnx_file import features_model

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or EngineSettings.from_environment().threads or 0
        self._session = onnxruntime.InferenceSession(
            features_model(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.name = f"ONNX Runtime {onnxruntime.__version__}"

    def features(self, images: Floats32) -> Floats32:
        """As ``Engine.features``."""
        found: Floats32 = self._session.run(["features"], {"images": images})[0]
        return found


def _plain_torch(model: Path) -> tuple[Callable[[Floats32], Any], Callable[[Floats32], Any]]:
    """One forward, and grad-cam's usual recipe for the four findings."""
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from cxr_core.model.checkpoint import load_checkpoint

    plain = load_checkpoint(model).model
    explained = load_checkpoint(model).model.requires_grad_(True)
    usual = GradCAM(model=explained, target_layers=[explained.features.relu])
    targets = [ClassifierOutputTarget(index) for index in range(len(KEYS))]

    def forward(images: Floats32) -> None:
        with torch.inference_mode():
            plain(torch.from_numpy(images))

    def recipe(images: Floats32) -> None:
        for target in targets:
            usual(torch.from_numpy(images), targets=[target])

    return forward, recipe


def _print_starts(model: Path, film: bytes, count: int) -> None:
    """Processes by each engine, one after the other, from their start to their first answer."""
    import os
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(film)
        file.flush()
        for name, variables in {
            "torch": {"CXR_ENGINE": "torch"},
            "openvino": {"CXR_ENGINE": "openvino"},
        }.items():
            found = []
            for _ in range(count):
                began = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", _START, str(model), file.name],
                    env=os.environ | variables, capture_output=True, text=True, check=True,
                )  # fmt: skip
                own, megabytes = map(float, done.stdout.split())
                found.append((time.perf_counter() - began, own, megabytes))
            wall, own, megabytes = (statistics.median(one) for one in zip(*found, strict=True))
            print(
                f"{name:10} {wall:6.2f} s  {own:6.2f} s on the cores  {megabytes:5.0f} MB at most"
            )


def _films(folder: Path | None, count: int) -> list[bytes]:
    if folder is None:
        return [phantom_png(seed, size=1024) for seed in range(count)]
    return [path.read_bytes() for path in sorted(folder.glob("*.png"))[:count]]


if __name__ == "__main__":
    sys.exit(main())
