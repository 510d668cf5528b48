"""What the page shows of a film, gathered for an export."""

from datetime import datetime
from typing import cast

from cxr_core.export.record import Record, Verdict
from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.cautions import caution_sentences
from cxr_core.ui.prevalence import displayed, site_prevalence
from cxr_core.ui.readers_word import word_of
from cxr_core.ui.stability import borderline_sentence


def record_of(analysis: Analysis) -> Record:
    """The reading as it stands on the page, with the reader's own word and prevalence."""
    words, note = word_of(analysis)
    site = site_prevalence()
    shown = {key: displayed(analysis, key) for key in KEYS if key in site}
    cautions = caution_sentences(analysis, film_note=state.film_note())
    said = (borderline_sentence(analysis), *cautions)
    return Record(
        analysis=analysis,
        shown=state.shown_finding(analysis),
        style=state.map_style(),
        created=datetime.now().astimezone(),
        cautions=tuple(sentence for sentence in said if sentence),
        film_note=state.film_note(),
        read_anyway=state.read_anyway(),
        verdicts={key: cast(Verdict, word) for key, word in words.items() if word},
        note=note,
        site_prevalence=dict(site),
        rebased={key: (numbers.probability, numbers.cut_off) for key, numbers in shown.items()},
    )
