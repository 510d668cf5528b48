"""Reads a PDF back with two libraries that did not write it."""

import io
from typing import NamedTuple

import numpy as np
import pypdf
import pypdfium2


class PdfContent(NamedTuple):
    pages: int
    text: str  # words only, one space between them
    metadata: dict[str, str]
    gray: np.ndarray  # (H, W), the first page at 72 dpi: a pixel a point


def read_pdf(data: bytes) -> PdfContent:
    document = pypdf.PdfReader(io.BytesIO(data))
    text = " ".join(" ".join(page.extract_text() for page in document.pages).split())
    metadata = {key: str(value) for key, value in (document.metadata or {}).items()}
    rendered = pypdfium2.PdfDocument(data)
    try:
        gray = np.asarray(rendered[0].render(scale=1).to_pil().convert("L"))
    finally:
        rendered.close()
    return PdfContent(len(document.pages), text, metadata, gray)
