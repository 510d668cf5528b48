"""``models/default``: whole, unaltered, and reading real films as its tables say."""

import hashlib
import random
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.data.splits import check_patients_disjoint
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import KEYS
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.reading.analyzer import load_analyzer
from tests.helpers import DEFAULT_MODEL

# Of the split that all models of this project are compared on; it must never change.
FROZEN_FILMS = 2107
FROZEN_SHA256 = "268329f6db2c2136828bc5f941fc031d4c593fa3232bee564179897c0676e654"
LARGEST_DIFFERENCE = 0.02  # logits, between the stored tables and a film read from its file


@pytest.fixture(scope="module")
def split() -> pd.DataFrame:
    """All films of the model that ships: the frozen ones have a group, further ones none."""
    return pd.read_csv(DEFAULT_MODEL / "split.csv", dtype=str)


@pytest.fixture(scope="module")
def frozen(split: pd.DataFrame) -> pd.DataFrame:
    return split[split["group"].notna()]


def test_it_loads_and_serves_224_px() -> None:
    checkpoint = load_checkpoint(DEFAULT_MODEL)
    assert checkpoint.metadata.preprocessing.size == 224
    assert checkpoint.metadata.provenance["demonstration"] is True
    assert (DEFAULT_MODEL / "model.safetensors").stat().st_size < 15_000_000


def test_the_split_is_by_patient_and_its_first_films_never_move(
    split: pd.DataFrame, frozen: pd.DataFrame
) -> None:
    check_patients_disjoint(split)
    rows = sorted(zip(frozen["image"], frozen["split"], strict=True))
    text = "\n".join(f"{image},{part}" for image, part in rows)
    assert len(frozen) == FROZEN_FILMS
    assert hashlib.sha256(text.encode()).hexdigest() == FROZEN_SHA256
    further = split[split["group"].isna()]
    assert set(further["split"]) <= {"train", "validation_more"}


def test_a_fifth_of_the_frozen_films_is_for_test(frozen: pd.DataFrame) -> None:
    share = frozen["split"].value_counts(normalize=True)
    assert 0.18 <= share["test"] <= 0.22
    by_group = frozen.groupby("group")["split"].apply(lambda parts: (parts == "test").mean())
    assert by_group.drop("other").between(0.18, 0.22).all()


def test_the_tables_are_those_of_the_split(split: pd.DataFrame) -> None:
    for part, name in (("validation", "predictions_val.csv"), ("test", "predictions_test.csv")):
        table = read_predictions(DEFAULT_MODEL / name)
        assert set(table["image"]) == set(split.loc[split["split"] == part, "image"])


def test_the_card_states_what_the_tables_give() -> None:
    metadata = load_checkpoint(DEFAULT_MODEL).metadata
    report = evaluate_predictions(
        read_predictions(DEFAULT_MODEL / "predictions_test.csv"),
        operating_points=metadata.operating_points,
        calibration=metadata.calibration,
    )
    card = (DEFAULT_MODEL / "MODEL_CARD.md").read_text()
    assert metadata.model_sha256 in card
    for key in KEYS:
        assert report.auroc[key].text(3) in card
    assert not (DEFAULT_MODEL / "resume.pt").exists()


@pytest.mark.parametrize("n_films", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_analyze_gives_the_stored_logits_on_test_films(shared: Path, n_films: int) -> None:
    analyzer = load_analyzer(DEFAULT_MODEL)
    table = pd.read_csv(DEFAULT_MODEL / "predictions_test.csv")
    rows = random.Random(0).sample(table.to_dict("records"), n_films)
    for row in rows:
        data = (shared / "nih" / "images" / row["image"]).read_bytes()
        analysis = analyzer.analyze(data)
        for key in KEYS:
            stored = row[f"logit_{key}"]
            assert analysis.logits[key] == pytest.approx(stored, abs=LARGEST_DIFFERENCE)


def test_the_split_covers_every_shared_film(
    shared: Path, split: pd.DataFrame, frozen: pd.DataFrame
) -> None:
    films = pd.read_csv(shared / "nih" / "available_images.csv")
    assert set(frozen["image"]) == set(films["Image Index"])
    # Of the further films those are left out whose patients validate or test.
    further = set(pd.read_csv(shared / "nih" / "more_images.csv")["Image Index"])
    left_out = further - set(split["image"])
    held = set(frozen.loc[frozen["split"] != "train", "patient"])
    assert {image.split("_")[0].lstrip("0") for image in left_out} <= held
