"""Further members of each kind in ``reported_cases``: ``MEMBERS``, by kind and name."""

import zlib
from functools import partial

import numpy as np
from PIL import Image
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
    SurfaceSegmentationStorage,
    XRay3DCraniofacialImageStorage,
)

from tests.helpers.dicom_files import in_palette, lut_sequence, to_bytes
from tests.helpers.films import chunk, encode, png16
from tests.helpers.reported_cases import (
    COLOURED,
    COMMENT,
    CONTRADICTS,
    FILM,
    LATERAL_FILM,
    MARKER,
    MENDED,
    MISFIT,
    NO_FILM,
    OTHER_PART,
    OWN_RANGE,
    SPOT,
    Case,
    Expected,
    bare,
    body_part,
    compressed,
    eight_bits,
    film,
    film_in,
    float_tiff,
    head_slice,
    in_fragments,
    in_script,
    jpeg_2000,
    marker_dicom,
    misnamed_jpeg,
    text_chunk,
    tiff,
    ultrasound_sector,
    view_code,
    widened,
    with_bar,
    with_chunks,
    with_hot_pixel,
    with_yellow_marker,
)

MEMBERS: dict[str, dict[str, Case]] = {
    "window too wide": {
        "16 times": (lambda: film(WindowCenter=32768, WindowWidth=65536), Expected(MISFIT)),
        "16 times, 14 bits": (
            lambda: film(
                widened(14), BitsStored=14, HighBit=13, WindowCenter=131072, WindowWidth=262144
            ),
            Expected(MISFIT),
        ),
        "2 times": (lambda: film(WindowCenter=4096, WindowWidth=8192), Expected(MISFIT)),
        "4 times, about the middle": (lambda: film(WindowWidth=16384), Expected(MISFIT)),
        "4 times, sigmoid": (
            lambda: film(WindowCenter=8192, WindowWidth=16384, VOILUTFunction="SIGMOID"),
            Expected(MISFIT),
        ),
        "4 times, 8 bits": (
            lambda: eight_bits(WindowCenter=512, WindowWidth=1024), Expected(MISFIT)
        ),
        "12 bits for 10": (lambda: film(widened(10)), Expected(MISFIT)),
        "4 times, MONOCHROME1": (
            lambda: film(
                4095 - widened(), PhotometricInterpretation="MONOCHROME1",
                WindowCenter=8192, WindowWidth=16384,
            ),
            Expected(MISFIT),
        ),
    },
    "window useless": {
        "far narrower": (lambda: film(WindowWidth=400), Expected(MISFIT)),
        "a step": (lambda: film(WindowCenter=0, WindowWidth=1), Expected(MISFIT)),
        "a negative width": (lambda: film(WindowWidth=-5), Expected("cannot be used")),
        "no numbers": (
            lambda: film(WindowCenter="", WindowWidth=""), Expected("cannot be used")
        ),
        "the third is good": (
            lambda: film(WindowCenter=[8192, 60000, 2048], WindowWidth=[16384, 300, 4096]),
            Expected("the file's window 3 was used"),
        ),
        "one width for two centers": (
            lambda: film(WindowCenter=[8192, 2048], WindowWidth=16384), Expected(MISFIT)
        ),
        "for values before the rescale": (
            lambda: film(RescaleSlope=2, RescaleIntercept=-1000),
            Expected("is one for the values before the rescale"),
        ),
        "for values before a rescale to 0 to 1": (
            lambda: film(RescaleSlope=0.000244, RescaleIntercept=0),
            Expected("is one for the values before the rescale"),
        ),
        "for values before the bits were shifted": (
            lambda: film(widened() << 4, HighBit=15, WindowCenter=32768, WindowWidth=65536),
            Expected(MISFIT),
        ),
        "half of the film is black": (
            lambda: film(WindowCenter=3072, WindowWidth=2048),
            Expected("as plain black or white", but=np.s_[:]),
        ),
        "a modality table of two entries": (
            lambda: film(ModalityLUTSequence=lut_sequence([5, 6], 0, 16)),
            Expected("modality table leaves next to nothing of the film"),
        ),
        "a table of four entries before a good window": (
            lambda: film(VOILUTSequence=lut_sequence([0, 20, 40, 60], 0, 16)),
            Expected("The file's VOI table does not fit the film"),
        ),
    },
    "one pixel or a mark sets the range": {
        "DICOM, 16 bits": (lambda: bare(with_hot_pixel(widened(), 65535)), MENDED),
        "DICOM, 16 bits in the film's top row": (
            lambda: bare(with_hot_pixel(widened(10), 65535)), MENDED
        ),
        "DICOM, signed, hot": (
            lambda: bare(with_hot_pixel(widened().astype(np.int16) - np.int16(2048), 32767)),
            MENDED,
        ),
        "DICOM, signed, dead": (
            lambda: bare(with_hot_pixel(widened().astype(np.int16) - np.int16(2048), -32768)),
            MENDED,
        ),
        "DICOM, 32 bits": (
            lambda: bare(with_hot_pixel(widened().astype(np.uint32), 2**30)), MENDED
        ),
        "DICOM, MONOCHROME1": (
            lambda: bare(
                with_hot_pixel(4095 - widened(), 65535), PhotometricInterpretation="MONOCHROME1"
            ),
            MENDED,
        ),
        "DICOM with a good window": (
            lambda: film(with_hot_pixel(widened(), 65535), BitsStored=16, HighBit=15), MENDED
        ),
        "TIFF, 16 bits": (lambda: tiff(with_hot_pixel(widened(), 65535)), MENDED),
        "TIFF, 32 bits": (
            lambda: tiff(with_hot_pixel(widened().astype(np.int32), 2**30)), MENDED
        ),
        "TIFF, floating": (
            lambda: tiff(with_hot_pixel(widened().astype(np.float32), 60_000)), MENDED
        ),
        "PNG, 16 bits with alpha": (
            lambda: png16(
                np.stack(
                    [with_hot_pixel(widened(16), 65535)] * 3
                    + [np.full(FILM.shape, 65535)],
                    axis=2,
                ),
                6,
            ),
            Expected(but=SPOT),  # it is no further out than white
        ),
        "a burnt-in bar, DICOM": (
            lambda: bare(with_bar(widened())), Expected("Left out of the gray range", but=MARKER)
        ),
        "a burnt-in bar, 16-bit PNG": (
            lambda: encode(Image.fromarray(with_bar(widened()))),
            Expected("Left out of the gray range", but=MARKER),
        ),
    },
    "8 bits in one half of their levels": {
        "PNG, a quarter as bright": (lambda: encode(Image.fromarray(FILM // 4)), OWN_RANGE),
        "JPEG, a quarter as bright": (
            lambda: encode(Image.fromarray(FILM // 4), "JPEG", quality=95), OWN_RANGE
        ),
        "TIFF, half as bright": (lambda: tiff(FILM // 2), OWN_RANGE),
        "PNG, the bright half": (
            lambda: encode(Image.fromarray(FILM // 3 + np.uint8(150))), OWN_RANGE
        ),
        "DICOM, a window too wide": (
            lambda: bare(FILM // 4, WindowCenter=128, WindowWidth=256), OWN_RANGE
        ),
    },
    "padding that is film": {
        "a value": (lambda: eight_bits(PixelPaddingValue=120), Expected()),
        "a range": (
            lambda: film(PixelPaddingValue=1000, PixelPaddingRangeLimit=2000), Expected()
        ),
    },
    "bits": {
        "10 of 16, left-aligned": (
            lambda: film(
                widened(10) << 6, BitsStored=10, HighBit=15, WindowCenter=512, WindowWidth=1024
            ),
            Expected(),
        ),
        "14 of 16, left-aligned": (
            lambda: film(
                widened(14) << 2, BitsStored=14, HighBit=15, WindowCenter=8192, WindowWidth=16384
            ),
            Expected(),
        ),
        "left-aligned without a window": (
            lambda: bare(widened() << 4, BitsStored=12, HighBit=15), Expected("gives no window")
        ),
        "left-aligned in RLE": (
            lambda: compressed(RLELossless, widened() << 4, BitsStored=12, HighBit=15), Expected()
        ),
        "left-aligned in JPEG-LS": (
            lambda: compressed(JPEGLSLossless, widened() << 4, BitsStored=12, HighBit=15),
            Expected(),
        ),
        "left-aligned by the header alone": (
            lambda: film(HighBit=15), Expected("contradicts itself on its bits")
        ),
        "signed by the header alone": (
            lambda: film(PixelRepresentation=1), Expected("are signed, and they are not")
        ),
        "signed, and the header says unsigned": (
            lambda: film(
                widened().astype(np.int16) - np.int16(2048), PixelRepresentation=0, WindowCenter=0
            ),
            Expected("are unsigned, and they are signed"),
        ),
        "bits in use above those stated": (
            lambda: film(BitsStored=10, HighBit=9), Expected("use 10 bits; they use 12")
        ),
        "0 bits stored": (
            lambda: film(BitsStored=0), Expected("does not say how many bits its pixels use")
        ),
        "neither bits stored nor high bit": (
            lambda: film(BitsStored=None, HighBit=None),
            Expected("does not say how many bits its pixels use"),
        ),
        "more bits stored than allocated": (
            lambda: film(BitsStored=20, HighBit=19), Expected()
        ),
    },
    "compressed": {
        "JPEG 2000, padded before its end": (
            lambda: jpeg_2000(lambda s: s[:-2] + b"\0" + s[-2:]), Expected()
        ),
        "JPEG 2000 without an end": (lambda: jpeg_2000(lambda s: s[:-2]), Expected()),
        "JPEG 2000, two comments and a pad byte": (
            lambda: jpeg_2000(lambda s: s[:-2] + 2 * COMMENT + s[-2:] + b"\0"), Expected()
        ),
        "deflated as a whole": (
            lambda: film_in(DeflatedExplicitVRLittleEndian), Expected()
        ),
        "JPEG 2000, an offset for each fragment": (
            lambda: in_fragments(2, table=(0, 508)), Expected()
        ),
        "JPEG 2000, a wrong offset": (lambda: in_fragments(3, table=(77,)), Expected()),
        "JPEG 2000 that says high throughput": (
            lambda: in_fragments(1, syntax=HTJ2KLossless), Expected()
        ),
        "JPEG that says JPEG 2000": (lambda: misnamed_jpeg(JPEG2000Lossless), CONTRADICTS),
        "JPEG that says JPEG-LS": (lambda: misnamed_jpeg(JPEGLSLossless), CONTRADICTS),
        "JPEG that says RLE": (lambda: misnamed_jpeg(RLELossless), CONTRADICTS),
        "JPEG in JPEG": (lambda: misnamed_jpeg(JPEGBaseline8Bit), Expected(within=12)),
    },
    "lateral": {
        **{
            f"view {view}": (partial(eight_bits, ViewPosition=view), LATERAL_FILM)
            for view in ("LL", "RL", "LAT", "XTABLE LATERAL", "Lt. Lateral", "LATERAL_L",
                         "LATERO-LATERAL", "SAGITTAL")
        },
        **{
            f"view {view}": (partial(in_script, "ViewPosition", view), LATERAL_FILM)
            for view in ("LATÉRALE GAUCHE", "SEITLICH", "LATERALNA", "BOČNÁ", "OLDALIRÁNYÚ",
                         "БОКОВАЯ", "ΠΛΑΓΙΑ", "側面", "侧位", "측면")
        },
        "view in ISO 8859-5": (
            lambda: in_script("ViewPosition", "БОКОВАЯ", "iso8859_5"), LATERAL_FILM
        ),
        "code of SNOMED RT": (
            lambda: eight_bits(
                ViewPosition=None, ViewCodeSequence=view_code("R-10236", "", "SRT")
            ),
            LATERAL_FILM,
        ),
        **{
            f"by its {keyword}": (
                partial(eight_bits, ViewPosition=None, **{keyword: words}), LATERAL_FILM
            )
            for keyword, words in {
                "SeriesDescription": "Thorax seitlich",
                "ProtocolName": "CHEST LAT",
                "AcquisitionDeviceProcessingDescription": "CHEST,LAT",
                "RequestedProcedureDescription": "Rx torace LL",
            }.items()
        },
    },
    "chest in other words": {
        part: (
            partial(body_part, part),
            Expected(),
        )
        for part in ("TORAX", "2- TORAX", "BRUST", "POITRINE", "CAGE THORACIQUE", "PORT CHEST",
                     "CHST", "PULMÃO", "LONGEN", "KEUHKOT", "GÖĞÜS", "NGỰC", "ГРУДЬ", "ΘΩΡΑΚΑΣ",
                     "胸部", "가슴", "الصدر", "חזה", "TÜDŐ", "PŁUCA", "GRUĐNI KOŠ", "ПЛУЋА",
                     "ריאות", "छाती", "MEDIASTINUM")
    },
    "chest in other encodings": {
        "GB 18030": (lambda: in_script("BodyPartExamined", "胸部", "gb18030"), Expected()),
        "ISO 8859-5": (lambda: in_script("BodyPartExamined", "ГРУДЬ", "iso8859_5"), Expected()),
    },
    "a part that says nothing": {
        part or "(empty)": (
            partial(body_part, part),
            Expected(),
        )
        for part in ("", "OTHER", "NONE", "--", "NOT STATED", "UNBEKANNT", "SIN ESPECIFICAR",
                     "NAO INFORMADO", "INCONNU", "НЕИЗВЕСТНО", "未知", "미상", "NON RENSEIGNÉ",
                     "BUCKY", "WHOLE BODY", "غير معروف")
    },
    "a part that is not known here": {
        part: (partial(body_part, part), Expected("gives the body part as"))
        for part in ("TX", "TELERADIOGRAFIA")
    },
    "another part": {
        part: (
            partial(body_part, part),
            Expected(OTHER_PART, stopped=True),
        )
        for part in ("ABDOMEN", "THORACIC SPINE", "RACHIDE TORACICO", "BRÖSTRYGG", "胸椎", "흉추",
                     "RODILLA", "HÜFTE", "ЧЕРЕП", "膝")
    },
    "kind by SOP class": {
        **{
            words: (
                partial(eight_bits, SOPClassUID=uid, Modality=None),
                Expected(f"is {words}, not a chest radiograph", refused=True),
            )
            for words, uid in {
                "a CT image": EnhancedCTImageStorage,
                "an MR image": MRImageStorage,
                "a nuclear medicine image": "1.2.840.10008.5.1.4.1.1.5",  # retired
                "a panoramic dental radiograph": XRay3DCraniofacialImageStorage,
                "a segmentation": SurfaceSegmentationStorage,
            }.items()
        },
        "CR without modality": (
            lambda: eight_bits(SOPClassUID=ComputedRadiographyImageStorage, Modality=None),
            Expected(),
        ),
    },
    "gray film in colour": {
        "RGB, planes apart": (
            lambda: marker_dicom(
                np.ascontiguousarray(with_yellow_marker().transpose(2, 0, 1)),
                PlanarConfiguration=1, Rows=384, Columns=384,
            ),
            COLOURED,
        ),
        "YBR_FULL": (
            lambda: marker_dicom(
                np.stack([FILM, np.full_like(FILM, 128), np.full_like(FILM, 128)], axis=2),
                PhotometricInterpretation="YBR_FULL",
            ),
            Expected(within=1),
        ),
        "a gray palette": (
            lambda: to_bytes(in_palette(np.array(FILM), [(e, e, e) for e in range(256)])),
            Expected(),
        ),
        "a gray palette of 16 bits": (
            lambda: to_bytes(
                in_palette(np.array(FILM), [(e * 257, e * 257, e * 257) for e in range(256)], 16)
            ),
            Expected("gives no window"),
        ),
        "a PNG on a blue base": (
            lambda: encode(
                Image.fromarray((FILM[..., None] * (0.85, 0.9, 1.0)).astype(np.uint8))
            ),
            Expected("is in colour; only its brightness", within=30),
        ),
        "half of it in colour": (
            lambda: marker_dicom(
                np.where(np.arange(384)[:, None, None] < 192, (255, 255, 0), with_yellow_marker())
                .astype(np.uint8)
            ),
            Expected("is in colour", refused=True),
        ),
    },
    "PNG and TIFF": {
        "PNG of 16-bit RGB that holds 12 bits": (
            lambda: png16(np.repeat(widened()[..., None], 3, axis=2), 2), Expected()
        ),
        "PNG of 16-bit gray with alpha that holds 12 bits": (
            lambda: png16(np.stack([widened(), np.full(FILM.shape, 65535)], axis=2), 4),
            Expected(),
        ),
        "zTXt that unpacks to much": (lambda: with_chunks(text_chunk(b"zTXt")), Expected()),
        "iTXt, three times": (lambda: with_chunks(*[text_chunk(b"iTXt")] * 3), Expected()),
        "a large colour profile": (
            lambda: with_chunks(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(9_000_000)))),
            Expected(),
        ),
        "long private and EXIF chunks": (
            lambda: with_chunks(
                chunk(b"prVt", bytes(3_000_000)), chunk(b"eXIf", b"II*\0" + bytes(3_000_000))
            ),
            Expected(),
        ),
        "TIFF of 32-bit floats, 0 to 1": (
            lambda: float_tiff((FILM / 255).astype(np.float32)), Expected()
        ),
        "TIFF of 64-bit floats, 12 bits": (lambda: float_tiff(widened() * 1.0), Expected()),
        "TIFF of 32-bit floats, LZW": (
            lambda: tiff(widened().astype(np.float32), "tiff_lzw"), Expected()
        ),
        "TIFF of 16 bits, deflated": (lambda: tiff(widened(), "tiff_deflate"), Expected()),
    },
    "no film, by its pixels": {
        "head CT, wide window": (lambda: head_slice(bone=200, brain=60), NO_FILM),
        "head CT, broad": (lambda: head_slice(wide=0.75, brain=160), NO_FILM),
        "ultrasound, narrow": (lambda: ultrasound_sector(half_angle=0.4), NO_FILM),
        "ultrasound, wide and short": (
            lambda: ultrasound_sector(half_angle=0.75, depth=1.4), NO_FILM
        ),
    },
}  # fmt: skip
