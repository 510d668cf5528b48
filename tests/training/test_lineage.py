"""A run carries the films of all that its weights come from, and none of them may judge it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.errors import CheckpointError, PatientLeakError, WeightsError
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.model.metadata import load_metadata
from cxr_core.training.initial_weights import lineage_of, require_parents_kept_apart
from cxr_core.training.lineage import (
    Ancestor,
    FilmSet,
    Lineage,
    Parent,
    make_lineage,
    model_folder,
    read_lineage,
    record_test_use,
    require_no_leakage,
    write_lineage,
)
from cxr_core.training.presets import BASELINE
from tests.helpers.models import make_metadata, random_network


def films(**parts: str) -> pd.DataFrame:
    """Films by part: ``train="ab"`` is films a-1.png and b-1.png of patients a and b."""
    rows = [
        {"image": f"{patient}-1.png", "patient": patient, "split": part}
        for part, patients in parts.items()
        for patient in patients
    ]
    return pd.DataFrame(rows)


def write_model(folder: Path, lineage: Lineage | None, **provenance: object) -> Path:
    """A model folder of random weights; without a lineage, one of an earlier version."""
    told = {} if lineage is None else {"lineage": lineage.summary()}
    # The name of the folder in it, so that no two models have the same hash.
    metadata = make_metadata(provenance={**told, **provenance, "name": folder.name})
    save_checkpoint(folder, random_network(), metadata, half=True)
    if lineage is not None:
        write_lineage(folder, lineage)
    return folder


@pytest.fixture
def chain(tmp_path: Path) -> tuple[Path, Path]:
    """A learnt from a and b, was chosen on c; B came from A and learnt from d."""
    first = films(train="ab", validation="c", test="t")
    a = write_model(tmp_path / "A", make_lineage(first, []), config={"preset": "scratch"})
    second = films(train="d", validation="e", test="t")
    b = write_model(tmp_path / "B", make_lineage(second, [Parent(a, "initial weights")]))
    return a, b


def test_what_it_keeps_is_read_back_and_written_alike(
    chain: tuple[Path, Path], tmp_path: Path
) -> None:
    lineage = read_lineage(chain[1])
    write_lineage(tmp_path / "again", lineage)
    written = (tmp_path / "again" / "lineage.json").read_bytes()
    assert written == (chain[1] / "lineage.json").read_bytes()
    (ancestor,) = lineage.ancestors
    model_hash = load_metadata(chain[0]).model_sha256[:12]
    assert (ancestor.role, ancestor.preset) == ("initial weights", "scratch")
    assert ancestor.model_sha256 == model_hash
    assert ancestor.trained_on == FilmSet.of(films(train="ab"))
    assert ancestor.chose_on == FilmSet.of(films(validation="c"))
    assert lineage.trained_on == FilmSet.of(films(train="d"))
    # No patient's name stands in the file, only its SHA-256's beginning (of "a": ca978112...).
    document = json.loads(written)
    assert "ca978112ca1bbdca" in document["film_sets"][ancestor.trained_on.key]["patients"]
    assert b"a-1.png" not in written


@pytest.mark.parametrize("role", ["initial weights", "teacher"])
def test_a_grandparents_patient_in_the_test_is_refused_by_its_name(
    chain: tuple[Path, Path], role: str
) -> None:
    a, b = chain
    table = films(train="df", validation="g", test="ah")
    model_hash = load_metadata(a).model_sha256[:12]
    words = (
        rf"The {role} came from model {model_hash}, which learnt from patients in this run's "
        r"validation or test set: 1 films, such as a-1\.png"
    )
    with pytest.raises(PatientLeakError, match=words):
        require_no_leakage(Parent(b, role), table)  # type: ignore[arg-type]


def test_a_file_of_weights_in_a_model_folder_is_that_model(chain: tuple[Path, Path]) -> None:
    table = films(train="df", validation="g", test="ah")
    for named in (chain[1], chain[1] / "model.safetensors"):
        for config in (
            replace(BASELINE, weights=str(named)),
            replace(BASELINE, weights="none", teachers=(str(named),)),
        ):
            with pytest.raises(PatientLeakError, match=r"which learnt from .*a-1\.png"):
                require_parents_kept_apart(config, table)


def test_another_file_of_a_model_folder_does_not_pass_for_one_from_outside(
    chain: tuple[Path, Path], tmp_path: Path
) -> None:
    copied = shutil.copyfile(chain[0] / "model.safetensors", chain[0] / "weights.safetensors")
    with pytest.raises(WeightsError, match=r"but is not its weights.*weights\.safetensors"):
        model_folder(Path(copied))
    (tmp_path / "outside.pth").write_bytes(b"")
    assert model_folder(tmp_path / "outside.pth") is None


def test_a_film_of_a_seen_patient_counts_and_so_does_a_seen_film(
    chain: tuple[Path, Path],
) -> None:
    apart = films(train="f", validation="g", test="h")
    require_no_leakage(Parent(chain[1], "teacher"), apart)
    other_film = apart.assign(patient=["f", "g", "a"])
    with pytest.raises(PatientLeakError, match=r"such as h-1\.png"):
        require_no_leakage(Parent(chain[1], "teacher"), other_film)
    other_patient = apart.assign(image=["f-1.png", "b-1.png", "h-1.png"])
    with pytest.raises(PatientLeakError, match=r"such as b-1\.png"):
        require_no_leakage(Parent(chain[1], "teacher"), other_patient)


def test_films_that_chose_a_model_may_choose_again_but_not_judge(
    chain: tuple[Path, Path],
) -> None:
    require_no_leakage(Parent(chain[0], "teacher"), films(train="f", validation="c", test="h"))
    require_no_leakage(Parent(chain[0], "teacher"), films(train="c", validation="g", test="h"))
    words = "The teacher was chosen on patients in this run's test set: 1 films"
    with pytest.raises(PatientLeakError, match=words):
        require_no_leakage(Parent(chain[0], "teacher"), films(train="f", test="c"))


def test_teachers_and_their_ancestors_are_carried_on(
    chain: tuple[Path, Path], tmp_path: Path
) -> None:
    config = replace(BASELINE, weights="imagenet", teachers=(str(chain[1]),))
    lineage = lineage_of(config, films(train="f", validation="g", test="h"))
    hashes = [load_metadata(folder).model_sha256[:12] for folder in chain]
    found = [(one.role, one.source, one.depth) for one in lineage.ancestors]
    assert found == [
        ("initial weights", "imagenet", 1),
        ("teacher", f"model {hashes[1]}", 1),
        ("initial weights", f"model {hashes[0]}", 2),
    ]
    pupil = write_model(tmp_path / "C", lineage)
    with pytest.raises(PatientLeakError, match=rf"came from model {hashes[0]}, which learnt"):
        require_no_leakage(Parent(pupil, "initial weights"), films(train="f", test="b"))


def test_an_older_run_tells_its_own_films_and_of_its_start_the_name_alone(tmp_path: Path) -> None:
    old = write_model(tmp_path / "old", None, config={"weights": "model c27f19d17ca5"})
    films(train="ab", validation="c", test="t").to_csv(old / "split.csv", index=False)
    lineage = read_lineage(old)
    assert lineage.ancestors == (Ancestor("initial weights", "model c27f19d17ca5"),)
    assert lineage.summary()[0]["trained_on"] is None
    with pytest.raises(PatientLeakError, match=r"The initial weights learnt from.*--split"):
        require_no_leakage(Parent(old, "initial weights"), films(train="f", test="a"))
    (old / "split.csv").unlink()
    with pytest.raises(WeightsError, match="does not say which films it was trained on"):
        read_lineage(old)


def test_a_lineage_that_was_altered_or_taken_away_is_noticed(chain: tuple[Path, Path]) -> None:
    path = chain[1] / "lineage.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "ancestors": []}))
    with pytest.raises(CheckpointError, match="does not belong to the model beside it"):
        read_lineage(chain[1])
    key = document["ancestors"][0]["trained_on"]
    document["film_sets"][key]["patients"].pop()
    path.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=f"the set {key} has been altered"):
        read_lineage(chain[1])
    path.unlink()
    with pytest.raises(CheckpointError, match="ancestors learnt from is missing"):
        read_lineage(chain[1])


def test_reading_the_test_films_is_counted_over_the_generations(
    chain: tuple[Path, Path],
) -> None:
    a, _ = chain
    record_test_use(a, "a" * 64)
    assert len(record_test_use(a, "b" * 64).own_test_uses()) == 2
    same_test, other_test = films(train="d", test="t"), films(train="d", test="u")
    uses = make_lineage(same_test, [Parent(a, "teacher")]).own_test_uses()
    assert [use.model_sha256 for use in uses] == ["a" * 12, "b" * 12]
    assert make_lineage(other_test, [Parent(a, "teacher")]).own_test_uses() == []


def test_the_shipped_model_can_be_gone_on_from() -> None:
    shipped = Path(__file__).parents[2] / "models" / "default"
    lineage = read_lineage(shipped)
    assert len(lineage.trained_on.images) == 8245
    assert len(lineage.trained_on.patients) == 2966
