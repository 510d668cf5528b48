"""The model card of the loaded folder, as text for the page."""

import re
from pathlib import Path

from cxr_core.errors import CheckpointError

CARD_FILE = "MODEL_CARD.md"
_TITLE = re.compile(r"\A\s*# [^\n]*\n+")


def read_card(folder: Path) -> str:
    """``MODEL_CARD.md`` without its title, as the page has its own.

    Raises:
        CheckpointError: the folder has no readable card.
    """
    path = folder / CARD_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            "There is no readable model card in this folder",
            value=path,
            remedy="Write it again with train.py --finish.",
        ) from error
    return _TITLE.sub("", text)
