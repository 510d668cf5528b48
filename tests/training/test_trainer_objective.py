"""The loss: plain cross-entropy, and the two things that may be learnt beside it."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from cxr_core.data.boxes import MASK_SIDE, BoxMasks
from cxr_core.model.architectures import build_model
from cxr_core.model.network import ChestNetwork
from cxr_core.training.device import Accelerator
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Objective, box_loss

ENGINE = Accelerator(torch.device("cpu"), bf16=False)


@pytest.fixture(scope="module")
def network() -> ChestNetwork:
    torch.manual_seed(0)
    return build_model().eval()


def _region(film: int, finding: int, *, rows: slice, columns: slice) -> BoxMasks:
    drawn = torch.zeros(1, MASK_SIDE, MASK_SIDE)
    drawn[0, rows, columns] = 1
    return BoxMasks(torch.tensor([film]), torch.tensor([finding]), drawn)


UPPER_LEFT = {"rows": slice(0, MASK_SIDE // 2), "columns": slice(0, MASK_SIDE // 2)}


def test_by_default_it_is_binary_cross_entropy_of_the_logits(network: ChestNetwork) -> None:
    images, labels = torch.rand(2, 3, 64, 64), torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 1]])
    objective = Objective(network, BASELINE, ENGINE).eval()
    expected = functional.binary_cross_entropy_with_logits(network(images), labels)
    torch.testing.assert_close(objective(images, labels), expected)
    assert set(objective.state_dict()) == {f"network.{key}" for key in network.state_dict()}


def test_smoothing_and_positive_weights(network: ChestNetwork) -> None:
    images, labels = torch.rand(1, 3, 64, 64), torch.tensor([[1.0, 0, 0, 0]])
    weight = torch.tensor([3.0, 1, 1, 1])
    config = replace(BASELINE, label_smoothing=0.1)
    objective = Objective(network, config, ENGINE, pos_weight=weight).eval()
    expected = functional.binary_cross_entropy_with_logits(
        network(images), torch.tensor([[0.95, 0.05, 0.05, 0.05]]), pos_weight=weight
    )
    torch.testing.assert_close(objective(images, labels), expected)


def test_other_findings_add_their_own_cross_entropy(network: ChestNetwork) -> None:
    images, labels = torch.rand(2, 3, 64, 64), torch.zeros(2, 15)
    plain = Objective(network, BASELINE, ENGINE).eval()(images, labels[:, :4])
    config = replace(BASELINE, auxiliary_loss_weight=0.5)
    objective = Objective(network, config, ENGINE, n_auxiliary=11).eval()
    # The head of the others starts at zero: probability one half, ln 2 a label.
    torch.testing.assert_close(objective(images, labels) - plain, torch.tensor(0.5 * math.log(2)))


def test_boxes_count_only_where_they_are_given_weight(network: ChestNetwork) -> None:
    images, labels = torch.rand(1, 3, 64, 64), torch.zeros(1, 4)
    region = _region(0, 0, **UPPER_LEFT)
    plain = Objective(network, BASELINE, ENGINE).eval()
    assert plain(images, labels, region) == plain(images, labels)
    drawn = Objective(network, replace(BASELINE, box_loss_weight=1.0), ENGINE).eval()
    assert drawn(images, labels, region) > drawn(images, labels)


def _features(*, at: tuple[int, int], value: float) -> torch.Tensor:
    """(1, 1024, 4, 4): one cell of the first channel has a value."""
    features = torch.zeros(1, 1024, 4, 4)
    features[0, 0, at[0], at[1]] = value
    return features


def test_even_evidence_lies_in_the_box_by_its_area() -> None:
    weight = torch.ones(4, 1024)
    features = torch.ones(2, 1024, 4, 4)
    loss = box_loss(features, weight, _region(1, 2, **UPPER_LEFT))
    # A quarter of the cells, on one film of two.
    torch.testing.assert_close(loss, torch.tensor(math.log(4) / 2))


def test_evidence_inside_costs_nothing_and_outside_much() -> None:
    weight = torch.zeros(4, 1024)
    weight[0, 0] = 1
    region = _region(0, 0, **UPPER_LEFT)
    assert box_loss(_features(at=(0, 0), value=50), weight, region) < 1e-5
    assert box_loss(_features(at=(3, 3), value=10), weight, region) > 5
    # Evidence against the finding, far from the box, is no fault.
    assert box_loss(_features(at=(3, 3), value=-50), weight, region) < math.log(4)


def test_a_box_out_of_view_or_of_an_unknown_column_counts_nothing() -> None:
    weight, features = torch.ones(4, 1024), torch.rand(1, 1024, 4, 4)
    hidden = _region(0, 0, rows=slice(0, 0), columns=slice(0, 0))
    assert box_loss(features, weight, hidden) == 0
    assert box_loss(features, weight, _region(0, 14, **UPPER_LEFT)) == 0


def test_its_gradient_moves_evidence_into_the_box() -> None:
    weight = torch.zeros(4, 1024)
    weight[0, 0] = 1
    features = torch.zeros(1, 1024, 4, 4, requires_grad=True)
    box_loss(features, weight, _region(0, 0, **UPPER_LEFT)).backward()
    assert features.grad is not None
    pull = -features.grad[0, 0]  # (4, 4)
    assert (pull[:2, :2] > 0).all()
    assert (pull[2:] < 0).all()
    # What goes in is what comes out, so the film's logit is not pulled at.
    assert pull.sum().abs() < 1e-6
