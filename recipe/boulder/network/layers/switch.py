"""`switch`: one of two values, by a condition: for each entry, or the same for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, FEATURE
from boulder.network.common_axes import aligned, broadcast_axes
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@layer_class("switch")
@dataclass(frozen=True, kw_only=True)
class Switch(Layer):
    """
    `true_from` where the condition is true, otherwise `false_from`. Condition and values are broadcast. With a constant condition,
    only the layer that is taken exists. An infinite value is 0 in the padding. RETURNN: SwitchLayer.

    :param condition: layer with bool values; True or False; or a function of `network` (`train_flag`, `search_flag`, `eval_flag`) and
        further keywords that returns True or False
    :param true_from: layer, or a number
    :param false_from: layer, or a number
    """

    sources: str | list[str] = field(default_factory=list)
    condition: str | bool | Callable
    true_from: object
    false_from: object

    def in_mode(self, mode: str, where: str) -> Layer:
        if not callable(self.condition):
            return self
        network = SimpleNamespace(train_flag=mode == "train", search_flag=mode == "search", eval_flag=mode != "search")
        condition = self.condition(network=network, true_from=self.true_from, false_from=self.false_from)
        if not isinstance(condition, bool):
            raise NetworkError(f"{where}: the function 'condition' must return True or False, found {condition!r}")
        return replace(self, condition=condition)

    def _values(self) -> list[object]:
        if isinstance(self.condition, bool):
            return [self.true_from if self.condition else self.false_from]
        return [self.true_from, self.false_from]

    def source_names(self) -> tuple[str, ...]:
        names = [self.condition, *self._values()]
        return tuple(name for name in names if isinstance(name, str))

    def spec(self, site: Site) -> Template:
        if self.sources:
            raise site.fail("takes no 'from', expected 'condition', 'true_from' and 'false_from'")
        for option in ("true_from", "false_from"):
            value = getattr(self, option)
            if not isinstance(value, str | int | float):
                raise site.fail(f"{option!r} must be a layer or a number, found {value!r:.80}")
        values = [template for _, template in site.sources]
        if isinstance(self.condition, str):
            condition = values.pop(0)
            if condition.dtype != "bool":
                raise site.fail(f"'condition' must be of bool, but {self.condition!r} is {condition}")
        if not values:
            constant = next(value for value in self._values() if not isinstance(value, str))
            value = Template(
                (), "bool" if isinstance(constant, bool) else "int32" if isinstance(constant, int) else "float32"
            )
        else:
            value = values[0]
        if len({(template.dtype, template.sparse_dim) for template in values}) > 1:
            raise site.fail_sources("'true_from' and 'false_from' must have the same dtype and classes")
        for constant in self._values():
            if isinstance(constant, float) and not value.dtype.startswith("float"):
                raise site.fail_sources(f"the value {constant} does not fit {value.dtype}")
        with site.naming_sources():
            axes = broadcast([template for _, template in site.sources]).axes if site.sources else ()
        return replace(value, axes=axes)

    def guess(self, site: Site) -> Template | None:
        known = dict(site.sources)
        values = site.expected[1:] if isinstance(self.condition, str) else site.expected
        value = next((known[name] for name in values if name in known), None)
        return value and replace(value, axes=broadcast(known.values()).axes)

    def widening(self, w: Widening) -> None:
        w.check_read(w.sources)
        for source in w.sources:
            w.tie_axes(source)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if not sources:
            return run.full(run.template, self._values()[0])  # type: ignore[arg-type]  # a number, by the spec half
        axes = broadcast_axes(sources)
        own = iter(aligned(sources))
        condition = next(own) if isinstance(self.condition, str) else None
        values = [next(own) if isinstance(v, str) else tf.cast(v, run.template.dtype) for v in self._values()]
        value = values[0] if condition is None else tf.where(condition, *values)
        axes = (*(a for a in axes if a.kind != FEATURE), *([run.template.feature] if run.template.feature else []))
        if any(isinstance(v, float) and abs(v) == float("inf") for v in self._values()):
            value = self._finite_in_padding(run, value, axes)
        return run.tensor(value, axes, run.template)

    @staticmethod
    def _finite_in_padding(run: LayerRun, value: TFTensor, axes: tuple) -> TFTensor:
        for axis in axes:
            if axis.kind in DYNAMIC and all(a in axes for a in run.length_axes(axis)):
                value = tf.where(run.mask_over(axes, axis), value, 0.0)
        return value
