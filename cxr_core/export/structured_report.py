"""A reading as a DICOM Structured Report: TID 1500 (Measurement Report) in an Enhanced SR.

A group a finding: probability, cut-offs, band, what became of it. Of a film that the input check
stopped there are no numbers unless the reader had it read all the same. Whose study it goes into is
decided as for the Secondary Capture.
"""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, generate_uid

from cxr_core.export.record import (
    NOT_A_DIAGNOSIS,
    RESEARCH_TOOL,
    TITLE,
    Record,
    flag_word,
    map_words,
    result_headline,
    worth_words,
)
from cxr_core.export.secondary_capture import (
    NEW_UIDS,
    SERIES_NUMBER,
    ResultUids,
    patient_identity,
    pseudonymous_identity,
    require_film,
    source_reference,
)
from cxr_core.findings import KEYS, LABELS
from cxr_core.version import PROGRAM

if TYPE_CHECKING:  # highdicom takes a second, and most films are read without it
    from highdicom.sr import Measurement, MeasurementsAndQualitativeEvaluations

REPORT_SERIES_NUMBER = SERIES_NUMBER + 1
NOT_READ = "Not read"
SCHEME = "99CXRCORE"
# What DICOM and SNOMED CT have a code for; the rest is our own.
_FINDINGS = {
    "effusion": Code("60046008", "SCT", "Pleural effusion"),
    "atelectasis": Code("46621007", "SCT", "Atelectasis"),
    "infiltration": Code("112121", "DCM", "Infiltrate"),
}
_CHEST_FILM = Code("399208008", "SCT", "Plain X-ray of chest")
_PROBABILITY, _CUTOFF = (
    Code("122157", "DCM", "Probability"),
    Code("122411", "DCM", "Threshold Value"),
)
_PERCENT = Code("%", "UCUM", "percent")
_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")


def _own(value: str, meaning: str) -> Code:
    """A code of this program (of over 16 letters a Long Code Value); its meaning has at most 64."""
    return Code(value, SCHEME, meaning)


INPUT_CHECK = _own("input_check", "Input check")
PASSED, STOPPED = _own("passed", "Passed"), _own("stopped", "Stopped this film")
BAND, RESULT = _own("band", "Band"), _own("result", "Result")
LOWER_CUTOFF = _own("lower_cutoff", "Cut-off below which it is unlikely")
SITE_PROBABILITY = _own("p_at_site", "Probability at the site prevalence")
SITE_CUTOFF = _own("cutoff_at_site", "Cut-off at the site prevalence")
USE, SUMMARY = _own("use", "Intended use"), _own("summary", "Summary")
CAUTION, CORRECTION = _own("caution", "Caution"), _own("correction", "Correction")
MODEL, FILM = _own("model", "Model"), _own("film_sha256", "SHA-256 of the film's file")


def structured_report(
    record: Record, data: bytes, *, in_patient_study: bool = False, uids: ResultUids = NEW_UIDS
) -> bytes:
    """The reading as a DICOM file.

    Args:
        data: the DICOM file that was read.
        in_patient_study: put it into the patient's own study, and say which image it is about.
        uids: of the series and the file; new ones where none are given.

    Raises:
        ExportError: ``data`` is no DICOM file or another than was read, or, for the patient's
            study, it does not say which study or patient that is.
    """
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr import EnhancedSR

    require_film(record, data, what="reading")
    identity: Mapping[str, str | None] = pseudonymous_identity()
    source = None
    if in_patient_study:
        identity, source = patient_identity(data), source_reference(data)
        if source is not None and UID(source["SOPClassUID"]).is_private:
            source = None
    evidence = _evidence(str(identity["StudyInstanceUID"]), source)
    referenced = evidence if source is not None else None
    day, time = record.created.date(), record.created.time().replace(microsecond=0)
    report: Dataset = EnhancedSR(
        evidence=[evidence],
        content=_content(record, referenced, in_patient_study=in_patient_study),
        series_instance_uid=uids.series or generate_uid(),
        series_number=REPORT_SERIES_NUMBER,
        sop_instance_uid=uids.instance or generate_uid(),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=TITLE,
        software_versions=record.version,
        series_description=_series_title(record),
        is_complete=True,
        specific_character_set="ISO_IR 192",
        coding_schemes=[CodingSchemeIdentificationItem(SCHEME, name=PROGRAM)],
        content_date=day,
        content_time=time,
    )
    report.InstanceCreationDate, report.InstanceCreationTime = (
        report.ContentDate,
        report.ContentTime,
    )
    for keyword, value in identity.items():
        setattr(report, keyword, value)
    if not in_patient_study:
        report.StudyDate, report.StudyTime = report.ContentDate, report.ContentTime
        report.StudyDescription = TITLE
    if referenced is None:
        del report.CurrentRequestedProcedureEvidenceSequence
    buffer = io.BytesIO()
    report.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _series_title(record: Record) -> str:
    if record.analysis.gate.passed:
        return TITLE
    return "Not reliable" if record.read_anyway else f"{TITLE}: {NOT_READ.lower()}"


def _evidence(study: str, source: dict[str, str] | None) -> Dataset:
    """What highdicom takes the study from, and the image that the report is about.

    It holds nobody's name: highdicom's own complaint about one would quote it in a log.
    """
    evidence = Dataset()
    for keyword, value in pseudonymous_identity().items():
        setattr(evidence, keyword, value)
    evidence.StudyInstanceUID = study
    # It asks for an image of a known class; where there is none to name, none is written.
    evidence.SOPClassUID = DigitalXRayImageStorageForPresentation
    evidence.SOPInstanceUID = evidence.SeriesInstanceUID = generate_uid()
    for keyword, value in (source or {}).items():
        setattr(evidence, keyword, value)
    return evidence


