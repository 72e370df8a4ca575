"""`MultiProcDataset`: in RETURNN, it reads a data set in several processes. Here, all data sets are read ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from boulder.data.combining.wrapping_dataset import WrappingDataset
from boulder.data.dataset import dataset_class
from boulder.data.option_kinds import WITHOUT_EFFECT
from boulder.data.order.order_options import OrderOptions
from boulder.errors import DataError


@dataset_class("MultiProcDataset")
@dataclass(kw_only=True, eq=False)
class MultiProcDataset(WrappingDataset):
    """
    The sequences of the inner data set, in its order. Options of the order apply unless the inner data set sets them.

    :param num_workers: without effect
    :param buffer_size: without effect
    :param sharding_method: only "seq_order", with which the order does not depend on the number of processes
    """

    handed_down: ClassVar[tuple[str, ...]] = tuple(f.name for f in fields(OrderOptions))

    num_workers: int = field(default=1, metadata=WITHOUT_EFFECT)
    buffer_size: int = field(default=1, metadata=WITHOUT_EFFECT)
    sharding_method: str = "seq_order"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sharding_method != "seq_order":
            raise DataError(
                f"sharding_method: found {self.sharding_method!r:.60}, expected 'seq_order', with which the order does not "
                "depend on the number of processes"
            )

    @property
    def _inner_description(self) -> Mapping[str, Any]:
        given = {f.name: getattr(self, f.name) for f in fields(OrderOptions) if getattr(self, f.name) != f.default}
        return {**given, **self.dataset}
