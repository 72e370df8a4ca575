"""The options `filter`, `filter_perm` and `bias` of convolutions: layers in place of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor
from boulder.network.axes import FEATURE, SPATIAL, Axis
from boulder.network.axis_order import in_order
from boulder.network.further_sources import FurtherSources
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class Convolution(FurtherSources):
    """
    :param filter: layer that gives the filter, in place of a parameter
    :param filter_perm: axis → axis, another order of the axes of `filter`, see `perm` of `transpose`
    :param bias: layer with the bias [n_out], in place of a parameter
    """

    further: ClassVar[tuple[str, ...]] = ("filter", "bias")

    filter: str | None = None
    filter_perm: dict | list[object] | None = None
    bias: str | None = None

    @property
    def some_sources_suffice(self) -> bool:  # type: ignore[override]  # it depends on the options
        return not self._named()

    def check_given(self, site: Site, sizes: Sequence[int], in_and_out: Sequence[Axis]) -> None:
        """
        :param sizes: of the filter
        :param in_and_out: axes of the filter after those of its sizes: input and output features, or the other way round
        :raises NetworkError: if `filter` or `bias` do not fit
        """
        given = self.divided(site.sources)[1]
        if self.filter_perm is not None and "filter" not in given:
            raise site.fail("'filter_perm' needs a 'filter'")
        if "filter" in given:
            self._order(given["filter"][1], sizes, in_and_out, site)
        name, bias = given.get("bias", ("", None))
        n_out = self.n_out_of(site)
        if bias and (bias.dtype != "float32" or [(a.kind, a.size) for a in bias.axes] != [(FEATURE, n_out)]):
            raise site.fail(f"'bias' must be float32 with a feature axis of size {n_out} alone, but {name!r} is {bias}")

    @staticmethod
    def n_out_of(site: Site) -> int:
        return site.out_dim()

    def order(self, axes: list[Axis], sizes: Sequence[int], in_and_out: Sequence[Axis]) -> list[Axis]:
        """
        :param axes: of the filter, after `filter_perm`
        :return: the same in the order of the parameter that it replaces, as far as it fits
        """
        return axes

    def _order(self, template: Template, sizes: Sequence[int], in_and_out: Sequence[Axis], site: Site) -> list[Axis]:
        axes = list(template.axes)
        if self.filter_perm is not None:
            axes = in_order(axes, self.filter_perm, template, site, "filter_perm")
        wanted = [*(Axis(SPATIAL, size) for size in sizes), *in_and_out]
        found = self.order(axes, sizes, in_and_out)
        if template.dtype != "float32" or len(found) != len(wanted) or not all(map(fits, found, wanted)):
            shape = ", ".join(str(axis.size) for axis in wanted)
            raise site.fail(f"'filter' must be float32 [{shape}], but {self.filter!r} is {template}")
        return found

    def filter_in(
        self, run: LayerRun, given: Mapping[str, Tensor], sizes: Sequence[int], in_and_out: Sequence[Axis]
    ) -> TFTensor:
        """
        :param given: option → layer
        :return: the filter, with the axes of the parameter that it replaces
        """
        x = given["filter"]
        return x.ordered(self._order(x.template, sizes, in_and_out, self.site(run)))


def fits(axis: Axis, wanted: Axis) -> bool:
    """:return: whether the size is the same, and the name, if both have one"""
    return axis.size == wanted.size and not (axis.dim and wanted.dim and axis.dim != wanted.dim)
