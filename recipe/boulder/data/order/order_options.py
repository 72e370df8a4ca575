"""`OrderOptions`: the options of a data set that decide which sequences an epoch has, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from boulder.data.option_checks import check_file, check_flags, check_integer
from boulder.data.option_kinds import PATH
from boulder.data.order.epoch_filter import EpochFilter, read_epoch_filters
from boulder.data.order.sequence_order import OrderKind, check_order
from boulder.errors import DataError

OF_ORDER = ("seq_ordering", "order_by", "seq_order_seq_lens_file", "fixed_random_seed", "random_seed_offset")
"""The options without effect on which sequences an epoch has, unless `order_selects`."""


@dataclass(kw_only=True, eq=False)
class OrderOptions:
    """
    Names and rules are RETURNN's. They apply in this order, see `boulder.data.order.epoch_order`.

    :param seq_ordering: order of the sequences in an epoch, by RETURNN's rules and random numbers, see
        `boulder.data.order.sequence_order`; None: the training option `batching`, with Boulder's random numbers
    :param order_by: stream whose lengths decide the order; None: the first stream of the data set for `seq_ordering`, the
        default input of the network for `batching`
    :param seq_order_seq_lens_file: a file with a dict, tag → length, in Python or JSON, `.gz` is unpacked: these lengths
        decide the order instead
    :param fixed_random_seed: seed of all epochs; None: the number of the pass over the data
    :param random_seed_offset: added to that number
    :param unique_seq_tags: of several sequences with the same tag, only the first in the order is used
    :param partition_epoch: an epoch is one of this many parts of the data, the next epoch the next part
    :param repeat_epoch: an epoch has all sequences this many times
    :param seq_list_filter_file: a file with the tags of the sequences to use, one per line, or a pickled list (`.pkl`); `.gz`
        is unpacked
    :param epoch_wise_filter: `{(1, 5): {"max_mean_len": 50}}`: in epochs 1 to 5, the shortest sequences, until their mean
        length exceeds 50
    """

    own_orders: ClassVar[tuple[str, ...]] = ()
    """Orders that only this class has."""

    seq_ordering: str | None = None
    order_by: str | None = None
    seq_order_seq_lens_file: str | None = field(default=None, metadata=PATH)
    fixed_random_seed: int | None = None
    random_seed_offset: int = 0
    unique_seq_tags: bool = False
    partition_epoch: int = 1
    repeat_epoch: int = 1
    seq_list_filter_file: str | None = field(default=None, metadata=PATH)
    epoch_wise_filter: Mapping | list | None = None

    def __post_init__(self) -> None:
        """:raises DataError: if an option has a wrong value"""
        if self.seq_ordering is not None and self.seq_ordering not in self.own_orders:
            check_order(self.seq_ordering, "seq_ordering")
        if self.order_by is not None and not isinstance(self.order_by, str):
            raise DataError(f"order_by: found {self.order_by!r:.60}, expected the name of a stream")
        for name in ("seq_order_seq_lens_file", "seq_list_filter_file"):
            check_file(name, getattr(self, name))
        for name, lowest in (("partition_epoch", 1), ("repeat_epoch", 1), ("random_seed_offset", 0)):
            check_integer(name, getattr(self, name), lowest)
        if self.fixed_random_seed is not None:
            check_integer("fixed_random_seed", self.fixed_random_seed, 0)
        check_flags(self, ["unique_seq_tags"])
        if self.partition_epoch > 1 and self.repeat_epoch > 1:
            raise DataError(
                f"found partition_epoch {self.partition_epoch} and repeat_epoch {self.repeat_epoch}, expected only one"
            )
        self._filters = read_epoch_filters(self.epoch_wise_filter)

    @property
    def order_files(self) -> list[str]:
        """The files that decide the order."""
        return [file for file in (self.seq_order_seq_lens_file, self.seq_list_filter_file) if file is not None]

    @property
    def order_selects(self) -> bool:
        """Whether the order decides which sequences an epoch has."""
        selects = self.partition_epoch > 1 or self.unique_seq_tags or bool(self._filters)
        return selects or (self.seq_ordering is not None and OrderKind.parse(self.seq_ordering).selects)

    def filters(self, epoch: int) -> list[EpochFilter]:
        """:return: the filters of an epoch, in the order in which they apply"""
        return [found for found in self._filters if found.first <= epoch <= found.last]

    def partition(self, epoch: int) -> int:
        """
        :param epoch: counted from 1
        :return: number of the part of the data that the epoch has, from 0
        """
        return (epoch - 1) % self.partition_epoch

    def pass_over_data(self, epoch: int, epochs: int = 1) -> int:
        """
        :param epoch: counted from 1
        :param epochs: number of passes that count as one
        :return: number of the pass over the data, counted from 1
        """
        return (epoch - 1) // self.partition_epoch // epochs + 1

    def random_seed(self, epoch: int, epochs: int = 1) -> int:
        """:return: RETURNN's seed; for the parameters see `pass_over_data`"""
        if self.fixed_random_seed is not None:
            return self.fixed_random_seed
        return self.pass_over_data(epoch, epochs) + self.random_seed_offset

    def order_key(self, epoch: int) -> tuple:
        """:return: what the order of an epoch depends on: two epochs of the same key have the same order"""
        if self.seq_ordering is None:  # the order is decided elsewhere
            return (epoch,)
        kind = OrderKind.parse(self.seq_ordering)
        seed = self.random_seed(epoch, kind.epochs) if kind.is_random else None
        return seed, self.partition(epoch), self.filters(epoch)
