"""The models that a site has approved, by their hashes: no other reads a film.

The hashes inside a model folder tell an accident: a lost byte, a file of another folder, an edited
cut-off. Whoever makes a folder anew makes its hashes anew, too. Only a hash that is kept elsewhere
tells that this is still the model that was approved.
"""

import os
import re
from pathlib import Path

from cxr_core.errors import CheckpointError, ConfigError

APPROVED_ENV_VAR = "CXR_MODEL_SHA256"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def approved_models() -> tuple[str, ...]:
    """The hashes in ``CXR_MODEL_SHA256``, separated by commas; none where it is not set.

    Raises:
        ConfigError: one of them is no SHA-256, so that nothing could be held to it.
    """
    stated = os.environ.get(APPROVED_ENV_VAR, "")
    hashes = tuple(one.strip().lower() for one in stated.split(",") if one.strip())
    for one in hashes:
        if not _SHA256.fullmatch(one):
            raise ConfigError(
                f"{APPROVED_ENV_VAR} holds something else than the SHA-256 of a model",
                value=one[:80],
                remedy="Give the 64 hexadecimal digits of model_sha256 in model.json, several "
                "separated by commas.",
            )
    if stated.strip() and not hashes:
        raise ConfigError(
            f"{APPROVED_ENV_VAR} names no model",
            value=repr(stated[:80]),
            remedy="Give the model_sha256 of model.json, or do not set it.",
        )
    return hashes


def require_approved(model_sha256: str, folder: Path) -> None:
    """Refuse a model that the site has not approved; without a list every model may be used.

    Raises:
        CheckpointError: it names both hashes.
        ConfigError: the list cannot be read.
    """
    approved = approved_models()
    if approved and model_sha256 not in approved:
        raise CheckpointError(
            f"The model in {folder} is not the one that was approved here",
            value=f"SHA-256 {model_sha256}, approved {', '.join(approved)}",
            remedy=f"Use the approved model, or have this one approved and add its hash to "
            f"{APPROVED_ENV_VAR}.",
        )
