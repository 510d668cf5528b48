"""Many films: read one after the other, listed in an order that says where to look first."""

from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.shell import begin_page, guard, quiet
from cxr_core.ui.words import RESEARCH_TOOL
from cxr_core.ui.worklist import session as worklist
from cxr_core.ui.worklist.page import films, welcome

begin_page("Worklist")
with guard():
    mine = worklist.current()
    if mine.sources or mine.not_taken:
        films(shared_analyzer(), mine)
    else:
        welcome()
quiet(RESEARCH_TOOL)
