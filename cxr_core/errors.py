"""Errors that tell a user what was wrong, the value, and what to do."""

import re

_MAX_VALUE = 1000  # characters of a value that are shown; a file's may be of any length
# Controls, line ends and marks that turn text round would break the line, or move a terminal's.
_NOT_FOR_A_LINE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


class CXRError(Exception):
    """Base of every error that a user may meet.

    Args:
        problem: what was wrong, as the opening of a sentence, without a full stop.
        value: the offending value, as the user would recognise it.
        remedy: what to do about it, a whole sentence.

    ``str(error)`` is "problem: value. remedy", one line that is fit for a page or a terminal,
    whatever stands in the value.
    """

    def __init__(self, problem: str, *, value: object, remedy: str) -> None:
        super().__init__(problem, value, remedy)
        self.problem = problem
        self.value = value
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        # For another process. The usual way gives what stands in `args` by position.
        return _rebuilt, (type(self), self.problem, str(self.value), self.remedy), {
            name: value for name, value in vars(self).items() if name != "value"
        }  # fmt: skip

    def __str__(self) -> str:
        try:
            value = str(self.value)
        except ValueError:  # a number of more digits than Python turns into text
            value = "a number of thousands of digits"
        if len(value) > _MAX_VALUE:
            value = f"{value[: _MAX_VALUE - 1]}…"
        return one_line(f"{self.problem}: {value}. {self.remedy}")


def _rebuilt(kind: type[CXRError], problem: str, value: str, remedy: str) -> CXRError:
    error = kind.__new__(kind)
    CXRError.__init__(error, problem, value=value, remedy=remedy)
    return error


def one_line(text: str) -> str:
    """Foreign text on one line, without what a page or a terminal cannot show."""
    return _NOT_FOR_A_LINE.sub(" ", text)


class ImageError(CXRError):
    """A file that cannot be read as one frontal radiograph."""


class DataError(CXRError):
    """A table, list or image folder that cannot be used for training or evaluation."""


class PatientLeakError(DataError):
    """A patient whose films stand on more than one side of a split."""


class CalibrationError(DataError):
    """Logits to which no calibration can be fitted that keeps their ranking."""


class ConfigError(CXRError):
    """A setting or a combination of settings that cannot work."""


class WeightsError(CXRError):
    """Pre-trained weights that are missing or do not fit the network."""


class CheckpointError(CXRError):
    """A model folder that is incomplete, altered or made for something else."""


class EngineError(CXRError):
    """An engine that is not installed, cannot run a network, or is set to what it cannot do."""


class TrainingError(CXRError):
    """A training run that cannot start or go on."""


class TrainingStoppedError(TrainingError):
    """A training run that ended on request, with its state saved."""


class ExportError(CXRError):
    """A result that cannot be written in the form that was asked for."""


class BudgetError(CXRError):
    """More than a session or the server may hold, or may have waiting."""


class ArchiveError(CXRError):
    """An archive that cannot be reached, or does not do what is asked of it."""


class AccessError(CXRError):
    """Somebody who is not signed in, or who may not do this."""


class AuditError(CXRError):
    """An audit log that cannot be written or read; nothing is done that it would not hold."""
