"""Where a run stands, down to the batch: what is saved beside the weights and counted on."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass
class Standing:
    """What has been done so far.

    Attributes:
        epoch: whole epochs, validated and in ``history``.
        batch: batches done of the epoch under way.
        learning_rate: at the first of them.
        loss: sum over these batches of films times mean loss.
        films: films in these batches.
        seconds: spent on these batches.
        waiting: seconds of them in which the network waited for its films.
        history: one row an epoch, as in ``history.csv``.
        best_epoch: the kept epoch, counting from 1; 0 before there is one.
        best_auroc: its mean validation AUROC.
        best_state: its weights.
    """

    epoch: int = 0
    batch: int = 0
    learning_rate: float = 0.0
    loss: float = 0.0
    films: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_auroc: float = float("-inf")
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def count(self, loss: float, films: int) -> None:
        """Note a batch that is done, with its mean loss."""
        self.batch += 1
        self.loss += loss * films
        self.films += films

    def close_epoch(self, row: dict[str, float]) -> None:
        """Note an epoch that is validated."""
        self.history.append(row)
        self.epoch += 1
        self.batch, self.films = 0, 0
        self.loss = self.seconds = self.waiting = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As tensors and plain values, not copied."""
        return dict(vars(self))
