"""Train a DenseNet121 for four findings on chest radiographs, from a label table and a folder.

    cxr-train --entries Data_Entry_2017_v2020.csv --images images/ --out models/mine

Everything that is decided here is in ``cxr_core.training``; this file only reads the words.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from cxr_core.errors import ConfigError, CXRError, TrainingStoppedError
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.phantom.dataset import write_phantom_dataset
from cxr_core.training.config import RENAMED_PRESETS, Balance, Population, TrainConfig
from cxr_core.training.config_file import read_config_file
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.distributed import Distributed, init_distributed
from cxr_core.training.dry_run import make_plan, plan_text
from cxr_core.training.finalize import RunResult
from cxr_core.training.logs import LOGS
from cxr_core.training.presets import PRESETS, apply_settings, from_preset, parse_settings
from cxr_core.training.recipe import RECIPES, run_recipe
from cxr_core.training.recipe_plan import make_recipe_plan, recipe_plan_text
from cxr_core.training.run import RunOptions, run
from cxr_core.training.run_paths import read_run_paths
from cxr_core.training.run_record import read_run_config
from cxr_core.training.seeds import SEEDS_FILE, run_seeds, spread_text

PROG = "cxr-train"

# Flags of earlier versions, still taken: by flag, the name of what it sets.
_INTEGER_FLAGS = {
    "--train-px": "low_res_px",
    "--finish-epochs": "full_res_epochs",
    "--seeds": "n_seeds",
}
_SWITCHES = {"--finish": "finalize", "--hold-test": "skip_test"}


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as a namespace; exits with status 2 on words that do not fit."""
    parser = argparse.ArgumentParser(prog=PROG, description=__doc__.splitlines()[0])
    data = parser.add_argument_group("films")
    data.add_argument("--entries", type=Path, metavar="CSV", help="NIH's or Kaggle's label table")
    data.add_argument(
        "--images", type=Path, nargs="+", metavar="DIR", help="one or more folders with the films"
    )
    data.add_argument("--phantom", type=int, metavar="N", help="draw N synthetic films instead")
    data.add_argument("--cache", type=Path, metavar="DIR", help="decoded films (default .cache)")
    data.add_argument("--boxes", type=Path, metavar="CSV", help="NIH's BBox_List_2017.csv")
    data.add_argument(
        "--other-films",
        type=Path,
        metavar="CSV",
        help="other hospitals' films (image, source, label, view) that are read at the end",
    )
    data.add_argument(
        "--gate-films",
        type=Path,
        metavar="CSV",
        help="a table with the columns image, view: pictures of other sources, which lie beside "
        "it, for the input check alone",
    )
    split = parser.add_argument_group("split (default: 70/10/20 by patient, stratified)")
    split.add_argument(
        "--split", type=Path, metavar="CSV", help=("a table with the columns image, split")
    )
    split.add_argument(
        "--extend-split",
        action="store_true",
        help="films that --split does not name train too, or form validation_more",
    )
    split.add_argument("--train-val-list", type=Path, metavar="F", help="NIH's official list")
    split.add_argument("--test-list", type=Path, metavar="F", help="NIH's official list")
    split.add_argument("--groups", type=Path, metavar="CSV", help="sampling group of each film")
    training = parser.add_argument_group("training (default: as the preset says)")
    training.add_argument(
        "--preset",
        choices=sorted({*PRESETS, *RENAMED_PRESETS}),
        metavar="NAME",
        help=f"one of {', '.join(PRESETS)} (default baseline; phantom with --phantom)",
    )
    training.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        metavar="NAME",
        help=f"several runs in a row that make one model: {', '.join(RECIPES)}",
    )
    training.add_argument(
        "--config", type=Path, metavar="TOML", help="settings in a file; these words come first"
    )
    training.add_argument(
        "--weights",
        help="imagenet, none, or the path of a weights file or model folder",
    )
    training.add_argument(
        "--teacher",
        nargs="+",
        action="extend",
        default=[],
        metavar="RUN",
        help="run folders whose logits are learnt beside the labels; may be repeated",
    )
    training.add_argument("--population", choices=get_args(Population))
    training.add_argument("--balance", choices=get_args(Balance))
    training.add_argument("--epochs", type=int, help="with --recipe: at most, in each step")
    training.add_argument("--px", type=int, help="side of the model's input (224)")
    training.add_argument("--low-res-px", type=int, help="smaller side until the last epochs")
    training.add_argument(
        "--full-res-epochs", type=int, help="final epochs at the full size (--px)"
    )
    training.add_argument("--batch-size", type=int)
    training.add_argument("--learning-rate", type=float)
    training.add_argument("--seed", type=int)
    training.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting, such as ema_decay=0.99 or augmentation.flip=0; may be repeated",
    )
    training.add_argument(
        "--n-seeds", type=int, metavar="N", help="train N models, report the spread"
    )
    out = parser.add_argument_group("run")
    out.add_argument("--out", type=Path, metavar="RUN", required=True, help="the run folder")
    out.add_argument("--resume", action="store_true", help="continue an interrupted run")
    out.add_argument(
        "--finalize",
        action="store_true",
        help="redo calibration, cut-offs, tables and model card",
    )
    out.add_argument(
        "--skip-test", action="store_true", help="leave the test set unread until --finalize"
    )
    out.add_argument(
        "--save-minutes", type=float, default=5.0, help="minutes between saved states (5)"
    )
    out.add_argument(
        "--dry-run", action="store_true", help="say what would be done and how long it would take"
    )
    out.add_argument(
        "--threads", type=int, metavar="N", help="of the processor (default: the faster of two)"
    )
    out.add_argument(
        "--log",
        action="append",
        default=[],
        choices=sorted(LOGS),
        help="write the epochs' figures for these tools too, into the run folder",
    )
    out.add_argument("--quiet", action="store_true", help="no progress bars")
    hidden = argparse.SUPPRESS
    for flag, name in _INTEGER_FLAGS.items():
        parser.add_argument(flag, dest=name, type=int, default=hidden, help=hidden)
    for flag, name in _SWITCHES.items():
        parser.add_argument(flag, dest=name, action="store_true", default=hidden, help=hidden)
    arguments = parser.parse_args(argv)
    arguments.command = (PROG, *(sys.argv[1:] if argv is None else argv))
    films = (arguments.entries, arguments.images)
    # A run that has begun knows where its films are; any of them can be given anew.
    knows = arguments.finalize or arguments.resume
    given = arguments.phantom is not None
    if (given and films != (None, None)) or (not given and None in films and not knows):
        parser.error("give --entries and --images, or --phantom N")
    if arguments.recipe is not None and (fixed := _fixed_by_a_recipe(arguments)):
        parser.error(
            f"a recipe fixes the settings of its steps: leave out {', '.join(fixed)}. --epochs N "
            "holds each step to N epochs"
        )
    return arguments


