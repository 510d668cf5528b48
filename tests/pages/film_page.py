"""What a test reads off the Read page: the pictures inside its figure, and its words."""

import base64
import io
import json

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

READ = "pages/1_Read.py"


def pixels_of(film: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(film)).convert("L"))


def images_of(session: AppTest) -> list[dict]:
    """The figure's pictures: the film, and its map as a layer above it."""
    (chart,) = session.get("plotly_chart")
    return json.loads(chart.proto.spec)["layout"]["images"]


def decoded(image: dict) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image["source"].split(",")[1]))))


def shown_picture(session: AppTest) -> np.ndarray:
    """The film inside the page's figure, (H, W)."""
    return decoded(images_of(session)[0])


def shown_layer(session: AppTest) -> np.ndarray:
    """The map above it, (H, W, 4)."""
    return decoded(images_of(session)[-1])


def upload(session: AppTest, film: bytes, name: str = "film") -> AppTest:
    session.file_uploader[0].upload(name, film)
    return session.run()


def page_text(session: AppTest) -> str:
    return " ".join(element.proto.body for element in session.get("html"))
