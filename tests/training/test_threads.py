"""How many threads: what was asked for, what the run had, or the faster of two."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cxr_core.training import threads
from cxr_core.training.device import Accelerator
from cxr_core.training.threads import (
    available_cpus,
    batch_timer,
    cgroup_quota,
    choose_threads,
    use_threads,
)
from tests.training.easy_films import CONFIG


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    return tmp_path / "no-such-file"


def test_the_quota_of_a_container_of_version_2(tmp_path: Path, nobody: Path) -> None:
    _write(tmp_path / "cpu.max", "250000 100000\n")
    assert cgroup_quota(tmp_path, nobody) == 2.5
    _write(tmp_path / "cpu.max", "max 100000\n")
    assert cgroup_quota(tmp_path, nobody) == math.inf


def test_the_quota_of_a_container_of_version_1(tmp_path: Path, nobody: Path) -> None:
    _write(tmp_path / "cpu" / "cpu.cfs_quota_us", "150000\n")
    _write(tmp_path / "cpu" / "cpu.cfs_period_us", "100000\n")
    assert cgroup_quota(tmp_path, nobody) == 1.5
    _write(tmp_path / "cpu" / "cpu.cfs_quota_us", "-1\n")
    assert cgroup_quota(tmp_path, nobody) == math.inf


def test_the_tightest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    _write(own, "0::/slice/job\n")
    _write(root / "slice" / "cpu.max", "300000 100000\n")
    _write(root / "slice" / "job" / "cpu.max", "max 100000\n")
    assert cgroup_quota(root, own) == 3
    assert cgroup_quota(tmp_path / "nothing", tmp_path / "nobody") == math.inf


def test_cores_are_whole_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.process_cpu_count", lambda: 8, raising=False)
    for quota, cores in ((math.inf, 8), (2.5, 3), (0.2, 1)):
        monkeypatch.setattr(threads, "cgroup_quota", lambda quota=quota: quota)
        assert available_cpus() == cores


@pytest.fixture
def eight_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_cpus", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(("seconds", "chosen"), [({8: 9.0, 4: 1.0}, 4), ({8: 1.0, 4: 1.5}, 8)])
def test_the_faster_of_all_and_half_is_taken_and_said(
    eight_threads: None,
    caplog: pytest.LogCaptureFixture,
    seconds: dict[int, float],
    chosen: int,
) -> None:
    with caplog.at_level("INFO"):
        assert choose_threads(None, None, seconds.__getitem__) == chosen
    assert f"training with {chosen} (--threads N sets another number)" in caplog.text


def test_a_number_that_somebody_chose_is_not_measured(
    eight_threads: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def never(_: int) -> float:
        raise AssertionError("measured")

    assert choose_threads(3, None, never) == 3
    assert choose_threads(None, 5, never) == 5
    assert choose_threads(None, None, None) == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert choose_threads(None, None, never) == 8
    assert not caplog.text
    assert choose_threads(3, 5, never) == 3
    assert "started with 5 threads; with 3 its weights will not come out the same" in caplog.text


def test_the_timer_leaves_no_trace() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    before = torch.get_num_threads()
    config = replace(CONFIG, px=32, low_res_px=0, batch_size=2)
    assert batch_timer(config, Accelerator(torch.device("cpu"), bf16=False))(1) > 0
    assert torch.get_num_threads() == before
    assert torch.equal(torch.rand(3), expected)


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with use_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
