"""Everything that an export tells of one reading, so that all formats tell the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from cxr_core.errors import ExportError
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.overlay import MapStyle, is_flagged, style_on_film
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.imaging.correction import correction_words
from cxr_core.reading.analyzer import Analysis, no_finding_statement
from cxr_core.version import VERSION
from cxr_core.wording import percent as percent

TITLE = "Research model output"
NOT_A_DIAGNOSIS = "Research model output, not a diagnosis."
RESEARCH_TOOL = "A research tool, not a medical device. Do not use it to decide about a patient."
FLAGGED_MARK, NOT_FLAGGED_MARK = "▲", "▽"
# Over, and in, every result of a film that the input check stopped.
NOT_RELIABLE = "Not reliable: read at the reader's request"
NO_WORTH = "what this is worth is not known: it was measured on films that pass the input check"
NO_CLAIM = (
    "Two readings of the same model; a difference smaller than the stability range means nothing."
)
Assessment = Literal["present", "absent", "unsure"]
MAX_REFERENCE_LENGTH = 120  # characters
MAX_NOTE_LENGTH = 1000


# Numbers and choices put into the words that the page and every export share.


def flag_word(key: str, *, flagged: bool) -> str:
    """What became of a finding: "flagged" or "not flagged"; a normal film is "called normal"."""
    word = "flagged" if key in ABNORMAL_KEYS else "called normal"
    return word if flagged else f"not {word}"


def result_words(analysis: Analysis, key: str) -> str:
    """A finding's band and what became of it, e.g. "likely, flagged"; without a band where the
    model has one cut-off a finding."""
    word = flag_word(key, flagged=analysis.above[key])
    word = f"{analysis.bands[key]}, {word}" if analysis.has_bands else word
    return word if analysis.gate.passed else f"Not reliable ({word})"


def worth_words(analysis: Analysis, key: str, facts: ModelFacts) -> str:
    """What the result of one finding is worth, e.g. "of test films flagged like this 29 % carried
    the label (24 to 34 %)". The test films all pass the input check: of one that does not they
    tell nothing."""
    if not analysis.gate.passed:
        return NO_WORTH
    called = flag_word(key, flagged=True) if analysis.above[key] else ""
    return facts.worth(key, analysis.bands[key], called=called)


def setting_sentence(analysis: Analysis) -> str:
    """That the reader has uncertain findings flagged too; "" in the standard setting."""
    if analysis.setting == "standard":
        return ""
    return "Sensitive setting: uncertain findings are flagged too."


def uncertain_sentence(analysis: Analysis) -> str:
    """Which findings are uncertain and not flagged; "" for none, or no reliable number."""
    if not analysis.gate.passed:
        return ""
    names = [
        LABELS[key]
        for key in ABNORMAL_KEYS
        if analysis.bands[key] == "uncertain" and not analysis.above[key]
    ]
    return f"Uncertain: {', '.join(names)}." if names else ""


def told_apart(
    probability: float, threshold: float, *, digits: Sequence[int] = (0, 1, 2)
) -> tuple[str, str]:
    """Both in percent, with the first of these numbers of digits by which they differ; with the
    first of all where they do by none."""
    pairs = [(percent(probability, decimals=d), percent(threshold, decimals=d)) for d in digits]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def flag_sentence(key: str, probability: float, threshold: float, *, flagged: bool) -> str:
    """The same with its cut-off, e.g. "flagged (cut-off 31 %)".

    Where both round to the same percent, more digits: "31 %" that is below "31 %" would look like
    a mistake. E.g. "not flagged, at the cut-off (34.6 against 34.7 %)".
    """
    word = flag_word(key, flagged=flagged)
    if percent(probability) != percent(threshold):
        return f"{word} (cut-off {percent(threshold)})"
    shown, cut_off = told_apart(probability, threshold, digits=(1, 2))
    return f"{word}, at the cut-off ({shown.removesuffix(' %')} against {cut_off})"


def result_headline(analysis: Analysis) -> str:
    """The reading in one line: "Flagged: Effusion, Infiltration", "Nothing flagged", "Unclear:
    contradictory", or that the film is one that the input check stopped."""
    if not analysis.gate.passed:
        return NOT_RELIABLE
    statement = no_finding_statement(analysis.probabilities, analysis.above, analysis.likely)
    if statement.contradiction:
        return "Unclear: contradictory"
    flagged = [LABELS[key] for key in ABNORMAL_KEYS if analysis.above[key]]
    return f"Flagged: {', '.join(flagged)}" if flagged else "Nothing flagged"


