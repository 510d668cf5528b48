"""The process that decodes films. It needs the decoders alone: neither PyTorch nor Streamlit is
imported."""

from functools import partial

from cxr_core.imaging.limits import film_cpu_seconds
from cxr_core.imaging.radiograph import decode_radiograph
from cxr_core.imaging.workers.message import film_message
from cxr_core.imaging.workers.serve import Message, serve


def main(cpu_seconds: int, memory_bytes: int) -> None:
    """Decode what comes; as ``serve``."""
    serve(partial(film_cpu_seconds, most=cpu_seconds), memory_bytes, _film)


def _film(data: bytes) -> Message:
    header, arrays = film_message(decode_radiograph(data))
    return {"kind": "film", "film": header}, arrays
