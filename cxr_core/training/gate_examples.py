"""What the input gate learns from: upright films, their wrong copies, and drawn non-films.

All are squares of 224 px. A picture that is no film is noise, a drawn page, scene or slice, or a
film cut up, enlarged or pasted on a page.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.imaging.gate import GATE_SIDE
from cxr_core.imaging.preprocessing import to_square

Square = NDArray[np.uint8]
Generator = np.random.Generator


def invalid_copies(film: Square, share: float = 0.5) -> dict[str, Square]:
    """A film (224, 224) as it should not come, by the gate's kinds.

    Args:
        share: how much of its side a part shows, 0 to 1.
    """
    part = round(GATE_SIDE * share)
    rest, edge = GATE_SIDE - part, (GATE_SIDE - part) // 2
    return {
        "inverted": 255 - film,
        "turned left": np.rot90(film, 1),
        "turned right": np.rot90(film, 3),
        "upside down": np.rot90(film, 2),
        "left part": to_square(film[:, :part], GATE_SIDE),
        "right part": to_square(film[:, rest:], GATE_SIDE),
        "lower part": to_square(film[rest:], GATE_SIDE),
        "upper part": to_square(film[:part], GATE_SIDE),
        "enlarged part": to_square(film[edge : edge + part, edge : edge + part], GATE_SIDE),
    }


def jitter(film: Square, rng: Generator) -> Square:
    """A film as another machine, technician or hospital could have made it, or a mirrored one.

    Mirrored films pass, which nothing in the pixels forbids (dextrocardia); in return twice as
    many builds of chest are learnt.
    """
    film = film[:, ::-1] if rng.random() < 0.5 else film
    film = _as_a_childs(film, rng) if rng.random() < 0.2 else film
    scale, angle = rng.uniform(0.85, 1.08), np.deg2rad(rng.uniform(-10, 10))
    right, down = rng.uniform(-0.08, 0.08, 2) * GATE_SIDE
    cos, sin, middle = np.cos(angle) / scale, np.sin(angle) / scale, GATE_SIDE / 2
    moves = (
        *(cos, sin, middle - middle * (cos + sin) + right),
        *(-sin, cos, middle - middle * (cos - sin) + down),
    )
    moved = Image.fromarray(np.ascontiguousarray(film)).transform(
        (GATE_SIDE, GATE_SIDE), Image.Transform.AFFINE, moves, Image.Resampling.BILINEAR
    )
    exposed = _exposed(np.asarray(moved), rng)
    framing = rng.random()
    if framing < 0.15:
        return letterboxed(exposed, rng.uniform(0.03, 0.24), rng)
    return _collimated(exposed, rng) if framing < 0.4 else exposed


def _exposed(film: Square, rng: Generator) -> Square:
    """Another exposure; one in three as on old film: hard, faded, or with its ends burnt out."""
    if rng.random() < 0.3:
        return old_contrast(film, rng)
    gray = (film / 255.0) ** rng.uniform(0.7, 1.4) * rng.uniform(0.85, 1.15)
    return np.asarray(np.clip(gray, 0, 1) * 255).astype(np.uint8)


def old_contrast(film: Square, rng: Generator) -> Square:
    """A film (224, 224) with the curve of a film of the 1980s, or of its worn copy.

    The curve of film is an S: steep in the middle, flat at both ends. What has faded has few
    gray levels left.
    """
    gray = film / 255.0
    middle, steep = rng.uniform(0.35, 0.65), rng.uniform(1, 9)
    curve = 1 / (1 + np.exp(-steep * (gray - middle)))
    low, high = (1 / (1 + np.exp(-steep * (end - middle))) for end in (0, 1))
    gray = ((curve - low) / (high - low)) ** rng.uniform(0.5, 2)
    black = rng.uniform(0, 0.5)
    white = rng.uniform(black + 0.2, 1)
    return np.asarray((black + (white - black) * gray) * 255).astype(np.uint8)


def letterboxed(film: Square, share: float, rng: Generator) -> Square:
    """A film (224, 224) between two bars, as on a screen or a page of another shape.

    Args:
        share: the width of each bar, of the side.
    """
    bar = round(GATE_SIDE * share)
    framed = Image.new("L", (GATE_SIDE, GATE_SIDE), int(rng.choice([0, 0, 0, 255])))
    if rng.random() < 0.6:
        framed.paste(Image.fromarray(film).resize((GATE_SIDE - 2 * bar, GATE_SIDE)), (bar, 0))
    else:
        framed.paste(Image.fromarray(film).resize((GATE_SIDE, GATE_SIDE - 2 * bar)), (0, bar))
    return np.asarray(framed)


def _as_a_childs(film: Square, rng: Generator) -> Square:
    """A child's proportions: a narrow trunk before dark ground, more of neck and belly on it."""
    trunk = int(GATE_SIDE * rng.uniform(0.7, 1))
    neck, belly = (int(GATE_SIDE * share) for share in rng.uniform(0, (0.1, 0.15)))
    rows = max(1, GATE_SIDE // 16)
    chest = Image.fromarray(np.ascontiguousarray(film)).resize((trunk, GATE_SIDE - neck - belly))
    above = Image.fromarray(np.ascontiguousarray(film[:rows])).resize((trunk, max(1, neck)))
    below = Image.fromarray(np.ascontiguousarray(film[-rows:])).resize((trunk, max(1, belly)))
    framed = Image.new("L", (GATE_SIDE, GATE_SIDE), int(rng.integers(0, 40)))
    left = (GATE_SIDE - trunk) // 2
    framed.paste(above, (left, 0))
    framed.paste(below, (left, GATE_SIDE - below.height))
    framed.paste(chest, (left, neck))
    return np.asarray(framed)


def simulated_abdomen(film: Square, rng: Generator) -> Square:
    """What an abdominal film shows: at most the lungs' bases at its top, and trunk below them.

    The trunk is the film's own lowest part, drawn out; beside a narrow trunk the detector is dark.
    """
    bases = film[GATE_SIDE - int(GATE_SIDE * rng.uniform(0.1, 0.35)) :]
    trunk = bases[len(bases) // 2 :][::-1]
    share = rng.uniform(0.15, 0.5)  # of the height that the bases take
    top = Image.fromarray(bases).resize((GATE_SIDE, int(GATE_SIDE * share)))
    below = Image.fromarray(np.ascontiguousarray(trunk)).resize((GATE_SIDE, GATE_SIDE - top.height))
    whole = np.concatenate([np.asarray(top), np.asarray(below)])
    return _collimated(whole, rng) if rng.random() < 0.5 else whole


def _collimated(film: Square, rng: Generator) -> Square:
    """A small field on a large detector, as children are taken: the border is black or white."""
    left, top, right, bottom = (rng.uniform(0, 0.2, 4) * GATE_SIDE).astype(int).tolist()
    border = 255 if rng.random() < 0.5 else int(rng.integers(0, 40))
    framed = Image.new("L", (GATE_SIDE, GATE_SIDE), border)
    field = Image.fromarray(film).resize((GATE_SIDE - left - right, GATE_SIDE - top - bottom))
    framed.paste(field, (left, top))
    return np.asarray(framed)


def non_film(film: Square, rng: Generator) -> Square:
    """A picture that is no single upright film, made from nothing or from a film."""
    makers: tuple[Callable[[Square, Generator], Square], ...] = (
        _noise, _page, _scene, _photograph, _desktop, _jigsaw, _fragment, _screenshot, _askew,
    )  # fmt: skip
    return makers[rng.integers(len(makers))](film, rng)


def _noise(film: Square, rng: Generator) -> Square:
    """Noise whose spectrum falls as that of natural pictures does, from white to smooth."""
    frequencies = np.fft.fftfreq(64)
    radius = np.hypot(frequencies[:, None], frequencies[None]) + 1 / 64
    spectrum = np.fft.fft2(rng.normal(size=(64, 64))) / radius ** rng.uniform(0, 3)
    field = np.real(np.fft.ifft2(spectrum))
    gray = (field - field.min()) / (np.ptp(field) + 1e-9) * 255
    return to_square(gray.astype(np.uint8), GATE_SIDE)


def _page(film: Square, rng: Generator) -> Square:
    ground = int(rng.choice([rng.integers(0, 60), rng.integers(190, 256)]))
    page = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    left, top, right, bottom = rng.integers(0, 40, 4)
    _draw_text_lines(page, (left, top, GATE_SIDE - right, GATE_SIDE - bottom), 255 - ground, rng)
    return np.asarray(page)


def _draw_text_lines(
    page: Image.Image, box: tuple[float, float, float, float], ink: int, rng: Generator
) -> None:
    """Bars in place of words, line under line."""
    pen, height, y = ImageDraw.Draw(page), float(rng.uniform(1.5, 12)), box[1]
    while y + height < box[3]:
        x, end = box[0], box[0] + (box[2] - box[0]) * rng.uniform(0.3, 1)
        while x < end:
            width = rng.uniform(2, 5) * height * 0.6
            pen.rectangle((x, y, min(x + width, end), y + height / 2), fill=ink)
            x += width + height * 0.4
        y += height * rng.uniform(1.3, 2)


def _scene(film: Square, rng: Generator) -> Square:
    """Discs, boxes and triangles before a gradient."""
    down, across = (np.linspace(0, rng.uniform(-1, 1), GATE_SIDE) for _ in range(2))
    ground = (down[:, None] + across[None]) * 128 + 128 + rng.uniform(-80, 80)
    scene = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(scene)
    for _ in range(rng.integers(1, 16)):
        (x, y), (wide, high) = rng.integers(-20, 244, 2).tolist(), rng.integers(8, 90, 2).tolist()
        box, gray = (x - wide, y - high, x + wide, y + high), int(rng.integers(0, 256))
        shape = rng.integers(3)
        if shape == 0:
            pen.ellipse(box, fill=gray)
        elif shape == 1:
            pen.rectangle(box, fill=gray)
        else:
            pen.polygon([tuple(corner) for corner in rng.integers(0, GATE_SIDE, (3, 2))], fill=gray)
    return np.asarray(scene)


def _photograph(film: Square, rng: Generator) -> Square:
    """A scene with the grain and the shading of noise, as a photograph has."""
    share = rng.uniform(0.2, 0.8)
    mixed = share * _scene(film, rng).astype(float) + (1 - share) * _noise(film, rng)
    return mixed.astype(np.uint8)


def _desktop(film: Square, rng: Generator) -> Square:
    """A bar, and panels of nearly the ground's gray with lines of text."""
    ground = int(rng.choice([rng.integers(0, 70), rng.integers(180, 256)]))
    screen = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    pen, ink = ImageDraw.Draw(screen), 255 - ground
    pen.rectangle((0, 0, GATE_SIDE, int(rng.integers(4, 24))), fill=int(rng.integers(0, 256)))
    for _ in range(rng.integers(1, 5)):
        left, top, width, height = rng.uniform((0, 8, 30, 30), (150, 150, 130, 150)).tolist()
        panel = int(np.clip(ground + rng.integers(-30, 31), 0, 255))
        pen.rectangle((left, top, left + width, top + height), fill=panel, outline=ink)
        box = (left + 3, top + 3, left + width - 3, top + height - 3)
        _draw_text_lines(screen, box, ink, rng)
    return np.asarray(screen)


def _jigsaw(film: Square, rng: Generator) -> Square:
    """The film's tiles in another order."""
    n = int(rng.choice([2, 3, 4, 6, 8]))
    side = GATE_SIDE // n
    grid = film[: n * side, : n * side].reshape(n, side, n, side).swapaxes(1, 2)
    tiles = grid.reshape(n * n, side, side)
    order = rng.permutation(n * n)
    if (order == np.arange(n * n)).mean() > 0.3:  # hardly mixed
        order = np.roll(np.arange(n * n), 1)
    mixed = tiles[order].reshape(n, n, side, side).swapaxes(1, 2).reshape(n * side, n * side)
    return to_square(mixed, GATE_SIDE)


def _fragment(film: Square, rng: Generator) -> Square:
    """A small part, in any direction, sometimes inverted."""
    side = int(GATE_SIDE * rng.uniform(0.15, 0.42))
    top, left = rng.integers(0, GATE_SIDE - side, 2)
    part = np.rot90(film[top : top + side, left : left + side], int(rng.integers(4)))
    return to_square(255 - part if rng.random() < 0.4 else part, GATE_SIDE)


def _screenshot(film: Square, rng: Generator) -> Square:
    """A film small on a page or a desktop."""
    ground = int(rng.integers(0, 256))
    page = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    if rng.random() < 0.8:
        _draw_text_lines(page, (4, 4, GATE_SIDE - 4, GATE_SIDE - 4), 255 - ground, rng)
    width, height = (int(side) for side in rng.uniform(0.3, 0.65, 2) * GATE_SIDE)
    corner = (int(rng.integers(0, GATE_SIDE - width)), int(rng.integers(0, GATE_SIDE - height)))
    page.paste(Image.fromarray(film).resize((width, height)), corner)
    return np.asarray(page)


def _askew(film: Square, rng: Generator) -> Square:
    """Turned and inverted, far from upright, or two films side by side."""
    way = rng.integers(3)
    if way == 0:
        return np.rot90(255 - film, int(rng.integers(1, 4)))
    if way == 1:
        angle = float(rng.choice([-1, 1]) * rng.uniform(35, 145))
        ground = int(rng.choice([0, int(film.mean())]))
        return np.asarray(Image.fromarray(film).rotate(angle, fillcolor=ground))
    return to_square(np.concatenate([film, film[:, ::-1]], axis=1), GATE_SIDE)