def _fixed_by_a_recipe(arguments: argparse.Namespace) -> list[str]:
    """The flags given beside ``--recipe`` that its steps would not follow."""
    names = ("preset", "config", "weights", "teacher", "population", "balance", "px", "low_res_px")
    more = ("full_res_epochs", "batch_size", "learning_rate", "set", "n_seeds", "finalize")
    given = [name for name in (*names, *more) if getattr(arguments, name) not in (None, [], False)]
    return ["--" + name.replace("_", "-") for name in given]


_SPLIT_WORDS = ("split", "train_val_list", "test_list")


def with_recorded_paths(arguments: argparse.Namespace) -> argparse.Namespace:
    """The command line of a run that has begun, with the paths that it does not give taken from
    the run's own record.

    Raises:
        ConfigError: neither names the films.
    """
    merged = argparse.Namespace(**vars(arguments))
    if not (arguments.finalize or arguments.resume):
        return merged
    recorded: dict[str, Any] = read_run_paths(arguments.out)
    if "images" in recorded:
        recorded["images"] = [recorded["images"], *recorded.pop("further_images", ())]
    if arguments.phantom is not None:
        recorded = {name: recorded[name] for name in _SPLIT_WORDS if name in recorded}
    elif arguments.entries is not None or arguments.images is not None:
        recorded["phantom"] = None
    if any(getattr(arguments, name) is not None for name in _SPLIT_WORDS):
        recorded |= dict.fromkeys((*_SPLIT_WORDS, "extend_split"))
    for name, value in recorded.items():
        if value is not None and not getattr(arguments, name):
            setattr(merged, name, value)
    if merged.phantom is None and (merged.entries is None or merged.images is None):
        # What is wrong with the folder itself comes first.
        read_run_config(arguments.out)
        raise ConfigError(
            "This run does not say where its films are",
            value=arguments.out,
            remedy="Give --entries and --images, and the split and boxes it was trained with.",
        )
    return merged


