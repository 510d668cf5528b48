"""Many films: read one after the other, listed in an order that says where to look first."""

from cxr_core.export.record import RESEARCH_TOOL
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.shell import begin_page, caption, report_errors
from cxr_core.ui.worklist import session as worklist
from cxr_core.ui.worklist.page import welcome, worklist_panel

begin_page("Worklist")
with report_errors():
    mine = worklist.current_worklist()
    if mine.sources or mine.n_rejected:
        worklist_panel(shared_analyzer(), mine)
    else:
        welcome()
caption(RESEARCH_TOOL)