def _content(record: Record, referenced: Dataset | None, *, in_patient_study: bool) -> Dataset:
    from highdicom.sr import (
        CodedConcept,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )

    analysis = record.analysis
    observer = DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=["model", analysis.model_sha256]),
        name=f"{TITLE} ({PROGRAM} {record.version})",
        manufacturer_name=PROGRAM,
        model_name=f"Model SHA-256 {analysis.model_sha256}",
    )
    context = ObserverContext(
        observer_type=CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=observer,
    )
    # Numbers of a film that the model does not know are worth nothing: only who asked gets them.
    shown = KEYS if analysis.gate.passed or record.read_anyway else ()
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=context),
        procedure_reported=_CHEST_FILM,
        imaging_measurements=[
            _input_check(record, referenced),
            *(_finding(record, key, referenced) for key in shown),
        ],
    )[0]
    report.ContentSequence.append(_sentences(record, shown, in_patient_study=in_patient_study))
    return report


def _group(
    record: Record, name: str, referenced: Dataset | None, **content: Any
) -> "MeasurementsAndQualitativeEvaluations":
    """One group (TID 1501), tied to the image and to the model."""
    from highdicom.sr import (
        AlgorithmIdentification,
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    analysis = record.analysis
    sources = None
    if referenced is not None:
        sources = [
            SourceImageForMeasurementGroup(referenced.SOPClassUID, referenced.SOPInstanceUID)
        ]
    # The same for the same film and model, and nothing of the film can be told from it.
    entropy = [name, analysis.image_sha256, analysis.model_sha256, str(analysis.correction)]
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=generate_uid(entropy_srcs=entropy), identifier=name
        ),
        algorithm_id=AlgorithmIdentification(
            name=PROGRAM,
            version=record.version,
            parameters=[f"model_sha256={analysis.model_sha256}", f"setting={analysis.setting}"],
        ),
        source_images=sources,
        **content,
    )


def _input_check(
    record: Record, referenced: Dataset | None
) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom.sr import QualitativeEvaluation

    verdict = PASSED if record.analysis.gate.passed else STOPPED
    return _group(
        record, INPUT_CHECK.meaning, referenced,
        qualitative_evaluations=[QualitativeEvaluation(INPUT_CHECK, verdict)],
    )  # fmt: skip


def _finding(
    record: Record, key: str, referenced: Dataset | None
) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom.sr import QualitativeEvaluation

    analysis = record.analysis
    word = flag_word(key, flagged=analysis.above[key])
    evaluations = [QualitativeEvaluation(RESULT, _own(word.replace(" ", "_"), word.capitalize()))]
    measurements = [
        _percent(_PROBABILITY, analysis.probabilities[key]),
        _percent(_CUTOFF, analysis.operating_points[key].threshold),
    ]
    if analysis.has_bands and analysis.cutoffs is not None:
        band = analysis.bands[key]
        evaluations.append(QualitativeEvaluation(BAND, _own(band, band.capitalize())))
        measurements.append(_percent(LOWER_CUTOFF, analysis.cutoffs.lower(key)))
    if key in record.at_site_prevalence:
        rebased, cutoff = record.at_site_prevalence[key]
        measurements += [_percent(SITE_PROBABILITY, rebased), _percent(SITE_CUTOFF, cutoff)]
    return _group(
        record, LABELS[key], referenced,
        finding_type=_FINDINGS.get(key, _own(key, LABELS[key])),
        measurements=measurements,
        qualitative_evaluations=evaluations,
    )  # fmt: skip


def _percent(name: Code, share: float) -> "Measurement":
    from highdicom.sr import Measurement

    return Measurement(name=name, value=round(100.0 * share, 4), unit=_PERCENT)


def _sentences(record: Record, shown: tuple[str, ...], *, in_patient_study: bool) -> Dataset:
    """What stands in words: the container of TID 1500's last rows."""
    from highdicom.sr import ContainerContentItem, ContentSequence, TextContentItem
    from highdicom.sr.enum import RelationshipTypeValues

    analysis = record.analysis
    is_read = analysis.gate.passed or record.read_anyway
    said = [
        (USE, f"{NOT_A_DIAGNOSIS} {RESEARCH_TOOL}"),
        (SUMMARY, result_headline(analysis) if is_read else NOT_READ),
        *((CAUTION, sentence) for sentence in record.banner),
        (MODEL, f"SHA-256 {analysis.model_sha256}"),
        *((MODEL, sentence) for sentence in record.model_sentences),
        *((RESULT, f"{LABELS[k]}: {worth_words(analysis, k, record.facts)}.") for k in shown),
        *((CAUTION, sentence) for sentence in record.all_cautions),
    ]
    if analysis.correction is not None:
        said.append((CORRECTION, analysis.correction))
    if record.shown_finding in shown:
        style = record.style_of(record.shown_finding)
        said.append((RESULT, map_words(analysis, record.shown_finding, style)))
    if in_patient_study:  # elsewhere it would lead back to the patient
        said.append((FILM, analysis.image_sha256))
    contains = RelationshipTypeValues.CONTAINS
    container: Dataset = ContainerContentItem(name=_EVALUATIONS, relationship_type=contains)
    container.ContentSequence = ContentSequence(
        [
            TextContentItem(
                name=name, value=text, relationship_type=RelationshipTypeValues.CONTAINS
            )
            for name, text in said
        ]
    )
    return container
