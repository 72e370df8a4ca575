"""Layers that read further layers, named by options other than `from`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from boulder.network.concat_layer import ConcatLayer
from boulder.network.site import Site


class FurtherSources(ConcatLayer):
    """A layer with further sources, which follow the sources of `from`.

    :param further: options that name a further source if their value is a string
    """

    some_sources_suffice = False
    further: ClassVar[tuple[str, ...]]

    def _named(self) -> list[str]:
        return [option for option in self.further if isinstance(getattr(self, option), str)]

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *(getattr(self, option) for option in self._named()))

    def divided(self, sources: Sequence) -> tuple[Sequence, dict[str, Any]]:
        """
        :param sources: all sources, in the spec half or the compute half
        :return: the sources of `from`; and option → further source
        """
        count = len(super().source_names())
        return sources[:count], dict(zip(self._named(), sources[count:], strict=True))

    def site_of_input(self, site: Site) -> Site:
        """:return: `site` with the sources of `from` only"""
        return replace(site, sources=list(self.divided(site.sources)[0]))
