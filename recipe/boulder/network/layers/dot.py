"""`dot`: the products of two sources, summed over common axes, as in a product of matrices."""

from dataclasses import dataclass

from boulder.errors import NetworkError
from boulder.network.axes import DYNAMIC, Axis
from boulder.network.axis_names import find_axes
from boulder.network.contraction import OUTER, Contraction, matched
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.template import Template

Axes = object
"""A description or a list of them, see `boulder.network.axis_names`; None for none."""


@layer_class("dot")
@dataclass(frozen=True, kw_only=True)
class Dot(Layer):
    """The result has the axes that are common and not summed over, then `var1`, then `var2`; the last static one is the
    feature axis. Axes of the batch, of loops and of a search may also be in one source only. (RETURNN: DotLayer, with the
    defaults of behavior version 0.)

    :param reduce: axes of both sources that are summed over
    :param red1: the same, of the first source
    :param red2: the same, of the second source, in the order of `red1`
    :param var1: axes that only the first source has; None for none, "auto" for all that the second one lacks. "auto" is
        also meant where there is `reduce` and neither `var1` nor `var2`
    :param var2: the same of the second source
    :param add_var2_if_empty: whether an axis of size 1 stands for `var2` if that is none; not with "auto"
    """

    reduce: Axes = None
    red1: Axes = -1
    red2: Axes = -2
    var1: Axes = -2
    var2: Axes = -1
    add_var2_if_empty: bool = True

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"needs two sources in 'from', found {len(site.sources)}")
        (_, a), (_, b) = site.sources
        if a.dtype != b.dtype or not a.dtype.startswith("float"):
            raise site.fail_sources(NetworkError("its sources must be float values of one type"))
        if self.reduce is not None and (self.red1, self.red2) != (-1, -2):
            raise site.fail("'reduce' stands for both 'red1' and 'red2', found them beside it")
        contraction = self._contraction(a, b, site)
        try:
            return Template(contraction.axes, a.dtype)
        except NetworkError as error:
            raise site.fail_sources(error) from None

    def compute(self, run, a, b):
        site = Site(run.name, self, [("", a.template), ("", b.template)])
        return self._contraction(a.template, b.template, site).compute(run, a, b, run.template)

    def _contraction(self, a: Template, b: Template, site: Site) -> Contraction:
        red1, red2 = (self.red1, self.red2) if self.reduce is None else (self.reduce, self.reduce)
        reduced_a, reduced_b = _found(a, red1, site), _found(b, red2, site)
        sizes = [[None if axis.kind in DYNAMIC else axis.size for axis in axes] for axes in (reduced_a, reduced_b)]
        if not reduced_a or sizes[0] != sizes[1]:
            raise self._misfit(
                site, f"{red1!r} of the first source and {red2!r} of the second cannot be reduced together"
            )
        auto = "auto" in (self.var1, self.var2) or (self.reduce is not None and (self.var1, self.var2) == (-2, -1))
        var_a, var_b = ((), ()) if auto else (_found(a, self.var1, site), _found(b, self.var2, site))
        if set(var_a) & set(reduced_a) or set(var_b) & set(reduced_b):
            raise self._misfit(site, f"'var1', {self.var1!r}, or 'var2', {self.var2!r}, is also reduced")
        rest_a = [axis for axis in a.axes if axis not in (*reduced_a, *var_a)]
        rest_b = [axis for axis in b.axes if axis not in (*reduced_b, *var_b)]
        same = matched(rest_a, rest_b)
        lonely_a = [axis for axis in rest_a if axis not in same.values()]
        lonely_b = [axis for axis in rest_b if axis not in same]
        if auto:
            var_a = tuple(axis for axis in lonely_a if axis.kind not in OUTER)
            var_b = tuple(axis for axis in lonely_b if axis.kind not in OUTER)
        for axis in (*lonely_a, *lonely_b):
            if axis.kind not in OUTER and axis not in (*var_a, *var_b):
                raise self._misfit(
                    site, f"axis {axis} is in one source only, and neither reduced nor in 'var1' or 'var2'"
                )
        kept = [("a", axis) for axis in rest_a if axis not in var_a]
        kept += [("b", axis) for axis in lonely_b if axis not in var_b]
        kept += [*(("a", axis) for axis in var_a), *(("b", axis) for axis in var_b)]
        same = same | dict(zip(reduced_b, reduced_a, strict=True))
        return Contraction(same, tuple(reduced_a), tuple(kept), not var_b and not auto and self.add_var2_if_empty)

    @staticmethod
    def _misfit(site: Site, message: str) -> NetworkError:
        return site.fail_sources(NetworkError(message))


def _found(template: Template, axes: Axes, site: Site) -> tuple[Axis, ...]:
    return () if axes is None or axes == "" else find_axes(template, axes, site)
