"""The app as it is served: ``streamlit run serve.py``, which ``make app`` does.

``app.py`` is the first page; around it stand the request guard, the stores that keep sessions,
uploads and exports within bounds, and ``/healthz``.
"""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from cxr_core.server.guard import HostRule, RequestGuard
from cxr_core.server.health import HealthCheck
from cxr_core.server.stores import Stores
from cxr_core.ui.limits import Limits

stores = Stores(
    Limits.from_environment(), max_upload_bytes=st.get_option("server.maxUploadSize") * 2**20
)
app = st.App(
    "app.py",
    routes=[Route("/healthz", HealthCheck().respond, methods=["GET"])],
    middleware=[
        Middleware(
            RequestGuard,
            hosts=HostRule(
                tuple(st.get_option("server.allowedHosts")), st.get_option("server.address")
            ),
            origins=tuple(st.get_option("server.corsAllowedOrigins")),
        ),
        *stores.middleware,
    ],
    lifespan=stores.lifespan,
)
stores.install(app)
