"""A gate made by hand, whose decisions can be told beforehand."""

from dataclasses import replace

import numpy as np

from cxr_core.config import GateParameters

SIDE = 8


def brightness_gate(threshold: float = -1.0) -> GateParameters:
    """Knows one thing: an upright film is brighter in its lower half than in its upper half.

    One component, the difference of the halves, goes through one hidden unit: the more positive,
    the more upright; a negative one is "inverted".
    """
    difference = np.ones((SIDE, SIDE))
    difference[: SIDE // 2] = -1
    arrays = {
        "mean": np.zeros(SIDE * SIDE),
        "components": difference.reshape(1, -1) / (SIDE * SIDE),
        "hidden": np.ones((1, 1, 1)),
        "hidden_bias": np.zeros((1, 1)),
        "output": np.array([[[20.0, 0.0]]]),
        "output_bias": np.array([[-5.0, 5.0]]),
    }
    return GateParameters(
        class_names=("upright", "inverted"),
        threshold=threshold,
        arrays={name: array.astype(np.float32) for name, array in arrays.items()},
        n_films=300,
        false_rejection_rate=0.01,
    )


def template_gate(template: np.ndarray) -> GateParameters:
    """Knows one picture (``SIDE``, ``SIDE``): upright is what is more than half alike to it."""
    standard = (template - template.mean()) / template.std()
    return replace(
        brightness_gate(threshold=float(np.log(0.5))),
        arrays=brightness_gate().arrays
        | {
            "components": (standard.reshape(1, -1) / standard.size).astype(np.float32),
            "output": np.array([[[40.0, 0.0]]], np.float32),
            "output_bias": np.array([[-10.0, 10.0]], np.float32),
        },
    )


def with_probe(threshold: float = 0.0) -> GateParameters:
    """``brightness_gate`` whose probe is the first of two features less the second, plus 0.5."""
    gate = brightness_gate()
    probe = {"probe_mean": [0.0, 0.0], "probe_weight": [1.0, -1.0], "probe_bias": [0.5]}
    arrays = {name: np.array(values, np.float32) for name, values in probe.items()}
    return replace(gate, arrays=gate.arrays | arrays, probe_threshold=threshold)
