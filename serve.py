"""The app as it is served: ``streamlit run serve.py``, which ``make app`` does.

``app.py`` is the first page; around it stand the request guard and ``/healthz``.
"""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from cxr_core.server.guard import HostRule, RequestGuard
from cxr_core.server.health import HEALTH_PATH, HealthCheck

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
        )
    ],
)
