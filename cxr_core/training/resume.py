"""``resume.pt``: the state of an unfinished run, tied to its configuration and data."""

import pickle
from pathlib import Path
from typing import Any

import torch

from cxr_core.atomic import replacing
from cxr_core.errors import TrainingError

RESUME_FILE = "resume.pt"


def save_state(path: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write ``state`` so that it can be continued only by a run with the same ``identity``."""
    try:
        with replacing(path) as temporary:
            torch.save({"identity": identity, "state": state}, temporary)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"The state of the run could not be saved ({error})",
            value=path,
            remedy="Free some space or fix the folder, then go on with --resume from the last "
            "epoch that was saved.",
        ) from error


def load_state(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The saved state, or None when there is none yet.

    Raises:
        TrainingError: damaged, or saved by a run of another configuration or other data.
    """
    if not path.is_file():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found, state = saved["identity"], saved["state"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise TrainingError(
            "The saved state of the run cannot be read",
            value=path,
            remedy="Remove it and train anew, without --resume.",
        ) from error
    changed = [
        f"{key} was {found.get(key)!r} and is {identity.get(key)!r}"
        for key in sorted(set(found) | set(identity))
        if found.get(key) != identity.get(key)
    ]
    if changed:
        raise TrainingError(
            f"The run in {path.parent} was started with other settings or data, so it cannot be "
            "continued",
            value="; ".join(changed),
            remedy="Give the same settings and data, or another --out.",
        )
    return dict(state)
