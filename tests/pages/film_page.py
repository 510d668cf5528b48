"""What a test reads off the Read page: the pictures of its film view, and its words."""

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

READ = "pages/1_Read.py"


def pixels_of(film: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(film)).convert("L"))


def view_of(session: AppTest) -> Any:
    """All that the browser is told of the film; None where there is none."""
    mounted = session.get("bidi_component")
    return json.loads(mounted[0].proto.json) if mounted else None


def decoded(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


def shown_picture(session: AppTest) -> np.ndarray:
    """The film on the page, (H, W)."""
    return decoded(view_of(session)["film"])


def shown_layer(session: AppTest) -> np.ndarray:
    """The map above it, (H, W, 4)."""
    return decoded(view_of(session)["map"])


def upload(session: AppTest, film: bytes, name: str = "film") -> AppTest:
    session.file_uploader[0].upload(name, film)
    return session.run()


def page_text(session: AppTest) -> str:
    return " ".join(element.proto.body for element in session.get("html"))
