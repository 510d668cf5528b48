"""What a reader may have done to a film before it is read: one value, in one spelling, in words.

Every order of steps comes down to the same few parts, so that two ways to the same film are one
correction: gray levels, crop, inversion, mirror, then quarter turns.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import ImageError
from cxr_core.wording import listed

Values = TypeVar("Values", bound=np.generic)
_WINDOW_KEY = re.compile(r"(window|table)_(\d{1,2})")
_CROP_KEY = re.compile(r"crop_(\d{1,5})_(\d{1,5})_(\d{1,5})_(\d{1,5})")
# Counter-clockwise.
QUARTER_TURNS: dict[str, int] = {"rotate_ccw": 1, "rotate_cw": 3, "rotate_180": 2}
_TURN_NAMES = {quarters: name for name, quarters in QUARTER_TURNS.items()}
INVERT, MIRROR = "invert", "mirror"
# The gray levels anew, from the pixels alone; else the key of a window that the file offers.
GRAY_LEVELS = "gray_levels"
JOIN = "+"  # between the parts of a correction's key
_SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class CorrectionWords:
    """A correction in words, from which every sentence about it is made.

    Attributes:
        action: what to do, e.g. "Invert".
        done: what was done, e.g. "inverted".
        doing: what would be done, e.g. "Inverting it".
    """

    action: str
    done: str
    doing: str


# The steps that fit every film, by their keys.
CORRECTIONS: dict[str, CorrectionWords] = (
    {INVERT: CorrectionWords("Invert", "inverted", "Inverting it")}
    | {
        name: CorrectionWords(f"Rotate {turn}", f"rotated {turn}", f"Rotating it {turn}")
        for name, turn in (
            ("rotate_ccw", "90° counter-clockwise"),
            ("rotate_cw", "90° clockwise"),
            ("rotate_180", "by 180°"),
        )
    }
    | {
        MIRROR: CorrectionWords("Mirror", "mirrored", "Mirroring it"),
        GRAY_LEVELS: CorrectionWords(
            "Derive the gray levels from the pixels",
            "stretched to its own gray range",
            "Deriving its gray levels from the pixels",
        ),
    }
)


@dataclass(frozen=True)
class Crop:
    """How many pixels are cut off each side of a film."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any(self._sides)

    @property
    def _sides(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    @property
    def key(self) -> str:
        """As part of a correction's key, e.g. "crop_60_0_60_0"."""
        return "_".join(("crop", *map(str, self._sides)))

    @property
    def sides(self) -> str:
        """E.g. "60 px left and 60 px right"."""
        return listed(
            [f"{n} px {side}" for side, n in zip(_SIDES, self._sides, strict=True) if n] or ["0 px"]
        )

    @property
    def words(self) -> CorrectionWords:
        """The crop as a correction in words."""
        return CorrectionWords(
            f"Crop the bars ({self.sides})",
            f"cropped by its bars ({self.sides})",
            f"Cropping its bars ({self.sides})",
        )

    def added(self, other: "Crop") -> "Crop":
        """This crop, and then another one of what it left."""
        return Crop(*(a + b for a, b in zip(self._sides, other._sides, strict=True)))

    def turned(self, quarters: int) -> "Crop":
        """The same cut of the film after so many quarter turns counter-clockwise."""
        sides = self._sides  # a turn brings the right side to the top, the top to the left, ...
        return Crop(*(sides[(side + quarters) % 4] for side in range(4)))

    def mirrored(self) -> "Crop":
        """The same cut of the film's mirror image."""
        return replace(self, left=self.right, right=self.left)

    def apply(self, values: NDArray[Values]) -> NDArray[Values]:
        """The film (H, W) without these sides."""
        height, width = values.shape
        return values[self.top : height - self.bottom, self.left : width - self.right]


@dataclass(frozen=True)
class Correction:
    """What is done to a film, in this order; nothing by default.

    Attributes:
        gray: ``GRAY_LEVELS``, or the key of one of the file's windows and tables; "" for the gray
            levels as they were taken.
        crop: cut off the film as it came, before it is mirrored or turned.
        inverted: black for white.
        mirrored: left for right.
        quarters: turns by 90° counter-clockwise, 0 to 3.
    """

    gray: str = ""
    crop: Crop = Crop()
    inverted: bool = False
    mirrored: bool = False
    quarters: int = 0

    @classmethod
    def parse(cls, correction: "str | Correction | None") -> "Correction":
        """A correction from its key or from steps joined by ``+``, each done to what the last one
        left: "invert+rotate_cw". None and "" are no correction.

        Raises:
            ImageError: there is no such step.
        """
        if isinstance(correction, Correction):
            return correction
        done = cls()
        for step in correction.split(JOIN) if correction else ():
            done = done.then(cls._step(step.strip()))
        return done

    @classmethod
    def _step(cls, step: str) -> "Correction":
        if step == INVERT:
            return cls(inverted=True)
        if step == MIRROR:
            return cls(mirrored=True)
        if step in QUARTER_TURNS:
            return cls(quarters=QUARTER_TURNS[step])
        if step == GRAY_LEVELS or _WINDOW_KEY.fullmatch(step):
            return cls(gray=step)
        if found := _CROP_KEY.fullmatch(step):
            return cls(crop=Crop(*map(int, found.groups())))
        raise no_correction_error(step, tuple(CORRECTIONS))

    def then(self, step: "Correction") -> "Correction":
        """This correction, and then another one of the film that it left."""
        back = step.crop.turned(-self.quarters)
        if self.mirrored:
            back = back.mirrored()
        # A mirror undoes the turn before it: mirrored after one turn left is one turn right after
        # the mirror.
        quarters = -self.quarters if step.mirrored else self.quarters
        return replace(
            self,
            gray=step.gray or self.gray,
            crop=self.crop.added(back),
            inverted=self.inverted != step.inverted,
            mirrored=self.mirrored != step.mirrored,
            quarters=(quarters + step.quarters) % 4,
        )

    def __bool__(self) -> bool:
        return self != Correction()

    @property
    def moves(self) -> bool:
        """Whether it mirrors or turns the film: what its file says of sides no longer holds."""
        return self.mirrored or self.quarters > 0

    @property
    def _parts(self) -> dict[str, CorrectionWords]:
        """Each part's key and words, in the order in which they are done."""
        keys = [self.gray] if self.gray else []
        keys += [self.crop.key] if self.crop else []
        keys += [INVERT] * self.inverted + [MIRROR] * self.mirrored
        keys += [_TURN_NAMES[self.quarters]] if self.quarters else []
        return {key: self._words_of(key) for key in keys}

    def _words_of(self, key: str) -> CorrectionWords:
        if key in CORRECTIONS:
            return CORRECTIONS[key]
        if key == self.crop.key:
            return self.crop.words
        name = f"the file's {key.replace('_', ' ')}"
        return CorrectionWords(f"Use {name}", f"windowed by {name}", f"Using {name}")

    @property
    def key(self) -> str:
        """The one spelling of this correction, e.g. "invert+rotate_cw"; "" for none."""
        return JOIN.join(self._parts)

    @property
    def words(self) -> CorrectionWords:
        """All of it in words, e.g. "inverted and rotated 90° clockwise".

        Raises:
            ImageError: it is none.
        """
        parts = list(self._parts.values())
        if not parts:
            raise no_correction_error("none", tuple(CORRECTIONS))
        return CorrectionWords(
            _sentence([part.action for part in parts]),
            listed([part.done for part in parts]),
            _sentence([part.doing for part in parts]),
        )

    def move(self, values: NDArray[Any]) -> NDArray[Any]:
        """The film (H, W) cropped, mirrored and turned; its values are left as they are."""
        moved = self.crop.apply(values)
        if self.mirrored:
            moved = moved[:, ::-1]
        return np.ascontiguousarray(np.rot90(moved, self.quarters))


def _sentence(parts: Sequence[str]) -> str:
    """Parts that each begin with a capital, as one: "Invert and rotate 90° clockwise"."""
    first, *rest = parts
    return listed([first, *(part[0].lower() + part[1:] for part in rest)])


def correction_key(correction: str | Correction | None) -> str | None:
    """The one spelling of a correction; None for none.

    Raises:
        ImageError: there is no such correction.
    """
    return Correction.parse(correction).key or None


def with_step(correction: str | None, step: str) -> str | None:
    """The key of a correction after which one thing more is done to the film; None for none.

    Raises:
        ImageError: there is no such correction.
    """
    return Correction.parse(correction).then(Correction.parse(step)).key or None


def correction_words(correction: str) -> CorrectionWords:
    """A correction in words, from its key.

    Raises:
        ImageError: there is no such correction, or it is none.
    """
    return Correction.parse(correction).words


def no_correction_error(correction: str, known: Sequence[str]) -> ImageError:
    """That there is no such correction, and which there are."""
    return ImageError(
        "There is no such correction",
        value=correction,
        remedy=f"Choose one of {', '.join(known)}, or several joined by {JOIN}.",
    )
