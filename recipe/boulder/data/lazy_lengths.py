"""`LazyLengths`: the lengths of streams, measured when they are asked for."""

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np


class LazyLengths(Mapping[str, np.ndarray]):
    """
    :param keys: streams
    :param measure: stream → [N]; it may be called again for the same stream
    """

    def __init__(self, keys: Collection[str], measure: Callable[[str], np.ndarray]) -> None:
        self._keys, self._measure = keys, measure

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self._keys:
            raise KeyError(key)
        return self._measure(key)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
