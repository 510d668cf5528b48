"""The server's start and end pass through all that stands around the app; the sweep needs them."""

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from cxr_core.server.exports import ExportGuard, ExportStorage
from cxr_core.server.guard import HostRule, RequestGuard
from cxr_core.server.signed_in import SignedInOnly
from cxr_core.server.uploads import ExpectedUploads, UploadGuard
from cxr_core.ui.limits import Limits
from tests.helpers.run_async import run_async

UPLOADS = ExpectedUploads("/_stcore/upload_file", Limits())
EXPORTS = ExportStorage("/media")


@pytest.mark.parametrize(
    "around",
    [
        lambda app: RequestGuard(app, hosts=HostRule(), origins=()),
        SignedInOnly,
        lambda app: UploadGuard(app, uploads=UPLOADS, max_bytes=1),
        lambda app: ExportGuard(app, storage=EXPORTS, browser_of=lambda session: None),
    ],
    ids=["guard", "sign-in", "uploads", "exports"],
)
def test_a_scope_without_a_path_is_passed_on(around: type[SignedInOnly]) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    wrapped: ASGIApp = around(app)
    # An error here is taken by the server for an app that has no start, and nothing is freed.
    run_async(wrapped({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
