"""`random` and `rand_int`: random numbers; `random_state_init`: the state of a generator, which here has none.

They are functions of the training's seed, the step and the layer, so that a resumed training draws the same ones. So there
is no parameter with a state, and they are not the numbers that RETURNN draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, Axis, Feature
from boulder.network.dims import NetDim
from boulder.network.extra_deps import names_in
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.random_stream import RandomStream
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import DTYPES, Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _Random(Layer):
    differs_by_frame: ClassVar[bool] = True
    numbers: ClassVar[tuple[str, ...]] = ()
    """options that are a number or name a layer that gives one"""

    sources: str | list[str] = field(default_factory=list)
    shape: list[object]
    shape_deps: str | list[str] | None = None
    sparse_dim: int | None = None
    seed: int | list[int] | None = None

    def source_names(self) -> tuple[str, ...]:
        return (
            *(getattr(self, option) for option in self._named()),
            *super().source_names(),
            *names_in(self.shape_deps),
        )

    def _named(self) -> list[str]:
        return [option for option in self.numbers if isinstance(getattr(self, option), str)]

    def template(self, site: Site, dtype: str) -> Template:
        named = self._named()
        for option, (name, number) in zip(named, site.sources, strict=False):
            if number.axes:
                raise site.fail(f"{option!r} must be a single number, but {name!r} is {number}")
        if dtype not in DTYPES:
            raise site.fail(f"'dtype' must be one of {', '.join(DTYPES)}, found {dtype!r}")
        axes: list[Axis] = []
        for dim in self.shape:
            bound = dim.axis if isinstance(dim, NetDim) else None
            size = dim.size if isinstance(dim, NetDim) else dim
            if bound is not None and bound.size is None:
                axes.append(bound)
            elif not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise site.fail(f"'shape' must be sizes of at least 1, or Dims that are defined, found {dim!r:.80}")
            else:
                axes.append(unused(size, axes))
        feature = self._feature(axes, site)
        if feature is not None:
            axes[feature] = Feature(axes[feature].size)
        return Template(tuple(axes), dtype, self.sparse_dim)

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        dims = zip(self.shape, output.axes, strict=True)
        return [
            *super().named_axes(site, output),
            *((d, a) for d, a in dims if isinstance(d, NetDim) and a.kind != BATCH),
        ]

    def _feature(self, axes: Sequence[Axis], site: Site) -> int | None:
        """:return: position of the feature axis"""
        return len(axes) - 1 if axes and axes[-1].size is not None and self.sparse_dim is None else None

    def values(self, sources: Sequence[Tensor], dtype: str) -> dict[str, Any]:
        """:return: option → number, for those that are given"""
        named = dict(zip(self._named(), sources, strict=False))
        given = {option: getattr(self, option) for option in self.numbers}
        return {
            option: tf.cast(named[option].value, dtype) if option in named else value
            for option, value in given.items()
            if value is not None
        }

    def stream_seed(self, run: LayerRun, random: RandomStream | None = None) -> TFTensor:
        purpose = "values" if self.seed is None else f"seed {self.seed}"
        return (random or run.random).seed_of(purpose, run.frame)


@layer_class("rand_int")
@dataclass(frozen=True, kw_only=True)
class RandInt(_Random):
    """Random numbers, uniform from `minval` to below `maxval`. RETURNN: RandIntLayer.

    :param shape: sizes of the axes, or their `Dim`s
    :param sources: `from`: layers that define `Dim`s in `shape`
    :param shape_deps: the same
    :param maxval: a number, or a layer that gives one
    :param minval: a number, or a layer that gives one
    :param dtype: of the numbers
    :param sparse_dim: number of classes, if the numbers are class indices
    :param seed: makes the numbers different from those with another seed
    """

    numbers: ClassVar[tuple[str, ...]] = ("maxval", "minval")
    maxval: int | str
    minval: int | str = 0
    dtype: Literal["int32", "int64", "float32"] = "int32"

    def spec(self, site: Site) -> Template:
        if isinstance(self.maxval, int) and isinstance(self.minval, int) and self.maxval <= self.minval:
            raise site.fail(f"'maxval' must be above 'minval', found {self.maxval} and {self.minval}")
        return self.template(site, self.dtype)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        ends = self.values(sources, self.dtype)
        value = tf.random.stateless_uniform(
            run.shape(run.template.axes), self.stream_seed(run), ends["minval"], ends["maxval"], self.dtype
        )
        return run.tensor(value, run.template.axes, run.template)


@layer_class("random")
@dataclass(frozen=True, kw_only=True)
class Random(_Random):
    """Random numbers of a distribution. RETURNN: RandomLayer, whose generator has a state among the parameters.

    :param shape: sizes of the axes, or their `Dim`s
    :param sources: `from`: layers that define `Dim`s in `shape`
    :param shape_deps: the same
    :param distribution: "uniform", "normal" or "truncated_normal", which is cut off at two standard deviations
    :param mean: a number, or a layer that gives one; likewise the following ones; None: 0
    :param stddev: standard deviation; None: 1
    :param bound: for uniform numbers from -bound to below bound
    :param minval: for uniform numbers from minval, by default 0, to below `maxval`
    :param maxval: end of uniform numbers
    :param dtype: of the numbers
    :param sparse_dim: number of classes, if the numbers are class indices
    :param seed: makes the numbers different from those with another seed
    :param feature_dim: `Dim` of the feature axis, which must be in `shape`; None: the last one, if it is static
    :param algorithm: has no effect
    :param explicit_state: layer; random layers with the same one draw the same numbers
    :param auto_update_state: whether numbers from an `explicit_state` differ between steps
    :param static: draw the same numbers in each step
    :param stop_grad: no gradient for the layers that give the numbers above
    """

    numbers: ClassVar[tuple[str, ...]] = ("mean", "stddev", "bound", "minval", "maxval")
    distribution: Literal["uniform", "normal", "truncated_normal"]
    mean: float | str | None = None
    stddev: float | str | None = None
    bound: float | str | None = None
    minval: float | str | None = None
    maxval: float | str | None = None
    dtype: str = "float32"
    feature_dim: NetDim | None = None
    algorithm: str | None = None
    explicit_state: str | None = None
    auto_update_state: bool | None = None
    static: bool | None = None
    stop_grad: bool = False

    def initializer(self) -> str | None:
        given = {option: value for option in self.numbers if (value := getattr(self, option)) is not None}
        if self._named():
            return None
        if self.distribution == "uniform":
            low, high = _ends(given)
            return f"random_uniform(minval={low!r}, maxval={high!r})"
        name = "random_normal" if self.distribution == "normal" else "truncated_normal"
        return f"{name}(mean={given.get('mean', 0.0)!r}, stddev={given.get('stddev', 1.0)!r})"

    def _feature(self, axes: Sequence[Axis], site: Site) -> int | None:
        if self.feature_dim is None:
            return super()._feature(axes, site)
        places = [place for place, dim in enumerate(self.shape) if dim is self.feature_dim]
        if len(places) != 1 or axes[places[0]].size is None or self.sparse_dim is not None:
            raise site.fail(
                f"'feature_dim' must be a static Dim of 'shape', without 'sparse_dim', found {self.feature_dim}"
            )
        return places[0]

    def source_names(self) -> tuple[str, ...]:
        state = () if self.explicit_state is None else (self.explicit_state,)
        return (*super().source_names(), *state)

    def spec(self, site: Site) -> Template:
        given = {option for option in self.numbers if getattr(self, option) is not None}
        if not any(given <= allowed and needed <= given for allowed, needed in _PARAMETERS[self.distribution]):
            raise site.fail(
                f"{self.distribution!r} numbers need {_NEEDED[self.distribution]}, found {', '.join(sorted(given)) or 'none'}"
            )
        if self.explicit_state is not None and (self.static or self.seed is not None):
            raise site.fail("an 'explicit_state' takes neither 'static' nor 'seed'")
        sources = site.sources[: len(site.sources) - (self.explicit_state is not None)]
        return self.template(replace(site, sources=sources), self.dtype)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        random, sources = run.random, sources[: len(self._named())]
        if self.explicit_state is not None:
            random = replace(random, layer=run.sources[-1])
        if self.static or (self.explicit_state is not None and not self.auto_update_state):
            random = replace(random, update=0)
        seed, shape = self.stream_seed(run, random), run.shape(run.template.axes)
        numbers = self.values(sources, self.dtype)
        if self.stop_grad:
            numbers = {option: tf.stop_gradient(value) for option, value in numbers.items()}
        value = self._drawn(shape, seed, numbers)
        value.set_shape([axis.size for axis in run.template.axes])
        return run.tensor(value, run.template.axes, run.template)

    def _drawn(self, shape: TFTensor, seed: TFTensor, numbers: dict[str, Any]) -> TFTensor:
        if self.distribution == "uniform":
            return tf.random.stateless_uniform(shape, seed, *_ends(numbers), self.dtype)
        draw = tf.random.stateless_normal if self.distribution == "normal" else tf.random.stateless_truncated_normal
        return draw(shape, seed, numbers.get("mean", 0.0), numbers.get("stddev", 1.0), self.dtype)


_ANY_NORMAL = ({"mean", "stddev"}, set[str]())
_PARAMETERS: dict[str, list[tuple[set[str], set[str]]]] = {
    "uniform": [({"minval", "maxval"}, {"maxval"}), ({"bound"}, {"bound"}), ({"mean", "stddev"}, {"stddev"})],
    "normal": [_ANY_NORMAL],
    "truncated_normal": [_ANY_NORMAL],
}
"""distribution → (options that go together, those of them that must be given)"""
_NEEDED = {
    "uniform": "'maxval', 'bound' or 'stddev'",
    "normal": "'mean' and 'stddev' at most",
    "truncated_normal": "'mean' and 'stddev' at most",
}


def _ends(numbers: dict[str, Any]) -> tuple[Any, Any]:
    """:return: where uniform numbers begin and end"""
    if "maxval" in numbers:
        return numbers.get("minval", 0), numbers["maxval"]
    if "bound" in numbers:
        return -numbers["bound"], numbers["bound"]
    half, mean = math.sqrt(3.0) * numbers["stddev"], numbers.get("mean", 0)
    return mean - half, mean + half


@layer_class("random_state_init")
@dataclass(frozen=True, kw_only=True)
class RandomStateInit(Layer):
    """A state for the option `explicit_state` of `random`, which only takes its name. RETURNN: RandomStateInitLayer.

    :param algorithm: has no effect
    :param seed: has no effect
    """

    sources: str | list[str] = field(default_factory=list)
    algorithm: str | None = None
    seed: int | list[int] | None = None

    def spec(self, site: Site) -> Template:
        if site.sources:
            raise site.fail(f"takes no source, found {len(site.sources)}")
        return Template((Feature(3),), "int64")

    def compute(self, run: LayerRun) -> Tensor:
        return run.tensor(tf.zeros([3], tf.int64), run.template.axes, run.template)
