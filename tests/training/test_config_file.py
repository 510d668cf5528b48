"""Settings from a TOML file: the names of ``TrainConfig``, and the command line wins."""

from pathlib import Path

import pytest

from cxr_core.cli import train
from cxr_core.errors import ConfigError
from cxr_core.training.config import TrainConfig
from cxr_core.training.config_file import read_config_file

CONTENT = """
preset = "scratch"
epochs = 7
learning_rate = 2
balance = "redraw"
teachers = ["runs/a", "runs/b"]

[augmentation]
rotation = 3
scale = [0.8, 1.2]
"""


def _config(folder: Path, content: str, words: str = "") -> TrainConfig:
    (folder / "my.toml").write_text(content)
    given = f"--phantom 4 --out r --config {folder / 'my.toml'} {words}"
    return train.make_config(train.parse_arguments(given.split()))


def test_the_file_is_the_configuration(tmp_path: Path) -> None:
    config = _config(tmp_path, CONTENT)
    assert (config.preset, config.epochs, config.balance) == ("scratch", 7, "redraw")
    assert config.learning_rate == 2.0
    assert config.teachers == ("runs/a", "runs/b")
    assert (config.augmentation.rotation, config.augmentation.scale) == (3.0, (0.8, 1.2))
    assert config.augmentation.flip == 0.5  # the preset's


def test_the_command_line_wins(tmp_path: Path) -> None:
    words = "--preset baseline --epochs 3 --set augmentation.rotation=1 --set balance=none"
    config = _config(tmp_path, CONTENT, words + " --teacher runs/c")
    assert (config.preset, config.epochs, config.balance) == ("baseline", 3, "none")
    assert (config.augmentation.rotation, config.augmentation.scale) == (1.0, (0.8, 1.2))
    assert config.teachers == ("runs/c",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("epochs = ", r"is not TOML .*my\.toml"),
        ("epoch = 3", r"There is no such setting: epoch=3"),
        ("epochs = 2.5", r"epochs must be a whole number: 2\.5"),
        ("epochs = true", r"The setting epochs has a value of a kind that no setting has: True"),
        ("augmentation.scale = [1.0]", r"augmentation\.scale must be two numbers, low,high: 1\.0"),
        ('teachers = "runs/a"', r"teachers must be a list of run folders: runs/a"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "my.toml").write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_config_file(tmp_path / "my.toml")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: .*none\.toml \(No such file.*--config"):
        read_config_file(tmp_path / "none.toml")