def make_config(arguments: argparse.Namespace) -> TrainConfig:
    """The preset with what was given; on ``--finalize`` the run's own configuration."""
    if arguments.finalize:
        return read_run_config(arguments.out)
    names = ("weights", "population", "balance", "epochs", "px", "low_res_px", "full_res_epochs")
    more = ("batch_size", "learning_rate", "seed")
    flags = {name: getattr(arguments, name) for name in (*names, *more)}
    from_file = {} if arguments.config is None else read_config_file(arguments.config)
    given = from_file | {name: value for name, value in flags.items() if value is not None}
    given |= parse_settings(arguments.set)
    if arguments.teacher:
        given["teachers"] = tuple(arguments.teacher)
    default = given.pop("preset", "baseline" if arguments.phantom is None else "phantom")
    augmentation = {name: given.pop(name) for name in list(given) if "." in name}
    return apply_settings(from_preset(arguments.preset or default, **given), augmentation)


def make_dataset_paths(arguments: argparse.Namespace, phantom_folder: Path) -> DatasetPaths:
    """The user's files, or phantoms drawn into the folder ``phantom_folder``."""
    entries, images, boxes = arguments.entries, arguments.images, arguments.boxes
    if arguments.phantom is not None:
        dataset = write_phantom_dataset(phantom_folder, arguments.phantom)
        entries, images, boxes = dataset.entries, [dataset.images], dataset.boxes
    default = phantom_folder if arguments.phantom is not None else Path(".cache")
    return DatasetPaths(
        entries=entries,
        images=images[0],
        further_images=tuple(images[1:]),
        cache=arguments.cache or default,
        split=arguments.split,
        train_val_list=arguments.train_val_list,
        test_list=arguments.test_list,
        extend_split=arguments.extend_split,
        groups=arguments.groups,
        boxes=boxes,
        other_films=arguments.other_films,
        phantom=arguments.phantom,
        gate_films=arguments.gate_films,
    )


def make_options(arguments: argparse.Namespace) -> RunOptions:
    """How the run is carried out."""
    return RunOptions(
        resume=arguments.resume,
        finalize_only=arguments.finalize,
        skip_test=arguments.skip_test,
        save_interval_seconds=60 * arguments.save_minutes,
        threads=arguments.threads,
        measure_threads=True,
        logs=tuple(arguments.log),
        command=arguments.command,
        progress=not arguments.quiet,
    )


def train(arguments: argparse.Namespace, distributed: Distributed) -> str:
    """Do what was asked; returns what there is to say of it, in the process that leads."""
    arguments = with_recorded_paths(arguments)
    config, options = make_config(arguments), make_options(arguments)
    with tempfile.TemporaryDirectory() as phantom_folder:
        sources = make_dataset_paths(arguments, Path(phantom_folder))
        if arguments.recipe is not None:
            name, epochs = arguments.recipe, arguments.epochs
            if arguments.dry_run:
                if not distributed.is_main:
                    return ""
                return recipe_plan_text(make_recipe_plan(name, sources, max_epochs=epochs))
            made = run_recipe(
                name,
                sources,
                arguments.out,
                options,
                seed=config.seed,
                max_epochs=epochs,
                distributed=distributed,
            )
            return _result_text(made, arguments.out / RECIPES[arguments.recipe][-1].name)
        if arguments.dry_run:
            plan = make_plan(config, sources) if distributed.is_main else None
            return "" if plan is None else plan_text(plan)
        if arguments.n_seeds is not None:
            count, folder = arguments.n_seeds, arguments.out
            rows = run_seeds(
                config, sources, folder, options, n_seeds=count, distributed=distributed
            )
            return f"{spread_text(rows)}\n\nThe models and {SEEDS_FILE} are in {folder}."
        result = run(config, sources, arguments.out, options, distributed=distributed)
    return _result_text(result, arguments.out)


def _result_text(result: RunResult | None, folder: Path) -> str:
    if result is None:
        return ""
    return (
        f"On the {result.split} set:\n{metrics_text(result.report)}\n\nThe model and its tables "
        f"are in {folder}."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit status: 0 done, 1 refused or failed, 130 stopped on request."""
    arguments = parse_arguments(argv)
    with init_distributed() as team:
        level = logging.INFO if team.is_main else logging.WARNING
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
        try:
            message, status = train(arguments, team), 0
        except TrainingStoppedError as error:
            message, status = f"{PROG}: {error}", 130
        except CXRError as error:
            message, status = f"{PROG}: {error}", 1
        except OSError as error:
            remedy = (
                "What was saved before is intact. Free some space or fix the disk, then use "
                "--resume."
            )
            message, status = f"{PROG}: A file cannot be used: {error}. {remedy}", 1
        except KeyboardInterrupt:
            message = f"\n{PROG}: stopped. Continue with the same command and --resume."
            status = 130
        # What ends one process ends all; only a fault can be one process's own.
        if message and (team.is_main or status == 1):
            print(message, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
