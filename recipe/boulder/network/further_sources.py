"""Layers that read other layers than those of `from`, through options that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from boulder.network.layer import ConcatLayer, Site


class FurtherSources(ConcatLayer):
    """A layer some of whose options name layers; these are sources, too, after those of `from`.

    :param further: the options; one that is no string names no layer
    """

    some_sources_suffice = False
    further: ClassVar[tuple[str, ...]]

    def _named(self) -> list[str]:
        return [option for option in self.further if isinstance(getattr(self, option), str)]

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *(getattr(self, option) for option in self._named()))

    def divided(self, sources: Sequence) -> tuple[Sequence, dict[str, Any]]:
        """
        :param sources: of the spec half or of the compute half
        :return: those of `from`; and option → the one that it names
        """
        count = len(super().source_names())
        return sources[:count], dict(zip(self._named(), sources[count:], strict=True))

    def site_of_input(self, site: Site) -> Site:
        """:return: the same with the sources of `from` only"""
        return replace(site, sources=list(self.divided(site.sources)[0]))
