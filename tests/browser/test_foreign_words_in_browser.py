"""A name in a film that would be links, pictures and icons, as Chromium draws it in a label."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.helpers.browser import press, upload
from tests.helpers.dicom_files import patient_dicom

# The signs that Streamlit obeys after backslashes are gone are among them: addresses, icons, emoji,
# arrows and dashes.
WORDS = "[a](x) ![p](x) $x$ <b>B</b> **b** `c` a--b -> :red[r] www.e.org"
OTHER = ":material/delete: :smile: :red-badge[n] http://e.org a@e.org $$"


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")
@pytest.mark.parametrize("words", [WORDS, OTHER])
def test_the_patients_name_in_a_label_is_text_and_nothing_else(
    page: Page, app_url: str, words: str
) -> None:
    film = patient_dicom(PatientName=words, PatientID="1")
    payload: FilePayload = {"name": "film.dcm", "mimeType": "", "buffer": film}
    page.goto(f"{app_url}/Read")
    upload(page, payload)
    press(page, page.get_by_text("Export", exact=True))
    label = page.locator("label").filter(has_text="Export the DICOM overlay into").first
    expect(label).to_contain_text(words.replace(":material/", ":\u2060material/"))
    made_of_it = label.locator("a, img, b, strong, em, .katex, [data-testid=stIconMaterial]")
    assert made_of_it.count() == 0
    looks = "element => getComputedStyle(element).fontFamily"
    above = "element => getComputedStyle(element.parentElement).fontFamily"
    words_in_code = label.locator("code")
    assert words_in_code.evaluate(looks) == words_in_code.evaluate(above)
