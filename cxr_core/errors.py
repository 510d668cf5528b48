"""Errors that tell a user what was wrong, the value, and what to do."""


class CXRError(Exception):
    """Base of every error that a user may meet.

    Args:
        problem: what was wrong, as the opening of a sentence, without a full stop.
        value: the offending value, as the user would recognise it.
        remedy: what to do about it, a whole sentence.

    ``str(error)`` is "problem: value. remedy", fit for a page or a terminal.
    """

    def __init__(self, problem: str, *, value: object, remedy: str) -> None:
        super().__init__(problem, value, remedy)
        self.problem = problem
        self.value = value
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.value}. {self.remedy}"


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


class TrainingError(CXRError):
    """A training run that cannot start or go on."""


class TrainingStoppedError(TrainingError):
    """A training run that ended on request, with its state saved."""


class ExportError(CXRError):
    """A result that cannot be written in the form that was asked for."""


class AccessError(CXRError):
    """Somebody who is not signed in, or who may not do this."""


class AuditError(CXRError):
    """An audit log that cannot be written or read; nothing is done that it would not hold."""
