"""The app as it is served: ``streamlit run serve.py``, which ``make app`` does.

``app.py`` is the first page; around it stand the request guard, the sign-in, the stores that keep
sessions, uploads and exports within bounds, and ``/healthz``.
"""

import sys

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from cxr_core.errors import CXRError
from cxr_core.server.guard import HostRule, RequestGuard
from cxr_core.server.health import HEALTH_PATH, HealthCheck
from cxr_core.server.own_address import ask_nobody, where_served
from cxr_core.server.signed_in import SignedInOnly
from cxr_core.server.stores import Stores
from cxr_core.ui.limits import Limits
from cxr_core.ui.sign_in import check_start

ask_nobody()
try:
    check_start()
except CXRError as error:
    sys.exit(f"The app was not started. {error}")

stores = Stores(
    Limits.from_environment(),
    max_upload_bytes=st.get_option("server.maxUploadSize") * 2**20,
    max_message_bytes=st.get_option("server.maxWidgetStateSize") * 2**20,
)
app = st.App(
    "app.py",
    routes=[Route(HEALTH_PATH, HealthCheck().respond, methods=["GET"])],
    middleware=[
        Middleware(
            RequestGuard,
            hosts=HostRule(
                tuple(st.get_option("server.allowedHosts")), st.get_option("server.address")
            ),
            origins=tuple(st.get_option("server.corsAllowedOrigins")),
        ),
        Middleware(SignedInOnly),
        *stores.middleware,
    ],
    lifespan=stores.lifespan,
)
stores.install(app)
sys.stdout.write(f"The app is at {where_served(st.get_option('server.address'))}\n")
sys.stdout.flush()
