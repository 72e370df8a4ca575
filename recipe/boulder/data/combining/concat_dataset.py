"""`ConcatDataset`: the sequences of several data sets with the same streams, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from boulder.data.combining.union_dataset import UnionDataset
from boulder.data.dataset import dataset_class
from boulder.data.option_kinds import DESCRIPTION_LIST


@dataset_class("ConcatDataset")
@dataclass(kw_only=True, eq=False)
class ConcatDataset(UnionDataset):
    """
    RETURNN has only the order "default". Others order the sequences of all data sets together.

    :param datasets: descriptions
    """

    datasets: Sequence[dict] = field(metadata=DESCRIPTION_LIST)

    @property
    def descriptions(self) -> Mapping[str, dict]:
        return {f"datasets[{i}]": found for i, found in enumerate(self.datasets)}

    def sources(self, name: str) -> None:
        return None
