"""Engines give what the network gives in PyTorch, each alone, and say what they cannot do."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cxr_core.errors import CheckpointError, EngineError
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.model.densenet_graph import MAX_INPUT
from cxr_core.model.engine import EngineSettings, ServedModel, load_served_model
from cxr_core.model.gradcam import signed_evidence
from cxr_core.model.network import ChestNetwork
from cxr_core.model.torch_engine import TorchEngine, _Call
from tests.helpers import ROOT
from tests.helpers.models import make_metadata, random_network
from tests.helpers.system_calls import strangers, trace_command, written

VARIABLES = (
    "CXR_ENGINE",
    "CXR_ENGINE_PRECISION",
    "CXR_ENGINE_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
)
OPENVINO = EngineSettings("openvino", threads=1)


def lively_network() -> ChestNetwork:
    """Random weights, and norms whose statistics are not those of a network that saw nothing."""
    network = random_network(spread=1.0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, tensor in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                tensor.add_(0.2 * torch.rand(tensor.shape, generator=generator))
        for name, tensor in network.features.named_parameters():
            if "norm" in name:
                tensor.add_(0.2 * torch.randn(tensor.shape, generator=generator))
        network.classifier.bias.copy_(torch.tensor([0.3, -1.2, 0.0, 2.0]))
    return network


@pytest.fixture(scope="module")
def network() -> ChestNetwork:
    return lively_network().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def folder(network: ChestNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engine")
    save_checkpoint(folder, network, make_metadata())
    return folder


@pytest.fixture(scope="module")
def openvino(folder: Path) -> ServedModel:
    return load_served_model(folder, OPENVINO)


def images(count: int, side: int = 96, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3, side, side), np.float32)


@pytest.mark.parametrize(("count", "side"), [(1, 224), (3, 96)])
def test_openvino_answers_as_the_network_does(
    network: ChestNetwork, openvino: ServedModel, count: int, side: int
) -> None:
    films = images(count, side)
    with torch.inference_mode():
        features = network.forward_features(torch.from_numpy(films))  # (B, 1024, h, w)
        logits = network.forward_head(features).numpy()  # (B, 4)
    found = openvino.engine.features(films)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, features.numpy(), atol=1e-3 * float(features.max()))
    assert np.ptp(logits) > 1  # or nothing could differ
    np.testing.assert_allclose(openvino.logits(films), logits, atol=1e-3)
    maps = openvino.head.evidence(found[0])
    expected = signed_evidence(features[:1], network.classifier)  # the grad-cam package's
    np.testing.assert_allclose(maps, expected, atol=1e-3 * np.abs(expected).max())


def test_the_engine_of_pytorch_is_the_network(network: ChestNetwork, folder: Path) -> None:
    served = load_served_model(folder, EngineSettings("torch"))
    assert served.engine.name == f"torch {torch.__version__}"
    with torch.inference_mode():
        for films in (images(1), images(2)):
            expected = network(torch.from_numpy(films)).numpy()
            np.testing.assert_allclose(served.logits(films), expected, atol=1e-4)


def test_threads_that_wait_share_the_next_forward(network: ChestNetwork) -> None:
    engine, sizes, begun, go_on = (
        TorchEngine(network, batch_size=4),
        list[int](),
        threading.Event(),
        threading.Event(),
    )
    compute = engine._forward

    def forward(batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        begun.set()
        assert go_on.wait(60)
        return compute(batch)

    engine._forward = forward
    films = [images(1, 64, seed) for seed in range(4)]
    films += [images(2, 64, 4), images(1, 96), images(9, 64)]
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda n=number: found.update({n: engine.features(films[n])}))
        for number in range(len(films))
    ]
    for number, thread in enumerate(threads):
        thread.start()
        assert begun.wait(60)  # the first one computes, and the others come in their order
        while number > len(engine._waiting):
            time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join()
    # Three single films; two and no room for the other size; that one; nine in three parts.
    assert sizes == [1, 3, 2, 1, 4, 4, 1]
    alone = TorchEngine(network)
    for number, film in enumerate(films):
        np.testing.assert_allclose(found[number], alone.features(film), atol=1e-4)


def test_what_fails_together_is_computed_alone(network: ChestNetwork) -> None:
    """As where the card's memory is nearly full; and one that fails alone says so."""
    engine = TorchEngine(network, batch_size=4)

    def forward(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 1 or batch[0, 0, 0, 0] == 7:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")
        return batch * 2

    engine._forward = forward
    calls = [_Call(np.full((1, 3, 2, 2), value, np.float32)) for value in (1, 7, 3)]
    engine._answer(calls)
    features = [call.features for call in calls]
    assert [None if one is None else one.max() for one in features] == [2, None, 6]
    with pytest.raises(EngineError, match=r"cannot read .*: CUDA out of memory.* 2 GiB\. Free"):
        engine.features(calls[1].images)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_by_cuda_the_answers_are_those_of_the_cpu(network: ChestNetwork, folder: Path) -> None:
    served = load_served_model(folder, EngineSettings())
    assert served.engine.name.endswith("CUDA")
    for count, side in ((1, 224), (3, 224), (33, 224), (2, 96)):
        films = images(count, side)
        with torch.inference_mode():
            features = network.forward_features(torch.from_numpy(films)).numpy()
        found = served.engine.features(films)
        np.testing.assert_allclose(found, features, atol=1e-3 * float(features.max()))
        expected = served.head.logits(features.mean(axis=(2, 3)))
        np.testing.assert_allclose(served.logits(films), expected, atol=1e-3)
    rough = load_served_model(folder, EngineSettings("cuda", "bf16"))
    apart = np.abs(rough.logits(images(3, 224)) - served.logits(images(3, 224))).max()
    assert 1e-4 < apart < 0.5


@pytest.mark.parametrize(
    ("threads", "cores", "each", "at_once"), [(None, 2, 1, 2), (None, 16, 4, 4), (8, 16, 8, 2)]
)
def test_many_films_have_forwards_beside_one_another(
    monkeypatch: pytest.MonkeyPatch, folder: Path, openvino: ServedModel,
    threads: int | None, cores: int, each: int, at_once: int,
) -> None:  # fmt: skip
    """Of few threads each, and with the same answers."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    settings = EngineSettings("openvino", threads=threads)
    assert settings.for_many().threads == each
    served = load_served_model(folder, settings.for_many())
    assert (served.engine.batch_size, openvino.engine.batch_size) == (at_once, 1)
    film = images(1, 64)
    np.testing.assert_allclose(served.logits(film), openvino.logits(film), atol=1e-5)


def test_an_answer_is_not_written_over_by_the_next(openvino: ServedModel) -> None:
    first = openvino.engine.features(images(1))
    kept = first.copy()
    openvino.engine.features(images(1, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_threads_do_not_mix(openvino: ServedModel) -> None:
    films = [images(1, 64, seed) for seed in range(24)]
    alone = [openvino.engine.features(film) for film in films]
    together: dict[int, np.ndarray] = {}

    def work(start: int) -> None:
        for index in range(start, len(films), 6):
            together[index] = openvino.engine.features(films[index])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, features in enumerate(alone):
        np.testing.assert_array_equal(together[index], features)


def test_bfloat16_is_another_answer_and_told(folder: Path, openvino: ServedModel) -> None:
    try:
        rough = load_served_model(folder, replace(OPENVINO, precision="bf16"))
    except EngineError as error:
        pytest.skip(f"This CPU has no bfloat16 ({error})")
    assert rough.engine.name == f"{openvino.engine.name}, bf16"
    exact = openvino.logits(images(2))
    apart = np.abs(rough.logits(images(2)) - exact).max()
    assert 1e-3 < apart < 0.1 * np.ptp(exact)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "OpenVINO "),
        ({"CXR_ENGINE": "openvino"}, "OpenVINO "),
        ({"CXR_ENGINE": "torch"}, "torch "),
        ({"CXR_ENGINE": "auto", "CXR_ENGINE_THREADS": "2"}, "OpenVINO "),
    ],
)
def test_the_setting_chooses(
    folder: Path, settings: Mapping[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, settings.get(variable, ""))
    assert load_served_model(folder).engine.name.startswith(name)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"CXR_ENGINE": "onnx"}, r"CXR_ENGINE is set to what it cannot be: onnx\. Set it to auto"),
        ({"CXR_ENGINE_PRECISION": "f16"}, r"PRECISION is set to what it cannot be: f16"),
        ({"CXR_ENGINE_THREADS": "0"}, r"THREADS is set to what it cannot be: 0\. .* 1 to 1024"),
        ({"CXR_ENGINE_THREADS": "two"}, r"THREADS is set to what it cannot be: two"),
        ({"CXR_ENGINE": "torch", "CXR_ENGINE_PRECISION": "bf16"}, "computes in f32 only"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(
    folder: Path, settings: Mapping[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, settings.get(variable, ""))
    with pytest.raises(EngineError, match=said):
        load_served_model(folder)


def test_where_pytorch_sees_a_cuda_device_it_reads_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def engine(network: ChestNetwork, **options: object) -> TorchEngine:
        asked.append(options)
        return TorchEngine(network)

    monkeypatch.setattr("cxr_core.model.torch_engine.TorchEngine", engine)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("cxr_core.model.engine._DRIVER_FILES", (str(folder),))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    load_served_model(folder, EngineSettings("auto", "bf16"))
    assert asked.pop() == {"device": "cuda", "bf16": True, "side": 224}
    for settings in (OPENVINO, EngineSettings("torch")):
        load_served_model(folder, settings)
        assert "cuda" not in [options.get("device") for options in asked]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert load_served_model(folder, EngineSettings()).engine.name.startswith("OpenVINO ")


def test_a_cuda_device_that_cannot_read_leaves_it_to_the_cpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its memory is another program's, or it is too old for this build of PyTorch."""

    def full(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr("cxr_core.model.torch_engine._CudaForward", full)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("cxr_core.model.engine.sees_cuda", lambda: True)
    assert load_served_model(folder, EngineSettings()).engine.name.startswith("OpenVINO ")
    assert "CUDA out of memory" in caplog.text
    with pytest.raises(EngineError, match="cannot read with this network: CUDA out of memory"):
        load_served_model(folder, EngineSettings("cuda"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_cuda_device_cuda_is_refused(folder: Path) -> None:
    with pytest.raises(EngineError, match="sees no CUDA device"):
        load_served_model(folder, EngineSettings("cuda"))


def test_where_openvino_is_not_installed_pytorch_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert load_served_model(folder, EngineSettings()).engine.name.startswith("torch ")
    with pytest.raises(EngineError, match=r"OpenVINO is not installed: pip install openvino\."):
        load_served_model(folder, OPENVINO)


def test_an_openvino_that_cannot_be_loaded_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError("libtbb.so.12: cannot open shared object file")

    monkeypatch.setattr("cxr_core.model.openvino_engine._openvino", broken)
    with pytest.raises(EngineError, match=r"OpenVINO cannot be loaded: .* CXR_ENGINE to torch\."):
        load_served_model(folder, EngineSettings())


def test_a_network_that_the_graph_does_not_know_is_read_by_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    from cxr_core.model.architectures import build_model

    network = build_model("timm/resnet18").eval()
    save_checkpoint(tmp_path, network, make_metadata(architecture="timm/resnet18"))
    served = load_served_model(tmp_path, EngineSettings())
    films = images(1, 64)
    with torch.inference_mode():
        expected = network(torch.from_numpy(films)).numpy()
    np.testing.assert_allclose(served.logits(films), expected, atol=1e-4)
    with pytest.raises(EngineError, match="does not know this network: timm/resnet18"):
        load_served_model(tmp_path, OPENVINO)


# OpenVINO's ReLU makes 0 of a NaN: what overflows would be numbers, and mean nothing.


def grown(name: str, factor: float) -> ChestNetwork:
    network = lively_network()
    with torch.no_grad():
        network.features.get_parameter(name).mul_(factor)
    return network


@pytest.mark.parametrize(
    ("name", "factor"),
    [("conv0.weight", 1e30), ("denseblock3.denselayer5.norm2.weight", 1e30), ("norm5.bias", 1e9)],
)
def test_weights_beyond_the_bounds_are_left_to_pytorch(
    tmp_path: Path, name: str, factor: float
) -> None:
    save_checkpoint(tmp_path, grown(name, factor), make_metadata())
    with pytest.raises(EngineError, match="too large, or no numbers"):
        load_served_model(tmp_path, OPENVINO)
    assert load_served_model(tmp_path, EngineSettings()).engine.name.startswith("torch ")


def test_values_that_grow_beyond_the_bounds_are_refused_at_each_film(tmp_path: Path) -> None:
    network = lively_network()
    with torch.no_grad():
        for layer in range(1, 7):  # each constant is small, but what they make is not
            for part in ("norm1.weight", "norm2.weight"):
                network.features.get_parameter(f"denseblock1.denselayer{layer}.{part}").mul_(500)
    save_checkpoint(tmp_path, network, make_metadata())
    served = load_served_model(tmp_path, OPENVINO)
    with pytest.raises(CheckpointError, match="did not answer with numbers: 2 of 2 films"):
        served.engine.features(images(2))


@pytest.mark.parametrize("value", [np.nan, np.inf, 2 * MAX_INPUT])
def test_images_that_are_none_are_refused(openvino: ServedModel, value: float) -> None:
    film = images(1)
    film[0, 1, 5, 7] = value
    with pytest.raises(CheckpointError, match="did not answer with numbers"):
        openvino.engine.features(film)


def test_a_reading_process_takes_neither_pytorch_nor_telemetry(
    folder: Path, strace: str, tmp_path: Path
) -> None:
    """With CI unset, where OpenVINO's telemetry would be on."""
    program = f"""
import sys
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer
analyzer = load_analyzer({str(folder)!r})
film = phantom_png(0, size=256)
analyzer.probe(film, analyzer.analyze(film))
heavy = ("torch", "pandas", "sklearn", "cv2", "matplotlib", "openvino_telemetry")
print([name for name in heavy if sys.modules.get(name) is not None])
"""
    calls, home = tmp_path / "calls.txt", tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["CUDA_VISIBLE_DEVICES"] = ""  # where there is a card, PyTorch reads
    done = subprocess.run(
        [*trace_command(strace, calls), sys.executable, "-B", "-c", program],
        env=environment | {"HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    made = calls.read_text(errors="replace").splitlines()
    assert any("libopenvino" in call for call in made)  # the trace is of what it should be of
    assert not any("openvino_telemetry/" in call for call in made)
    assert strangers(made) == []
    assert written(made, tmp_path / "nowhere") == []
    assert list(home.rglob("*")) == []
