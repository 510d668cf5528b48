"""Several seeds of one run: one split, one table of their figures."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.errors import ConfigError
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.run import RunOptions
from cxr_core.training.seeds import run_seeds, spread_text
from tests.training.easy_films import CONFIG

SHORT = replace(CONFIG, epochs=1, full_res_epochs=1, seed=4)


def test_seeds_share_the_split_and_differ_in_their_weights(
    sources: DatasetPaths, tmp_path: Path
) -> None:
    rows = run_seeds(SHORT, sources, tmp_path, RunOptions(skip_test=True), n_seeds=2)
    assert rows["seed"].tolist() == [4, 5]
    first, second = tmp_path / "seed-4", tmp_path / "seed-5"
    columns = ["image", "split"]
    pd.testing.assert_frame_equal(
        pd.read_csv(first / "split.csv")[columns], pd.read_csv(second / "split.csv")[columns]
    )
    assert (first / "model.safetensors").read_bytes() != (second / "model.safetensors").read_bytes()
    stored = pd.read_csv(tmp_path / "seeds.csv")
    pd.testing.assert_frame_equal(stored, rows)
    history = pd.read_csv(second / "history.csv")
    assert stored["auroc_mean"][1] == history["auroc_mean"][0]
    assert not (first / "predictions_test.csv").exists()


def test_the_spread_in_words() -> None:
    areas = {"auroc_effusion": [0.7, 0.8], "auroc_mean": [0.6, 0.62]}
    rest = ("atelectasis", "infiltration", "no_finding", "abnormal_mean")
    others = {f"auroc_{name}": [0.5, 0.5] for name in rest}
    text = spread_text(pd.DataFrame({"seed": [0, 1], **areas, **others}))
    assert "of 2 seeds" in text
    assert "Effusion      0.750 ± 0.071 (0.700 to 0.800)" in text
    assert "Mean          0.610 ± 0.014 (0.600 to 0.620)" in text


def test_one_seed_has_no_spread(sources: DatasetPaths, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Several seeds means at least two: 1"):
        run_seeds(SHORT, sources, tmp_path, RunOptions(), n_seeds=1)
