"""Pictures that are no radiograph: scikit-image's own, crops of them, drawn pages and screens."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

# Those that come with the package; the others would be downloaded.
NAMES = (
    "astronaut", "brick", "camera", "cat", "cell", "clock", "coffee", "coins", "colorwheel",
    "grass", "gravel", "horse", "hubble_deep_field", "immunohistochemistry", "logo",
    "microaneurysms", "moon", "page", "retina", "rocket", "text",
)  # fmt: skip
CROPS = 4  # of each picture, 40 to 80 % of its side
DRAWN = 30  # pages, and as many screens
_WORDS = (
    "patient admitted with fever and cough since three days no prior films available for review "
    "blood count normal oxygen 94 % on air plan repeat in one week and discuss on the ward round"
)


def everyday_pictures(seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Kind and picture, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    for name in NAMES:
        whole = _as_rgb(getattr(data, name)())
        yield "photograph", whole
        height, width = whole.shape[:2]
        for _ in range(CROPS):
            share = rng.uniform(0.4, 0.8)
            high, wide = int(height * share), int(width * share)
            top, left = rng.integers(0, height - high + 1), rng.integers(0, width - wide + 1)
            crop = Image.fromarray(whole[top : top + high, left : left + wide])
            yield "crop of one", np.asarray(crop.resize((max(wide, 400), max(high, 400))))
    for _ in range(DRAWN):
        yield "drawn page", _page(rng)
        yield "drawn screen", _screen(rng)


def _as_rgb(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * 255
    image = Image.fromarray(picture).convert("RGB")
    scale = max(1.0, 400 / min(image.size))  # small ones would be stopped for their size alone
    return np.asarray(image.resize((round(image.width * scale), round(image.height * scale))))


def _text(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(_WORDS.split(), words))


def _page(rng: np.random.Generator) -> np.ndarray:
    """A letter: a heading, a table or paragraphs, real glyphs."""
    page = Image.new("RGB", (850, 1100), (255, 255, 255) if rng.random() < 0.8 else (238, 232, 220))
    pen, size = ImageDraw.Draw(page), int(rng.integers(14, 26))
    font, y = ImageFont.load_default(size), 60
    pen.text((60, y), _text(rng, 4).title(), font=ImageFont.load_default(size + 14), fill=(0, 0, 0))
    y += 70
    while y < 1000 * rng.uniform(0.6, 1):
        if rng.random() < 0.12:
            y += size * 2
        pen.text((60, y), _text(rng, int(rng.integers(4, 11))), font=font, fill=(20, 20, 20))
        y += int(size * 1.5)
    return np.asarray(page)


def _screen(rng: np.random.Generator) -> np.ndarray:
    """A desktop: a bar, windows with text, a list."""
    dark = rng.random() < 0.5
    ground, ink = ((28, 30, 34), (220, 220, 220)) if dark else ((235, 236, 240), (30, 30, 30))
    screen = Image.new("RGB", (1280, 800), ground)
    pen, font = ImageDraw.Draw(screen), ImageFont.load_default(16)
    pen.rectangle((0, 0, 1280, 36), fill=tuple(rng.integers(20, 200, 3).tolist()))
    for _ in range(rng.integers(1, 4)):
        left, top = int(rng.integers(0, 700)), int(rng.integers(50, 400))
        right, bottom = left + int(rng.integers(300, 560)), top + int(rng.integers(200, 380))
        panel = tuple((np.array(ground) + rng.integers(-16, 20)).clip(0, 255).tolist())
        pen.rectangle((left, top, right, bottom), fill=panel, outline=ink)
        for y in range(top + 12, bottom - 24, 24):
            pen.text((left + 12, y), _text(rng, int(rng.integers(2, 6))), font=font, fill=ink)
    return np.asarray(screen)
