"""The pages' files, and what a test reads off a session: its film, its map and its words."""

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.helpers.packed_films import model_picture, unpack

HOME = "app.py"
READ, WORKLIST = "pages/1_Read.py", "pages/2_Worklist.py"
PERFORMANCE, MODEL_CARD = "pages/3_Performance.py", "pages/4_Model_card.py"


def pixels_of(film: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(film)).convert("L"))


def view_of(session: AppTest, slot: str = "film") -> Any:
    """All that the browser is told of a film on the page; None where there is none there."""
    told = [mount.proto.json for mount in session.get("bidi_component")]
    views = [view for view in map(json.loads, filter(None, told)) if view.get("slot") == slot]
    return views[0] if views else None


def place_of(session: AppTest, slot: str = "film") -> tuple[int, ...]:
    """Where on the page the film's view is; in another place the browser would build it anew."""

    def search(node: Any, place: tuple[int, ...]) -> tuple[int, ...] | None:
        if getattr(node, "type", "") == "bidi_component" and node.proto.json:
            return place if json.loads(node.proto.json).get("slot") == slot else None
        inside = getattr(node, "children", {}).items()
        found = (search(child, (*place, number)) for number, child in inside)
        return next(filter(None, found), None)

    found = search(session.main, ())
    assert found is not None
    return found


def packed_film(session: AppTest) -> bytes:
    """The film's values as they travel to the browser; they are those of the view beside them."""
    mounted = [mount.proto.bytes for mount in session.get("bidi_component")]
    (packed,) = filter(None, mounted)
    assert unpack(packed)[0]["key"] == view_of(session)["identity"]
    return packed


def decode_data_uri(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


def shown_picture(session: AppTest) -> np.ndarray:
    """The film that the viewer opens with, (H, W): as the model sees it."""
    return model_picture(packed_film(session))


def shown_layer(session: AppTest) -> np.ndarray:
    """The map above it, (H, W, 4)."""
    return decode_data_uri(view_of(session)["map"])


def upload_film(session: AppTest, film: bytes, name: str = "film") -> AppTest:
    session.file_uploader[0].upload(name, film)
    return session.run()


def page_text(session: AppTest) -> str:
    """All that a page says in its own markup, and in Markdown."""
    parts = [element.proto.body for element in session.get("html")]
    return " ".join(parts + [element.value for element in session.markdown])
