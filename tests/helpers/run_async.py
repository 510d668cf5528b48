"""Coroutines in tests that share a process with a browser."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def run_async(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """What it returns. It runs in a thread of its own, as Playwright keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
