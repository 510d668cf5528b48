"""What stands beside a model's every answer: how good it measured, and what its flags are worth.

All of it is computed from the model folder's own ``predictions_test.csv``; nothing is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cxr_core.errors import DataError
from cxr_core.evaluation.cutoffs import SETTINGS, Band, Setting, cutoffs_of_model
from cxr_core.evaluation.metrics.bootstrap import Interval, resample_patients
from cxr_core.evaluation.metrics.flag_worth import BandShare, FlagWorth, flag_worth
from cxr_core.evaluation.metrics.subgroups import mean_auroc
from cxr_core.evaluation.predictions import labels_of, probabilities_of, read_predictions
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.model.metadata import ModelMetadata
from cxr_core.wording import percent

NOT_MEASURED = "what this is worth was not measured: the model folder has no usable test films"
UNLABELLED = "what this is worth was not measured: the test films have no label of it"
TOO_FEW = "too few test films like this to tell what it is worth"


@dataclass(frozen=True)
class ModelFacts:
    """A model's own test films in a few numbers.

    Attributes:
        demonstration: the model says that it only shows what the tool does.
        n_films: test films; 0 where the folder has no usable table of them.
        mean_auroc: of the findings that the test films have labels of; None without test films.
        bands: by finding key and band; empty without test films.
        flagged: by setting, share of the test films with any of the three flagged; empty without.
        flagged_normal: the same of those that are labelled No Finding.
    """

    demonstration: bool = False
    n_films: int = 0
    mean_auroc: Interval | None = None
    bands: Mapping[str, Mapping[Band, BandShare]] = field(default_factory=dict)
    flagged: Mapping[Setting, Interval] = field(default_factory=dict)
    flagged_normal: Mapping[Setting, Interval] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """That it is a demonstration model, and how good it measured; "" for any other model."""
        if not self.demonstration:
            return ""
        if self.mean_auroc is None:
            return "Demonstration model, with no test films to tell how good it is."
        films = f"{self.n_films:,} test films"
        if not self.mean_auroc.estimable:
            return f"Demonstration model: {films}, too few to tell how good it is."
        unlabelled = [key for key, bands in self.bands.items() if _is_unlabelled(bands)]
        of = " of the labelled findings" if unlabelled else ""
        return f"Demonstration model: mean AUROC{of} {self.mean_auroc.text()} on {films}."

    @property
    def flagged_sentence(self) -> str:
        """How many test films have some flag in either setting; "" where it was not measured."""
        standard, sensitive = self.flagged.get("standard"), self.flagged.get("sensitive")
        if standard is None or not standard.estimable:
            return ""
        normal = [self._flagged_normal(setting) for setting in SETTINGS]
        said = f"Some finding is flagged on {percent(standard.estimate)} of {self.n_films:,} test "
        said += f"films, and on {normal[0]} of the normal ones" if normal[0] else "films"
        if sensitive is not None:
            said += f"; in the sensitive setting on {percent(sensitive.estimate)}"
            said += f" and {normal[1]}" if normal[1] else ""
        return f"{said}."

    def _flagged_normal(self, setting: Setting) -> str:
        share = self.flagged_normal.get(setting)
        return percent(share.estimate) if share is not None and share.estimable else ""

    def bands_sentence(self, *, paired: bool) -> str:
        """How many test films with a result like those of a list carry the label, for all of the
        three at once; "" where it was not measured.

        Args:
            paired: the model has two cut-offs a finding, so that results have a band.
        """
        named: dict[Band, str] = {"likely": "called likely", "uncertain": "called uncertain"}
        if not paired:
            named = {"likely": "flagged"}
        parts: list[str] = []
        for band, called in named.items():
            shares = {
                key: self.bands[key][band].share for key in ABNORMAL_KEYS if key in self.bands
            }
            told = [
                f"{LABELS[key]} {percent(s.estimate)}" for key, s in shares.items() if s.estimable
            ]
            if told:
                whom = (
                    f"of those {called}"
                    if parts
                    else f"Of test films {called}, this share carried the label"
                )
                parts.append(f"{whom}: {', '.join(told)}")
        return f"{'; '.join(parts)}." if parts else ""

    def share(self, key: str, band: Band) -> BandShare | None:
        """Test films of a finding's band; None where it was not measured."""
        return self.bands[key][band] if key in self.bands else None

    def worth(self, key: str, band: Band, *, called: str = "") -> str:
        """How many test films of a band carried the label, as the end of a sentence.

        Args:
            called: what such a film is, e.g. ``flagged``; "" for none.
        """
        one = self.share(key, band)
        if one is None:
            return NOT_MEASURED
        if not one.share.estimable:
            return UNLABELLED if _is_unlabelled(self.bands[key]) else TOO_FEW
        ends = f"{percent(one.share.low).removesuffix(' %')} to {percent(one.share.high)}"
        like = f"{called} like this" if called else "like this"
        return f"of test films {like} {percent(one.share.estimate)} carried the label ({ends})"


def _is_unlabelled(bands: Mapping[Band, BandShare]) -> bool:
    return all(one.share.verdict == "not labelled" for one in bands.values())


def read_model_facts(folder: Path, metadata: ModelMetadata) -> ModelFacts:
    """The facts of the model in ``folder``.

    Raises:
        DataError: its table of test films is there and breaks the contract.
    """
    path = folder / TEST_PREDICTIONS_FILE
    if not path.is_file():
        return ModelFacts(metadata.is_demonstration)
    return model_facts(path.read_bytes(), metadata)


def read_model_facts_if_usable(folder: Path, metadata: ModelMetadata) -> ModelFacts:
    """The same; a table that cannot be used counts as none, so that a film is still read."""
    try:
        return read_model_facts(folder, metadata)
    except DataError:
        return ModelFacts(metadata.is_demonstration)


def model_facts(predictions: bytes, metadata: ModelMetadata) -> ModelFacts:
    """The facts that a table of test films tells of a model.

    Args:
        predictions: the bytes of ``predictions_test.csv``.

    Raises:
        DataError: the table breaks the contract.
    """
    table = read_predictions(predictions)
    resamples = resample_patients(table)  # the dashboard's own draws, so that the figures agree
    probabilities = probabilities_of(table, metadata.calibration)  # (N, 4)
    worth = flag_worth(labels_of(table), probabilities, cutoffs_of_model(metadata), resamples)
    return replace(
        facts_of_flags(worth, len(table)),
        demonstration=metadata.is_demonstration,
        mean_auroc=mean_auroc(table, resamples),
    )


def facts_of_flags(worth: FlagWorth, n_films: int) -> ModelFacts:
    """What flags on ``n_films`` test films tell, of a table that was evaluated already."""
    rates = worth.any_finding
    return ModelFacts(
        n_films=n_films,
        bands=worth.bands,
        flagged={setting: one.flagged for setting, one in rates.items()},
        flagged_normal={setting: one.flagged_normal for setting, one in rates.items()},
    )
