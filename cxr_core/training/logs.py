"""The rows of ``history.csv`` as scalars of TensorBoard or MLflow, for those who watch runs there.

Only these numbers leave the run: no film, no patient, no path. Both write into the run folder.
"""

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cxr_core.errors import ConfigError

LogRow = Callable[[Mapping[str, float]], None]
TENSORBOARD_FOLDER, MLFLOW_FOLDER = "tensorboard", "mlruns"
_EXPERIMENT = "cxr-train"


def require_logs(names: Sequence[str]) -> None:
    """Raise ConfigError for a log that is not known or whose package is not installed."""
    for name in names:
        if name not in LOGS:
            raise ConfigError(
                "There is no such log", value=name, remedy=f"Use {' or '.join(LOGS)}."
            )
        _import(name, name)


@contextmanager
def open_logs(names: Sequence[str], folder: Path) -> Iterator[LogRow]:
    """What takes the row of an epoch, to be called after each.

    Args:
        names: of ``LOGS``; none for no log.
        folder: of the run.

    Raises:
        ConfigError: as ``require_logs``.
    """
    require_logs(names)
    with ExitStack() as stack:
        logs = [stack.enter_context(LOGS[name](folder)) for name in names]

        def write(row: Mapping[str, float]) -> None:
            scalars = {
                name: float(value)
                for name, value in row.items()
                if name != "epoch" and math.isfinite(value)
            }
            for log in logs:
                log(int(row["epoch"]), scalars)

        yield write


_Log = Callable[[int, Mapping[str, float]], None]


@contextmanager
def _tensorboard(folder: Path) -> Iterator[_Log]:
    module = _import("torch.utils.tensorboard", "tensorboard")
    writer = module.SummaryWriter(log_dir=str(folder / TENSORBOARD_FOLDER))

    def write(epoch: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    try:
        yield write
    finally:
        writer.close()


@contextmanager
def _mlflow(folder: Path) -> Iterator[_Log]:
    """One run in a store of files; a resumed training goes on with it."""
    module = _import("mlflow", "mlflow")
    client = module.MlflowClient(tracking_uri=(folder / MLFLOW_FOLDER).absolute().as_uri())
    experiment = client.get_experiment_by_name(_EXPERIMENT)
    known = experiment.experiment_id if experiment else client.create_experiment(_EXPERIMENT)
    earlier = client.search_runs([known], max_results=1)
    run_id = (earlier[0] if earlier else client.create_run(known)).info.run_id

    def write(epoch: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            client.log_metric(run_id, name, value, step=epoch)

    try:
        yield write
    except BaseException:
        client.set_terminated(run_id, status="FAILED")
        raise
    client.set_terminated(run_id)


LOGS = {"tensorboard": _tensorboard, "mlflow": _mlflow}


def _import(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"Logging to {package} needs a package that is not installed",
            value=str(error),
            remedy=f'Install it with pip install "chest-radiograph-reader[{package}]", or leave '
            f"--log {package} out.",
        ) from error