def prior_sentence(record: "Record") -> str:
    """Both films' probabilities side by side where a prior film stood beside; "" otherwise.

    Nothing is said of a change, and nothing of whose film the other is.
    """
    if record.prior is None:
        return ""
    reliable = "" if record.prior.gate.passed else ", not reliable: the input check stopped it"
    pairs = [
        f"{LABELS[key]} {percent(record.analysis.probabilities[key])} and "
        f"{percent(record.prior.probabilities[key])}"
        for key in KEYS
    ]
    which = f"SHA-256 {record.prior.image_sha256[:12]} …{reliable}"
    return f"This film and the prior film beside it ({which}): {'; '.join(pairs)}. {NO_CLAIM}"


def map_title(key: str) -> str:
    """What a finding's map is called; that of No Finding is shown negated."""
    return f"Map of {LABELS[key]}" if key in ABNORMAL_KEYS else "What argues against a normal film"


def map_legend(key: str, style: MapStyle) -> str:
    """What colours and lines mean on a finding's map, in a form that grey print keeps."""
    shown, other = "what pushed the score up", "what pushed it down"
    if key not in ABNORMAL_KEYS:
        shown, other = "what argues against a normal film", "what speaks for one"
    if style.mode == "contour":
        marks = f"Solid lines: {shown}" + (f"; dashed lines: {other}." if style.signed else ".")
    elif style.signed:
        marks = f"Warm, solid line: {shown}. Cool, dashed line: {other}."
    else:
        marks = f"Colour: {shown}."
    return f"{marks} Coarse, not an outline."


def map_words(analysis: Analysis, key: str, style: MapStyle) -> str:
    """What the map shows that is drawn in this style, or why none is.

    Args:
        style: as ``style_on_film`` returned it.
    """
    if style.opacity > 0:
        pale = "" if is_flagged(analysis, key) else f" Pale: {not_flagged_words(key)}."
        return map_legend(key, style) + pale
    why = "its opacity is 0" if is_flagged(analysis, key) else not_flagged_words(key)
    return f"No map is drawn: {why}."


def not_flagged_words(key: str) -> str:
    """Why the map of a finding is not drawn in full."""
    return f"{LABELS[key]} is not {'flagged' if key in ABNORMAL_KEYS else 'a flag'}"


