"""The list itself: a page of rows, each a button that opens its film in Read, and the way back."""

import streamlit as st

from cxr_core.ui import worklist
from cxr_core.ui.page import quiet
from cxr_core.ui.prevalence import site_prevalence
from cxr_core.ui.worklist import Worklist
from cxr_core.ui.worklist_rows import UNREADABLE, FilmRow, row_html

ROWS_A_PAGE = 25
ORDER = (
    "Order: stopped or unreadable films, then by the largest margin (in logits) of Effusion, "
    "Atelectasis or Infiltration over its operating point. No Finding has no part in it."
)
NOT_REBASED = "Probabilities here are not at your prevalence; only those in Read are."
WORKLIST_PAGE = "pages/2_Worklist.py"


def film_list(films: Worklist) -> None:
    """The rows that the filter shows, a page of them."""
    rows = films.listed()
    site = f" {NOT_REBASED}" if site_prevalence() else ""
    quiet(f"{len(rows)} of {len(films.sources)} films. {ORDER}{site}")
    returned = _page_of_return(films, rows)
    pages = max(1, -(-len(rows) // ROWS_A_PAGE))
    films.page = min(films.page, pages - 1)
    first = films.page * ROWS_A_PAGE
    st.html('<h2 class="hidden">Films</h2>')
    with st.container(key="films", gap="xsmall"):
        for place in range(first, first + ROWS_A_PAGE):
            if place < len(rows):
                _row(films, rows[place], place + 1)
            else:
                st.empty()  # what stood here under another filter would stay while films are read
    if pages > 1:
        _pager(films, len(rows), first)
    else:
        st.empty()
    if returned is not None:
        _bring_into_view(returned)
    else:
        st.empty()


def _row(films: Worklist, row: FilmRow, place: int) -> None:
    with st.container(key=f"film_{row.number}"):
        st.html(row_html(row, place=place, opened=row.number in films.opened))
        if row.status != UNREADABLE:
            # A callback: whatever a drawing is interrupted by, it has been heard.
            st.button(
                f"Open film {row.number} in Read",
                key=f"open_{row.number}",
                on_click=worklist.open_film,
                args=(row.number,),
            )
        else:
            st.empty()


def _pager(films: Worklist, total: int, first: int) -> None:
    with st.container(
        key="pager", horizontal=True, vertical_alignment="center", horizontal_alignment="center"
    ):
        last = min(first + ROWS_A_PAGE, total)
        st.button(
            "Previous page", disabled=first == 0, on_click=_turn, args=(films, -1), key="page_back"
        )
        st.markdown(f"{first + 1} to {last} of {total}", width="content")
        st.button(
            "Next page", disabled=last == total, on_click=_turn, args=(films, 1), key="page_on"
        )


def _turn(films: Worklist, pages: int) -> None:
    films.page += pages


def _page_of_return(films: Worklist, rows: list[FilmRow]) -> int | None:
    """After a film was open in Read: turn to the page it stands on; returns its number, once."""
    number, films.return_to = films.return_to, None
    numbers = [row.number for row in rows]
    if number not in numbers:
        return None
    films.page = numbers.index(number) // ROWS_A_PAGE
    return number


def _bring_into_view(number: int) -> None:
    """Scroll to a row and give it the keyboard's focus, as soon as the browser has drawn it."""
    st.html(
        f"""<script>(() => {{
            let tries = 50;
            const timer = setInterval(() => {{
                const row = document.querySelector('.st-key-film_{number:d}');
                const button = row?.querySelector('button');
                if (button) {{
                    row.scrollIntoView({{block: 'center'}});
                    button.focus({{preventScroll: true}});
                }}
                if (button || --tries < 0) clearInterval(timer);
            }}, 100);
        }})()</script>""",
        unsafe_allow_javascript=True,
    )


def worklist_link() -> None:
    """On the Read page: the way back, and on to the next film; nothing for other films."""
    number = worklist.open_number()
    if number is None:
        return
    films = worklist.current()
    films.return_to, films.leaving = number, False
    numbers = [row.number for row in films.listed() if row.status != UNREADABLE]
    place = numbers.index(number) if number in numbers else -1
    following = numbers[place + 1] if place + 1 < len(numbers) else None
    with st.container(key="from_worklist", horizontal=True, vertical_alignment="center"):
        st.markdown(f"Film {number}", width="content")
        st.page_link(WORKLIST_PAGE, label="Back to the worklist", icon=":material/arrow_back:")
        if following is not None:
            st.button(
                "Next film",
                key="next_film",
                icon=":material/arrow_forward:",
                on_click=worklist.open_film,
                args=(following,),
            )
