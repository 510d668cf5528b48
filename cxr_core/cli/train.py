"""Train a DenseNet121 for four findings on chest radiographs, from a label table and a folder.

    python train.py --entries Data_Entry_2017_v2020.csv --images images/ --out models/mine

Everything that is decided here is in ``cxr_core.training``; this file only reads the words.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from cxr_core.errors import CXRError, TrainingStoppedError
from cxr_core.evaluation.render.text import summary_text
from cxr_core.phantom.dataset import write_phantom_dataset
from cxr_core.training.config import Balance, Population, TrainConfig
from cxr_core.training.dataset import Sources
from cxr_core.training.distributed import Team, join_team
from cxr_core.training.presets import PRESETS, apply_settings, from_preset, read_settings
from cxr_core.training.run import Manner, run
from cxr_core.training.run_record import read_config
from cxr_core.training.seeds import SEEDS_FILE, run_seeds, spread_text

STILL_WHOLE = "What was saved before is whole; free some space or fix the disk, then --resume."


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as a namespace; exits with status 2 on words that do not fit."""
    parser = argparse.ArgumentParser(prog="train.py", description=__doc__.splitlines()[0])
    data = parser.add_argument_group("films")
    data.add_argument("--entries", type=Path, metavar="CSV", help="NIH's or Kaggle's label table")
    data.add_argument("--images", type=Path, metavar="DIR", help="folder with the films")
    data.add_argument("--phantom", type=int, metavar="N", help="draw N phantoms instead")
    data.add_argument("--cache", type=Path, metavar="DIR", help="decoded films (default .cache)")
    data.add_argument("--boxes", type=Path, metavar="CSV", help="NIH's BBox_List_2017.csv")
    split = parser.add_argument_group("split (default: 70/10/20 by patient, stratified)")
    split.add_argument("--split", type=Path, metavar="CSV", help="a table image, split")
    split.add_argument("--train-val-list", type=Path, metavar="F", help="NIH's official list")
    split.add_argument("--test-list", type=Path, metavar="F", help="NIH's official list")
    split.add_argument("--groups", type=Path, metavar="CSV", help="how each film was drawn")
    fit = parser.add_argument_group("training (default: as the preset says)")
    fit.add_argument("--preset", choices=sorted(PRESETS), help="seed; phantom with --phantom")
    fit.add_argument("--weights", help="imagenet, none, or the path of a weights file")
    fit.add_argument("--population", choices=get_args(Population))
    fit.add_argument("--balance", choices=get_args(Balance))
    fit.add_argument("--epochs", type=int)
    fit.add_argument("--px", type=int, help="side of the model's input (224)")
    fit.add_argument("--train-px", type=int, help="smaller side for all but the last epochs")
    fit.add_argument("--finish-epochs", type=int, help="epochs at the end at --px")
    fit.add_argument("--batch-size", type=int)
    fit.add_argument("--learning-rate", type=float)
    fit.add_argument("--seed", type=int)
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting, such as boxes=0.1 or augmentation.turn=5; may be repeated",
    )
    fit.add_argument("--seeds", type=int, metavar="N", help="train N models, report the spread")
    out = parser.add_argument_group("run")
    out.add_argument("--out", type=Path, metavar="RUN", required=True, help="the run folder")
    out.add_argument("--resume", action="store_true", help="continue where the run was left")
    out.add_argument("--finish", action="store_true", help="redo all that follows the fit")
    out.add_argument(
        "--hold-test", action="store_true", help="leave the test part unread until --finish"
    )
    out.add_argument("--save-minutes", type=float, default=5.0, help="between two saved states (5)")
    out.add_argument("--quiet", action="store_true", help="no progress bars")
    arguments = parser.parse_args(words)
    if (arguments.phantom is None) == (arguments.entries is None or arguments.images is None):
        parser.error("give --entries and --images, or --phantom N")
    return arguments


def make_config(arguments: argparse.Namespace) -> TrainConfig:
    """The preset with what was given; on ``--finish`` the run's own configuration."""
    if arguments.finish:
        return read_config(arguments.out)
    names = ("weights", "population", "balance", "epochs", "px", "train_px", "finish_epochs")
    more = ("batch_size", "learning_rate", "seed")
    given = {name: getattr(arguments, name) for name in (*names, *more)}
    usual = "seed" if arguments.phantom is None else "phantom"
    config = from_preset(arguments.preset or usual, **given)
    return apply_settings(config, read_settings(arguments.set))


def make_sources(arguments: argparse.Namespace, drawn: Path) -> Sources:
    """The user's files, or phantoms drawn into the folder ``drawn``."""
    entries, images, boxes = arguments.entries, arguments.images, arguments.boxes
    if arguments.phantom is not None:
        dataset = write_phantom_dataset(drawn, arguments.phantom)
        entries, images, boxes = dataset.entries, dataset.images, dataset.boxes
    default = drawn if arguments.phantom is not None else Path(".cache")
    return Sources(
        entries=entries,
        images=images,
        cache=arguments.cache or default,
        split=arguments.split,
        train_val_list=arguments.train_val_list,
        test_list=arguments.test_list,
        groups=arguments.groups,
        boxes=boxes,
    )


def make_manner(arguments: argparse.Namespace) -> Manner:
    """How the run is carried out."""
    return Manner(
        resume=arguments.resume,
        finish_only=arguments.finish,
        hold_test=arguments.hold_test,
        seconds_a_save=60 * arguments.save_minutes,
        progress=not arguments.quiet,
    )


def train(arguments: argparse.Namespace, team: Team) -> str:
    """Do what was asked; returns what there is to say of it, in the process that leads."""
    config, manner = make_config(arguments), make_manner(arguments)
    with tempfile.TemporaryDirectory() as drawn:
        sources = make_sources(arguments, Path(drawn))
        if arguments.seeds is not None:
            count, folder = arguments.seeds, arguments.out
            rows = run_seeds(config, sources, folder, manner, count=count, team=team)
            return f"{spread_text(rows)}\n\nThe models and {SEEDS_FILE} are in {folder}."
        finished = run(config, sources, arguments.out, manner, team=team)
    if finished is None:
        return ""
    return (
        f"On the {finished.part} part:\n{summary_text(finished.report)}\n\n"
        f"The model and its tables are in {arguments.out}."
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run; returns the exit status: 0 done, 1 refused or failed, 130 stopped on request."""
    arguments = parse_arguments(words)
    with join_team() as team:
        level = logging.INFO if team.leads else logging.WARNING
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
        try:
            said, status = train(arguments, team), 0
        except TrainingStoppedError as error:
            said, status = f"train.py: {error}", 130
        except CXRError as error:
            said, status = f"train.py: {error}", 1
        except OSError as error:
            remedy = (
                "What was saved before is whole; free some space or fix the disk, then --resume."
            )
            said, status = f"train.py: A file cannot be used: {error}. {remedy}", 1
        except KeyboardInterrupt:
            said = "\ntrain.py: stopped. Go on with the same command and --resume."
            status = 130
        # What ends one process ends all; only a fault can be one process's own.
        if said and (team.leads or status == 1):
            print(said, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
