"""TensorBoard and MLflow are told of the epochs; stood in for by modules that take notes."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from cxr_core.errors import ConfigError
from cxr_core.training.logs import open_logs, require_logs

ROW = {"epoch": 3, "px": 64, "train_loss": 0.5, "auroc_mean": float("nan")}


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    module = ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


def test_tensorboard_gets_each_finite_number_of_the_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[object] = []

    class Writer:
        def __init__(self, log_dir: str) -> None:
            told.append(log_dir)

        def add_scalar(self, *what: object) -> None:
            told.append(what)

        def flush(self) -> None:
            told.append("flush")

        def close(self) -> None:
            told.append("close")

    _module(monkeypatch, "tensorboard")
    _module(monkeypatch, "torch.utils.tensorboard", SummaryWriter=Writer)
    with open_logs(["tensorboard"], tmp_path) as log:
        log(ROW)
    folder = str(tmp_path / "tensorboard")
    assert told == [folder, ("px", 64.0, 3), ("train_loss", 0.5, 3), "flush", "close"]


class Client:
    """An MLflow that remembers."""

    runs: ClassVar[list[Any]] = []
    told: ClassVar[list[object]] = []

    def __init__(self, tracking_uri: str) -> None:
        self.told.append(tracking_uri)

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id="7") if self.runs else None

    def create_experiment(self, name: str) -> str:
        return "7"

    def search_runs(self, experiments: list[str], max_results: int) -> list[Any]:
        return self.runs[:max_results]

    def create_run(self, experiment: str) -> Any:
        self.runs.append(SimpleNamespace(info=SimpleNamespace(run_id="r1")))
        return self.runs[-1]

    def log_metric(self, run: str, name: str, value: float, step: int) -> None:
        self.told.append((run, name, value, step))

    def set_terminated(self, run: str, status: str = "FINISHED") -> None:
        self.told.append(status)


def test_mlflow_keeps_one_run_in_the_run_folder_and_goes_on_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Client, "runs", [])
    monkeypatch.setattr(Client, "told", [])
    _module(monkeypatch, "mlflow", MlflowClient=Client)

    def stopped() -> None:
        with open_logs(["mlflow"], tmp_path) as log:
            log(ROW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with open_logs(["mlflow"], tmp_path) as log:
        log({**ROW, "epoch": 4})
    where = (tmp_path / "mlruns").as_uri()
    first = [("r1", "px", 64.0, 3), ("r1", "train_loss", 0.5, 3)]
    second = [("r1", "px", 64.0, 4), ("r1", "train_loss", 0.5, 4)]
    assert Client.told == [where, *first, "FAILED", where, *second, "FINISHED"]


def test_without_a_log_nothing_is_imported_or_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("tensorboard", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)  # an import of it fails
    with open_logs([], tmp_path) as log:
        log(ROW)
    assert not list(tmp_path.iterdir())
    for name in ("tensorboard", "mlflow"):
        with pytest.raises(
            ConfigError, match=rf'{name} needs a package.*\[{name}\]".*--log {name}'
        ):
            require_logs([name])
    with pytest.raises(ConfigError, match="There is no such log: wandb. Use tensorboard or mlflow"):
        require_logs(["wandb"])
