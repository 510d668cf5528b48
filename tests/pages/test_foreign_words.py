"""Words of files, tables and paths that would be links, pictures or icons, on all pages."""

import io
import json
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.phantom.draw import phantom_png
from tests.helpers.dicom_files import patient_dicom
from tests.helpers.pages import HOME, MODEL_CARD, PERFORMANCE, READ, WORKLIST, upload_film
from tests.helpers.predictions import make_predictions

WORDS = (
    "[a](http://evil.example) ![p](http://evil.example) :material/delete: :smile: $x^2$ "
    "<b>B</b> **bold** `c` www.evil.example a@evil.example :red[r]"
)
NO_SLASH = WORDS.replace("/", "_")  # a file's name
NEEDLES = ("evil.example", ":material", "$x^2$", "<b>B", "**bold**", ":red[")
# What Streamlit reads Markdown in: what these elements say, and what all widgets are called.
SPOKEN = ("error", "warning", "info", "success", "markdown", "caption", "header", "subheader",
          "title")  # fmt: skip
LABELLED = ("button", "checkbox", "toggle", "text_input", "text_area", "selectbox", "number_input",
            "tabs", "expander", "button_group", "slider", "metric", "radio")  # fmt: skip


class Tags(HTMLParser):
    """Tags and attributes of a piece of HTML, apart from its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.found += [value or "" for name, value in attrs if name not in ("alt", "aria-label")]


def without_code(markdown: str) -> str:
    """What Streamlit would look for links and icons in."""
    return re.sub(r"\\.", "", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown))


def assert_only_text(session: AppTest) -> str:
    """All that a page says; nothing of ``WORDS`` may be more than text in it."""
    assert not session.exception
    said = []
    for kind in SPOKEN:
        said += [str(getattr(element, "value", "")) for element in session.get(kind)]
    for kind in LABELLED:
        said += [str(getattr(element, "label", "")) for element in session.get(kind)]
    for markdown in said:
        active = without_code(markdown)
        assert not [needle for needle in NEEDLES if needle in active], active
    bodies = [element.proto.body for element in session.get("html")]
    for body in bodies:
        tags = Tags()
        tags.feed(body)
        assert "b" not in tags.found
        assert not [value for value in tags.found if "evil.example" in value or "://" in value]
    charts = [chart.proto.spec for chart in session.get("plotly_chart")]
    for chart in charts:
        assert "<b>B" not in json.dumps(json.loads(chart), ensure_ascii=False)
    return " ".join([*said, *bodies, *charts])


@pytest.fixture
def hostile_model(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model under a path of such words, its card full of them."""
    folder = Path(shutil.copytree(model, tmp_path / NO_SLASH))
    words = WORDS.replace("**bold**", "")  # emphasis is a card's own
    card = f"# Title\n\n## Limits\n\n{words}\n\n| {words} |\n|---|\n"
    (folder / "MODEL_CARD.md").write_text(card)
    monkeypatch.setenv("CXR_MODEL", str(folder))
    return folder


@pytest.mark.parametrize("page", [HOME, READ, WORKLIST, PERFORMANCE])
def test_a_path_in_an_error(open_page, hostile_model, page) -> None:
    (hostile_model / "model.json").write_text("{")
    session = open_page(page)
    if page == READ:
        upload_film(session, phantom_png(1, size=128))
    if page == WORKLIST:
        session.file_uploader[0].upload("a.png", phantom_png(1, size=128))
        session.run()
    assert "evil.example" in assert_only_text(session)
    assert session.error


def test_the_model_card(open_page, hostile_model) -> None:
    text = assert_only_text(open_page(MODEL_CARD))
    assert "## Limits" in text
    assert "evil.example" in text


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")
def test_the_names_and_tags_of_a_film_on_read(open_page) -> None:
    film = patient_dicom(
        PatientName=NO_SLASH[:60], PatientID=WORDS[:60], StudyDescription=WORDS[:60],
        ViewPosition="<b>B</b>", WindowCenter=128, WindowWidth=256,
        WindowCenterWidthExplanation="**bold**",
    )  # fmt: skip
    session = upload_film(open_page(READ), film, f"{NO_SLASH}.dcm")
    assert not session.error
    assert "evil.example" in assert_only_text(session)  # the label of the patient's own study
    upload_film(session, b"no film", f"{NO_SLASH}.png")
    assert_only_text(session)


def test_the_names_of_a_worklist(open_page) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{NO_SLASH}/{NO_SLASH}.png", phantom_png(1, size=128))
        archive.writestr(f"{NO_SLASH}.tif", b"no film")
    session = open_page(WORKLIST)
    session.file_uploader[0].upload(f"{NO_SLASH}.zip", stream.getvalue())
    session.run()
    text = assert_only_text(session)
    assert "evil.example" in text
    open_button = next(button for button in session.button if button.key == "open_1")
    open_button.click().run()
    assert_only_text(session)


def test_the_cells_of_a_table_on_performance(open_page) -> None:
    table = make_predictions(120)
    table["group"] = WORDS
    table["view"] = [WORDS if n % 2 else "AP" for n in range(120)]
    table["image"] = [f"{n} {NO_SLASH}.png" for n in range(120)]
    session = open_page(PERFORMANCE)
    session.file_uploader[0].upload(f"{NO_SLASH}.csv", table.to_csv(index=False).encode())
    session.run()
    assert not session.error
    text = assert_only_text(session)
    assert "evil.example" in text
    assert "&lt;b&gt;B&lt;/b&gt;" in text
    broken = table.rename(columns={"label_effusion": WORDS})
    session.file_uploader[0].upload("broken.csv", broken.to_csv(index=False).encode())
    session.run()
    text = assert_only_text(session)
    assert "Without label or score, so not measured: Effusion." in text
    for cell in ("label_effusion", "logit_effusion"):
        bad = table.astype({cell: object})
        bad.loc[3, cell] = WORDS
        session.file_uploader[0].upload("bad.csv", bad.to_csv(index=False).encode())
        session.run()
        assert "evil.example" in session.error[0].value
        assert_only_text(session)


def test_a_typed_path_on_performance(open_page) -> None:
    session = open_page(PERFORMANCE)
    session.text_input(key="performance_source_a_path").set_value(WORDS).run()
    assert "evil.example" in session.error[0].value
    assert_only_text(session)
