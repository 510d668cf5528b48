"""Many films: read one after the other, listed in an order that says where to look first."""

from cxr_core.ui import worklist
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.page import begin_page, guard, quiet
from cxr_core.ui.words import RESEARCH_TOOL
from cxr_core.ui.worklist_view import films, welcome

begin_page("Worklist")
with guard():
    mine = worklist.current()
    if mine.sources or mine.not_taken:
        films(shared_analyzer(), mine)
    else:
        welcome()
quiet(RESEARCH_TOOL)