def correction_sentence(correction: str | None) -> str:
    """What was done to the film at the reader's request; "" for nothing."""
    if correction is None:
        return ""
    done = correction_words(correction).done
    return f"The film was {done} at the reader's request before it was read."


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """One reading as it is exported. Dictionaries are by finding key; a missing key is "not said".

    Attributes:
        analysis: what the model said of the film.
        shown_finding: the finding whose map is drawn large.
        style: how maps lie over the film.
        created: when the export was asked for, with its time zone.
        cautions: sentences from the page beside those of the analysis.
        film_note: what the film is when it is no patient's (a phantom); "" otherwise.
        read_anyway: the input check stopped the film and the reader had it read all the same.
        assessments: what the reader says of each finding.
        note: the reader's own words, at most ``MAX_NOTE_LENGTH`` characters.
        reference: a line that the reader typed, at most ``MAX_REFERENCE_LENGTH`` characters.
        site_prevalence: share 0 to 1 of films with the finding at the reader's site.
        at_site_prevalence: (probability, cut-off), 0 to 1, at that prevalence.
        version: of this program.
        facts: how good the model measured, and what its flags are worth.
        map_requested: the reader asked for the shown finding's map, though it is not flagged.
        identity: what the film's file says of the patient and the study, as (name, value), printed
            on the PDF alone; empty unless the reader asked for it.
        prior: what the model said of a prior film that stood beside; None for none.
        summary: what all findings came to, for a picture of one that stands alone; "" for none.
    """

    analysis: Analysis
    shown_finding: str
    style: MapStyle
    created: datetime
    cautions: tuple[str, ...] = ()
    film_note: str = ""
    read_anyway: bool = False
    assessments: Mapping[str, Assessment] = field(default_factory=dict)
    note: str = ""
    reference: str = ""
    site_prevalence: Mapping[str, float | None] = field(default_factory=dict)
    at_site_prevalence: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    version: str = VERSION
    facts: ModelFacts = field(default_factory=ModelFacts)
    map_requested: bool = False
    identity: tuple[tuple[str, str], ...] = ()
    prior: Analysis | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        """Raises ExportError: a text too long, an unknown finding or verdict, no time zone, or
        a number that is no share."""
        _check_length("reference line", self.reference, MAX_REFERENCE_LENGTH)
        _check_length("note", self.note, MAX_NOTE_LENGTH)
        for key in (
            self.shown_finding,
            *self.assessments,
            *self.site_prevalence,
            *self.at_site_prevalence,
        ):
            _check_choice("There is no such finding", key, KEYS)
        for verdict in self.assessments.values():
            _check_choice("There is no such answer for a finding", verdict, get_args(Assessment))
        if self.created.utcoffset() is None:
            raise ExportError(
                "The time of the export has no time zone",
                value=self.created.isoformat(),
                remedy="Give it with its zone, as datetime.now().astimezone() does.",
            )
        shares = [share for share in self.site_prevalence.values() if share is not None]
        for share in (
            *shares,
            *(number for pair in self.at_site_prevalence.values() for number in pair),
        ):
            if not 0.0 <= share <= 1.0:
                raise ExportError(
                    "A prevalence, probability or cut-off is not between 0 and 1",
                    value=share,
                    remedy="Give a number from 0 to 1.",
                )

    def style_of(self, key: str) -> MapStyle:
        """How a finding's map is drawn: not at all where it is neither flagged nor asked for."""
        requested = self.map_requested and key == self.shown_finding
        return style_on_film(self.analysis, key, self.style, requested=requested)

    @property
    def model_sentences(self) -> tuple[str, ...]:
        """What stands on every export of this model and setting; empty for most models."""
        found = (self.facts.sentence, setting_sentence(self.analysis))
        return tuple(sentence for sentence in found if sentence)

    @property
    def banner(self) -> tuple[str, ...]:
        """Sentences that must stand beside every picture of this film; empty for most films.

        That the input check stopped it and why, what was done to it, that it is no patient's.
        """
        sentences = []
        gate = self.analysis.gate
        if not gate.passed:
            opening = [f"{NOT_RELIABLE}."] if self.read_anyway else []
            sentences += [*opening, "The input check stopped this film.", *gate.reasons]
        if done := correction_sentence(self.analysis.correction):
            sentences.append(done)
        if self.film_note:
            sentences.append(self.film_note)
        return tuple(sentences)

    @property
    def all_cautions(self) -> tuple[str, ...]:
        """The film's warnings and the page's cautions in that order, each once, and not again
        what stands in the banner."""
        said = dict.fromkeys((*self.analysis.warnings, *self.cautions))
        return tuple(sentence for sentence in said if sentence not in self.banner)


def plain_record(analysis: Analysis, facts: ModelFacts, *, read_anyway: bool = False) -> Record:
    """A reading that goes to an archive as it is, without a reader's words: the finding that is
    furthest above its cut-off is shown, and a sentence says what all of them came to."""
    sentences = (f"{result_headline(analysis)}.", uncertain_sentence(analysis))
    return Record(
        analysis=analysis,
        shown_finding=max(ABNORMAL_KEYS, key=lambda k: (analysis.above[k], analysis.margins[k])),
        style=MapStyle(),
        created=datetime.now().astimezone(),
        read_anyway=read_anyway,
        facts=facts,
        summary=" ".join(filter(None, sentences)),
    )


def _check_length(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ExportError(
            f"The {name} is too long for an export",
            value=f"{len(text):,} characters",
            remedy=f"Shorten it to {longest:,} characters.",
        )


def _check_choice(problem: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ExportError(problem, value=value, remedy=f"Use one of {', '.join(allowed)}.")
