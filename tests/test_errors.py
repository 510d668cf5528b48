import pickle
from pathlib import Path

import pytest

from cxr_core import errors
from cxr_core.errors import CXRError, DataError, PatientLeakError
from cxr_core.imaging.workers.worker import DecodingStoppedError


def test_an_error_reads_as_cause_value_and_remedy() -> None:
    error = CXRError("The file is empty", value="film.png, 0 bytes", remedy="Export it again.")
    assert str(error) == "The file is empty: film.png, 0 bytes. Export it again."
    assert (error.problem, error.value, error.remedy) == (
        "The file is empty",
        "film.png, 0 bytes",
        "Export it again.",
    )


@pytest.mark.parametrize(
    "name",
    [
        "ImageError",
        "DataError",
        "PatientLeakError",
        "CalibrationError",
        "ConfigError",
        "WeightsError",
        "CheckpointError",
        "EngineError",
        "TrainingError",
        "BudgetError",
        "AccessError",
        "AuditError",
    ],
)
def test_every_error_of_the_family_is_a_cxr_error(name: str) -> None:
    error = getattr(errors, name)("Cause", value=3, remedy="Remedy.")
    assert isinstance(error, CXRError)
    assert str(error) == "Cause: 3. Remedy."
    elsewhere = pickle.loads(pickle.dumps(error))  # as another process gets it
    assert type(elsewhere) is type(error)
    assert str(elsewhere) == str(error)


def test_what_an_error_of_the_family_has_besides_goes_to_another_process_too() -> None:
    error = DecodingStoppedError("memory", "Too large", value=Path("a"), remedy="Remedy.")
    elsewhere = pickle.loads(pickle.dumps(error))
    assert (elsewhere.cause, elsewhere.value) == ("memory", "a")


def test_a_patient_leak_is_caught_with_the_other_data_errors() -> None:
    with pytest.raises(DataError):
        raise PatientLeakError("Cause", value="patient 7", remedy="Remedy.")


def test_value_and_remedy_must_be_named() -> None:
    with pytest.raises(TypeError):
        CXRError("Cause", "value", "remedy")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        CXRError("Cause")  # type: ignore[call-arg]


def test_a_value_that_is_not_text_is_kept_as_it_is() -> None:
    size = (1, 1)
    error = CXRError("Too small", value=size, remedy="Use the original.")
    assert error.value is size
    assert str(error) == "Too small: (1, 1). Use the original."
