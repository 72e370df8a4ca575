"""`dot`: tensor contraction of two sources, of which the matrix product is a special case."""

from dataclasses import dataclass

from boulder.network.axes import DYNAMIC, OUTER, Axis
from boulder.network.axis_names import find_axes
from boulder.network.contraction import Contraction, matched
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import contracts

Axes = object
"""An axis description or a list of them, see `boulder.network.axis_names`; None for no axis."""


@layer_class("dot")
@dataclass(frozen=True, kw_only=True)
class Dot(Layer):
    """y[common, var1, var2] = Σ_reduce a[common, reduce, var1] · b[common, reduce, var2]

    RETURNN: DotLayer, with the defaults of behavior_version 0. The last static axis of the result is the feature axis.
    Batch, loop and beam axes that only one source has are broadcast.

    :param reduce: axes of both sources to sum over
    :param red1: the same for the first source alone
    :param red2: the same for the second source, in the order of `red1`
    :param var1: axes that only the first source has; "auto": all that the second source lacks. "auto" is the default if
        `reduce` is given
    :param var2: the same for the second source
    :param use_mask: has no effect: padding is always masked
    :param debug: has no effect
    :param add_var2_if_empty: add an axis of size 1 if `var2` is empty; not with "auto"
    """

    reduce: Axes = None
    red1: Axes = -1
    red2: Axes = -2
    var1: Axes = -2
    var2: Axes = -1
    add_var2_if_empty: bool = True
    use_mask: bool = True
    debug: bool = False

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"needs two sources in 'from', found {len(site.sources)}")
        (_, a), (_, b) = site.sources
        if a.dtype != b.dtype or not a.dtype.startswith("float"):
            raise site.fail_sources("its sources must have one float dtype")
        if self.reduce is not None and (self.red1, self.red2) != (-1, -2):
            raise site.fail("'reduce' replaces 'red1' and 'red2', found both")
        contraction = self._contraction(a, b, site)
        with site.naming_sources():
            return Template(contraction.axes, a.dtype)

    def widening(self, w: Widening) -> None:
        a, b = w.sources
        w.check_read(w.sources)
        old = w.old_layer._contraction(a.old, b.old, w.site(old=True)) if a.old and b.old else None
        contracts(w, a, b, old, self._contraction(a.new, b.new, w.site()))

    def compute(self, run: LayerRun, a: Tensor, b: Tensor) -> Tensor:
        site = self.site(run, a, b)
        return self._contraction(a.template, b.template, site).compute(run, a, b, run.template)

    def shared_static_axes(self, site: Site) -> set[Axis]:
        """:return: static axes, not both with a `Dim`, that are taken for the same, with automatic `var1` and `var2`"""
        if not self._is_auto:
            return set()
        (_, a), (_, b) = site.sources
        contraction = self._contraction(a, b, site)
        shared = {axis for other, axis in contraction.same.items() if not (axis.dim and other.dim)}
        shared = (shared | {axis for axis in set(a.axes) & set(b.axes) if not axis.dim}) - {*contraction.reduced}
        return {axis for axis in shared if axis.kind not in (*OUTER, *DYNAMIC)}

    @property
    def _is_auto(self) -> bool:
        return "auto" in (self.var1, self.var2) or (self.reduce is not None and (self.var1, self.var2) == (-2, -1))

    def _contraction(self, a: Template, b: Template, site: Site) -> Contraction:
        red1, red2 = (self.red1, self.red2) if self.reduce is None else (self.reduce, self.reduce)
        reduced_a, reduced_b = _found(a, red1, site), _found(b, red2, site)
        sizes = [[None if axis.kind in DYNAMIC else axis.size for axis in axes] for axes in (reduced_a, reduced_b)]
        if not reduced_a or sizes[0] != sizes[1]:
            raise site.fail_sources(
                f"{red1!r} of the first source and {red2!r} of the second cannot be reduced together"
            )
        auto = self._is_auto
        var_a, var_b = ((), ()) if auto else (_found(a, self.var1, site), _found(b, self.var2, site))
        if set(var_a) & set(reduced_a) or set(var_b) & set(reduced_b):
            raise site.fail_sources(f"an axis of 'var1', {self.var1!r}, or 'var2', {self.var2!r}, is also reduced")
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
                raise site.fail_sources(
                    f"only one source has the axis {axis}, and it is neither reduced nor in 'var1' or 'var2'"
                )
        kept = [("a", axis) for axis in rest_a if axis not in var_a]
        kept += [("b", axis) for axis in lonely_b if axis not in var_b]
        kept += [*(("a", axis) for axis in var_a), *(("b", axis) for axis in var_b)]
        same = same | dict(zip(reduced_b, reduced_a, strict=True))
        return Contraction(same, tuple(reduced_a), tuple(kept), not var_b and not auto and self.add_var2_if_empty)


def _found(template: Template, axes: Axes, site: Site) -> tuple[Axis, ...]:
    return () if axes is None or axes == "" else find_axes(template, axes, site)
