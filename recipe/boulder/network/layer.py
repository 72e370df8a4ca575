"""What every layer class is: options, a spec half (pure Python) and a compute half (TensorFlow).

@layer_class("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(ConcatLayer):
    activation: str | None = None                      # an option of the net dict

    def spec(self, site) -> Template: ...              # templates of the sources → template of the output; parameters
    def compute(self, run, source) -> Tensor: ...      # tensors of the sources → tensor of the output
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from boulder.errors import NetworkError
from boulder.network import initializers
from boulder.network.axes import BATCH, FEATURE, LOOP, TIME, Axis
from boulder.network.layer_run import LayerRun
from boulder.network.params import ParamSpec, Part, variable_scope
from boulder.network.registry import Registry
from boulder.network.template import Template, concatenated
from boulder.network.tensor import Tensor

LAYERS = Registry("layer class", "class")
layer_class = LAYERS.register


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Options that every layer class takes.

    :param sources: `from`: names of layers, `data` or `data:KEY`
    :param n_out: size of the output's feature axis
    :param loss: name of a loss on the output
    :param loss_scale: factor of the loss in the objective; None is 1; 0 drops the loss, also from the scores
    :param loss_only_on_non_search: says nothing: a search has no losses
    :param loss_opts: options of the loss
    :param target: key of the data stream that the loss compares with, or that gives `n_out`
    :param L2: factor of the sum of squares of all the layer's parameters in the objective
    :param trainable: whether the layer's parameters are trained; None says what True says
    :param is_output_layer: the layer exists although nothing depends on it
    :param only_on_search: there is no such layer but in a search
    :param only_on_eval: there is no such layer while training
    :param custom_param_importer: how the layer's parameters come over from the phase before, whatever `copy_param_mode`
        says; a function is called as (layer=…, values_dict=…, session=…), see `boulder.training.growth.returnn_view`
    :param initial_output: in a loop, what `prev:` of it is in the first iteration: a number, "zeros", "ones", or a
        layer, as "base:NAME"; None: zeros
    """

    class_name: ClassVar[str]
    reads_memory: ClassVar[bool] = False
    """whether it reads what its sources remember, and so must be computed where these are"""

    some_sources_suffice: ClassVar[bool] = False
    """whether some of its sources alone say roughly what comes out of it; in a loop, others may not be known yet"""

    differs_by_frame: ClassVar[bool] = False
    """whether what comes out of it differs from iteration to iteration of a loop, even if its input does not"""

    copies_sources: ClassVar[bool] = False
    """whether its output is its sources, concatenated; growth looks through such a layer"""

    sources: str | list[str] = "data"
    n_out: int | None = None
    loss: str | None = None
    loss_scale: float | None = 1.0
    loss_only_on_non_search: bool = False
    loss_opts: dict | None = None
    target: str | None = None
    L2: float | None = None
    trainable: bool | None = None
    is_output_layer: bool = False
    only_on_search: bool = False
    only_on_eval: bool = False
    custom_param_importer: Literal["reset", "ifpossible", "subset", "subset_by_source"] | Callable | None = None
    initial_output: str | float | bool | None = None

    @classmethod
    def variant(cls, options: Mapping[str, object]) -> type[Layer]:
        """:return: the class that reads these options: another one where a name of RETURNN's stands for two classes"""
        return cls

    def source_names(self) -> tuple[str, ...]:
        return (self.sources,) if isinstance(self.sources, str) else tuple(self.sources)

    def dependencies(self, mode: str) -> tuple[str, ...]:
        """
        :param mode: "train", "eval" or "search"
        :return: what the spec half sees as sources and the compute half gets, in this order
        """
        return self.source_names()

    def one_by_one(self, mode: str) -> bool:
        """:return: whether it cannot be computed for all iterations of a loop at once, even if nothing of the layer's
        output comes back to it"""
        return False

    # What only layers with a memory have. In a loop they are computed iteration by iteration, from `step`.

    def remembers(self, output: Template) -> dict[str | None, int]:
        """:return: key → size of what other layers may read of its memory; {} for a layer without one"""
        return {}

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        """:return: what it remembers from one iteration of a loop to the next; {} outside of loops"""
        return {}

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        """
        :param sources: Tensors; None for what is there in the iterations only
        :return: Tensors of these templates, before the first iteration; zeros, if the layer does not say otherwise
        """
        return {key: run.full(template, 0) for key, template in state.items()}

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor | None:
        """
        :param state: what `first_state` gave
        :return: the one of it that `prev:` of the layer is in the first iteration; None: `initial_output` says what that is
        """
        return None

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        """
        :param state: key → Tensor
        :return: the output and the new state
        """
        raise NotImplementedError

    def spec(self, site: Site) -> Template:
        """:return: the output's template. Parameters are declared by `site.param`.

        :raises NetworkError: if the sources do not fit
        """
        raise NotImplementedError

    def compute(self, run: LayerRun, *sources: Any) -> Tensor | dict[str, Tensor]:
        """
        :param run: parameters, sequence lengths, random numbers
        :param sources: a `Tensor` for each source; subclasses name them, so the type here is as wide as theirs
        :return: the output; of a loop, name → output
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ConcatLayer(Layer):
    """A layer that takes its sources as one, concatenated along the feature axis.

    :param dropout: probability with which an entry of the input is dropped in training
    :param dropout_noise_shape: axis ("B", "T", "F", "*" for all) → 1 if one choice is made for all of its entries, None
        if each has its own. As in RETURNN, what is not said is 1 for batch and time, so that a feature is dropped in all
        frames of all sequences or in none; {"*": None} drops each entry on its own
    """

    some_sources_suffice = True

    dropout: float = 0.0
    dropout_noise_shape: dict | None = None

    def dropout_shared_over(self) -> set[str]:
        """:return: kinds of axes along which an entry is dropped as a whole"""
        given = self.dropout_noise_shape or {}
        shared = {BATCH, TIME, LOOP}
        for key in sorted(given, key=lambda key: key != "*"):  # it is what the others are exceptions from
            kinds = _NOISE_AXES[key]
            shared = shared - kinds if given[key] in (None, -1) else shared | kinds
        return shared


_NOISE_AXES = {"*": {BATCH, TIME, LOOP, FEATURE}, "B": {BATCH}, "T": {TIME}, "F": {FEATURE}}


@dataclass
class Site:
    """Where a layer's spec half runs: what it may know, and where it declares its parameters.

    :param name: absolute layer name
    :param layer: its options
    :param sources: (name, template) for each of `from`
    :param default_dim: what `n_out` is if it is not given: the target's dimension, as the loss wants it
    :param look_through: name → (name, template) of a `copy` layer's own sources, for the parts of the input
    :param path: where the layer stands in the net dict, for messages: `decoder/unit/s`
    :param scope: what the paths of its parameters begin with
    :param loop: the axis of the innermost loop that it stands in, None outside of loops
    :param mode: "train", "eval" or "search"
    :param layer_of: name of a source → its options; None for what is no layer of this frame
    """

    name: str
    layer: Layer
    sources: list[tuple[str, Template]]
    default_dim: int | None = None
    look_through: Callable[[str], list[tuple[str, Template]] | None] = lambda _name: None
    params: list[ParamSpec] = field(default_factory=list)
    path: str = ""
    scope: str = ""
    loop: Axis | None = None
    mode: str = "train"
    layer_of: Callable[[str], Layer | None] = lambda _name: None

    @property
    def where(self) -> str:
        return f"layer {(self.path or self.name)!r} ({self.layer.class_name})"

    def fail(self, message: str) -> NetworkError:
        return NetworkError(f"{self.where}: {message}")

    def fail_sources(self, error: NetworkError) -> NetworkError:
        """:return: `error`, with the sources that it is about"""
        sources = ", ".join(f"{name!r} is {template}" for name, template in self.sources)
        return self.fail(f"{error}: {sources}")

    def input(self) -> Template:
        """:return: the template of all sources, concatenated along the feature axis and ready for dropout"""
        if not self.sources:
            raise self.fail("needs a source in 'from'")
        if len(self.sources) > 1:
            for name, template in self.sources:
                if template.feature is None or template.feature.size is None:
                    raise self.fail(
                        f"source {name!r} is {template} and has no feature axis of known size to be concatenated along"
                    )
        try:
            template = concatenated(template for _, template in self.sources)
        except NetworkError as error:
            raise self.fail_sources(error) from None
        if isinstance(self.layer, ConcatLayer):
            self._check_dropout(self.layer, template)
        return template

    def _check_dropout(self, layer: ConcatLayer, template: Template) -> None:
        for key, value in (layer.dropout_noise_shape or {}).items():
            if key not in _NOISE_AXES or value not in (None, -1, 1):
                raise self.fail(
                    f"'dropout_noise_shape' gives '*', 'B', 'T' or 'F' the value 1 or None, found {{{key!r}: {value!r}}}"
                )
        if layer.dropout:
            self.check_rate("dropout", layer.dropout)
            if not template.dtype.startswith("float"):
                raise self.fail(f"dropout needs float values, but its input is {template}")

    def memory(self, source: str, output: Template) -> dict[str | None, int]:
        """
        :param output: template of the source
        :return: key → size of what it remembers; {} if it has no memory
        """
        layer = self.layer_of(source)
        return layer.remembers(output) if layer else {}

    def check_rate(self, option: str, rate: float) -> None:
        """:raises NetworkError: if `rate` cannot be the probability with which something is dropped"""
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise self.fail(f"{option!r} must be a number from 0 to below 1, found {rate!r}")

    def input_parts(self) -> tuple[Part, ...]:
        """:return: which rows of a matrix on the input belong to which source, looking through `copy` layers"""
        queue, parts = list(self.sources), []
        while queue:
            name, template = queue.pop(0)
            inner = self.look_through(name)
            if inner is None:
                parts.append(Part(name, template.dim or 0))
            else:
                queue = inner + queue
        return tuple(parts)

    @staticmethod
    def whole(size: int) -> tuple[Part, ...]:
        """:return: the parts of an axis that is of one piece"""
        return (Part("", size),)

    def dense_dim(self, template: Template) -> int:
        """:return: size of the feature axis

        :raises NetworkError: if there is none, or if the values are none to calculate with
        """
        if template.feature is None or template.dtype != "float32":
            raise self.fail(f"needs float32 values with a feature axis, but its input is {template}")
        if template.feature.size is None:
            raise self.fail(f"needs to know the size of its input's feature axis, but its input is {template}")
        return template.feature.size

    def out_dim(self) -> int:
        """:return: `n_out`, or what the loss makes of the target's dimension

        :raises NetworkError: if neither is there
        """
        dim = self.layer.n_out if self.layer.n_out is not None else self.default_dim
        if dim is None:
            raise self.fail("'n_out' is missing, and there is no target to take it from")
        if dim < 1:
            raise self.fail(f"'n_out' must be at least 1, found {dim}")
        return dim

    def param(
        self,
        name: str,
        shape: tuple[int, ...],
        init: initializers.Init,
        *,
        splits: tuple[tuple[Part, ...], ...] = (),
        returnn_splits: tuple[tuple[int, ...], ...] | None = None,
    ) -> None:
        """Declares a parameter; see `ParamSpec` for the arguments."""
        init = initializers.as_text(init)
        initializers.check(init, self.where)
        self.params.append(
            ParamSpec(
                layer=self.name,
                name=name,
                path=f"{self.scope or variable_scope(self.name)}/{name}",
                shape=shape,
                init=init,
                trainable=self.layer.trainable is not False,
                splits=splits or tuple(map(self.whole, shape)),
                returnn_splits=returnn_splits,
                l2=self.layer.L2 or 0.0,
            )
        )
