"""The base class of layers: options, a spec half (pure Python: templates of the sources → template of the output) and a compute
half (TensorFlow: tensors of the sources → output). See "Add a layer" in CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from boulder.network import activations, refused
from boulder.network.axes import BEAM, LOOP, Axis
from boulder.network.dims import NetDim, with_in_dim
from boulder.network.foreign_names import CLASSES
from boulder.network.in_padding import InPadding
from boulder.network.layer_run import LayerRun
from boulder.network.registry import Registry
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening

__all__ = ["LAYERS", "Layer", "Site", "layer_class"]

LAYERS: Registry[Layer] = Registry("layer class", "class", refused.CLASSES, CLASSES)
layer_class = LAYERS.register


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Options of all layer classes.

    :param sources: `from`: names of layers, `data` or `data:KEY`
    :param in_dim: `Dim` of the input's axis that is its feature axis; where the sources are not concatenated, it is only checked
    :param n_out: size of the output's feature axis
    :param out_dim: `Dim` of the axis that the layer makes, mostly the feature axis, in place of `n_out`; see
        `boulder.network.dims`
    :param out_shape: a set of all `Dim`s of the output, which is checked; `{}` is the empty one
    :param out_type: what the output is, as the arguments of RETURNN's `Data` or a function that returns one: "dim" in place of
        `n_out`; "shape", "dtype" and "sparse" are checked; positions of axes have no effect. `eval`, `combine` and `compare`
        read more of it
    :param loss: name of the loss on the output
    :param loss_scale: factor of the loss in the objective; None is 1; with 0, the loss is a score only
    :param loss_only_on_non_search: no loss in a search; only a search within training, see `boulder.network.extra_nets`, has losses
    :param loss_opts: options of the loss
    :param target: the loss's target, or what gives `n_out`: a layer of the same net dict or a data stream; "layer:NAME" is what
        NAME in `from` is
    :param size_target: has no effect where a layer does not document it: each axis knows its lengths
    :param register_as_extern_data: name of a data stream that the output is from here on, for `data:…` and `target`
    :param batch_norm: True, or options of `boulder.network.batch_normalization`: normalize the output over the batch
    :param L2: factor of the sum of squares of the layer's parameters in the objective
    :param darc1: factor of the largest Σ over frames of |x| of a unit, for the output x before the activation, in the
        objective (Kawaguchi et al. 2017)
    :param spatial_smoothing: factor of the squared differences between neighbouring units in the objective
    :param param_variational_noise: standard deviation of noise on the layer's parameters in training; None: the config's
    :param param_dropout: probability with which an entry of the layer's parameters is dropped in training; None: the config's
    :param param_dropout_min_ndim: parameters with fewer axes keep their entries; None: the config's
    :param updater_opts: options of the updates of the layer's parameters, in place of those of the config
    :param trainable: whether the layer's parameters are trained, those of the layers that it holds included; None is True
    :param name_scope: with which the paths of the layer's parameters begin, in place of its name: relative to the layers
        around it, or absolute, "/…"; "" adds nothing. Layers with the same scope share their parameters
    :param reuse_params: a layer whose parameters this one takes, or a dict of more, see `boulder.network.sharing`
    :param param_device: without effect
    :param recompute: compute the values within the layer again for the gradient, see `boulder.network.recompute`; a string:
        together with those of its neighbours with the same string. Of a loop: within each frame
    :param is_output_layer: whether the layer exists even if nothing depends on it
    :param only_on_search: whether the layer exists in a search only
    :param only_on_eval: whether the layer exists outside of training only
    :param custom_param_importer: how the layer's parameters grow from the previous phase, in place of `copy_param_mode`; a
        function is called as (layer=…, values_dict=…, session=…), see `boulder.training.growth.returnn_view`
    :param initial_output: value of `prev:` references to the layer in the first iteration of a loop: a number, "zeros",
        "ones", "var" for a trained vector, "apply(0)" for what the layer computes from zeros, or a layer, "base:NAME"; None:
        zeros
    :param need_last: whether layers outside of a loop can read the layer with `rec_last_output`
    :param collocate_with: has no effect: which layers a loop computes frame by frame changes no result
    :param control_dependencies_on_output: is not called, which a warning tells: what it asserts or prints does not
        happen, and no number depends on it
    :param encapsulate: has no effect: how RETURNN builds layers that hold others
    :param debug_print_layer_output: has no effect; a layer `print` prints
    """

    refused: ClassVar[Mapping[str, str]] = refused.OPTIONS
    """options of RETURNN's class that this one does not have → why; a subclass adds its own"""

    class_name: ClassVar[str]
    in_padding: ClassVar[InPadding] = InPadding.FINITE
    """what the output has in the padding"""

    reads_memory: ClassVar[bool] = False
    """whether the layer reads the state of its sources, and so must be computed where they are"""

    some_sources_suffice: ClassVar[bool] = False
    """whether some of the sources suffice to guess the output's template; in a loop, other sources may not be known yet"""

    differs_by_frame: ClassVar[bool] = False
    """whether the output differs between iterations of a loop even if the input does not"""

    copies_sources: ClassVar[bool] = False
    """whether the output is the concatenated sources; the parts of a parameter are then labelled by those sources"""

    stands_for_source: ClassVar[bool] = False
    """whether the output is that of the source, with its state, and the source is one of the layers that the layer holds"""

    reads_out_type: ClassVar[bool] = False
    """whether the class itself decides what `out_type` means"""

    reads_own_target: ClassVar[bool] = False
    """whether the class itself decides what it reads of its target"""

    rates: ClassVar[Mapping[str, str]] = {}
    """option → purpose of the random numbers of which it is the rate, see `RandomStream.drop`: all that it is used for"""

    ends_search: ClassVar[bool] = False
    """whether the output is one hypothesis of the source, whose score is kept"""

    sources: str | list[str] = "data"
    in_dim: NetDim | None = None
    n_out: int | None = None
    out_dim: NetDim | None = None
    out_shape: set | tuple | list | dict | None = None
    out_type: dict | Callable | None = None
    size_target: str | None = None
    loss: str | None = None
    loss_scale: float | None = 1.0
    loss_only_on_non_search: bool = False
    loss_opts: dict | None = None
    target: str | None = None
    register_as_extern_data: str | None = None
    batch_norm: bool | dict | None = None
    L2: float | None = None
    darc1: float | None = None
    spatial_smoothing: float = 0.0
    param_variational_noise: float | None = None
    param_dropout: float | None = None
    param_dropout_min_ndim: int | None = None
    updater_opts: dict | None = None
    trainable: bool | None = None
    name_scope: str | None = None
    reuse_params: str | dict | None = None
    param_device: str | None = None
    recompute: bool | str = False
    is_output_layer: bool = False
    only_on_search: bool = False
    only_on_eval: bool = False
    custom_param_importer: Literal["reset", "ifpossible", "subset", "subset_by_source"] | Callable | None = None
    initial_output: str | float | bool | None = None
    need_last: bool = False
    collocate_with: str | list[str] | None = None
    control_dependencies_on_output: Callable | None = None
    encapsulate: bool = False
    debug_print_layer_output: bool | dict | None = None

    @classmethod
    def variant(cls, options: Mapping[str, object]) -> type[Layer]:
        """:return: the class that takes these options; overridden where a class name of RETURNN stands for two classes"""
        return cls

    @property
    def given_dim(self) -> int | None:
        """:return: size of the feature axis, as an option gives it"""
        of_type = self.out_type.get("dim") if isinstance(self.out_type, dict) else None
        sizes = (self.n_out, self.out_dim.size if self.out_dim else None, of_type)
        return next((size for size in sizes if size is not None), None)

    @property
    def may_be_infinite(self) -> bool:
        """:return: whether finite sources may give infinite values or gradients; the padding is then kept out, see `padding_guard`"""
        return activations.may_be_infinite(getattr(self, "activation", None))

    def in_mode(self, mode: str, where: str) -> Layer:
        """
        :param mode: "train", "eval" or "search"
        :param where: the layer, for messages
        :return: the layer as it is in this mode
        """
        return self

    def source_names(self) -> tuple[str, ...]:
        return (self.sources,) if isinstance(self.sources, str) else tuple(self.sources)

    def dependencies(self, mode: str) -> tuple[str, ...]:
        """
        :param mode: "train", "eval" or "search"
        :return: names of all sources, in the order of the spec half and the compute half; "target:NAME" is NAME as a value of the
            option `target`
        """
        return self.source_names()

    def dropout_rates(self) -> dict[str, float]:
        """:return: purpose → rate, where it is not 0"""
        return {purpose: rate for option, purpose in self.rates.items() if (rate := getattr(self, option))}

    def initializer(self) -> str | float | None:
        """:return: `init` of a parameter that begins with the output; None if the output is not known before the training"""
        return None

    def further_layers(self) -> tuple[str, ...]:
        """:return: names of layers that exist if this one does, though it does not read them"""
        return ()

    @property
    def wrapped(self) -> Layer:
        """The layer of the net dict whose input this one takes."""
        return self

    def options_of_loss(self) -> dict[str, Any]:
        """:return: options of the layer's loss"""
        return self.loss_opts or {}

    def given_initial_output(self) -> object:
        """:return: `initial_output`, of the layer or of the one that stands for it"""
        return self.initial_output

    def parts(self, own: str) -> Mapping[str, Layer]:
        """
        :param own: reference to this layer from layers beside it
        :return: name → layer that computes a part of the output, which other layers read as `LAYER/name`
        """
        return {}

    def name_in_scope(self, param: str) -> str:
        """
        :param param: name of a parameter within the layer
        :return: path of the parameter within the layer's scope
        """
        return param

    def held_layers(self) -> Mapping[str, object] | None:
        """:return: the net dict that the layer holds; None if it holds none"""
        return None

    def check_exposed(self, name: str) -> str | None:
        """
        :param name: a layer that this one holds
        :return: why layers of the surroundings cannot read it as `HOLDER/NAME`, as the end of a sentence; None if they can
        """
        return None

    def one_by_one(self, mode: str) -> bool:
        """:return: whether the layer must be computed iteration by iteration in a loop, even if its output does not feed back"""
        return False

    # For layers with a state. In a loop they are computed iteration by iteration, by `step`.

    def remembers(self, output: Template) -> dict[str | None, int]:
        """:return: key → size, of the state that other layers may read; {} for a layer without a state"""
        return {}

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        """:return: key → template, of the state carried over from one iteration of a loop to the next; {} outside of loops"""
        return {}

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        """
        :param state: templates of the state
        :param sources: the sources; None for a source that exists within iterations only
        :return: the state before the first iteration; zeros unless the layer overrides this
        """
        return {key: run.full(template, 0) for key, template in state.items()}

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor | None:
        """:return: value of `prev:` references to the layer in the first iteration; None: `initial_output` sets it"""
        return None

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        """
        Computes one iteration of a loop.

        :param state: the previous state
        :return: the output and the next state
        """
        raise NotImplementedError

    def spec(self, site: Site) -> Template:
        """
        Derives the output's template and declares the parameters, by `site.param`.

        :raises NetworkError: if the sources do not fit
        """
        raise NotImplementedError

    def named_axes(self, site: Site, output: Template) -> Iterable[tuple[NetDim, Axis | None]]:
        """
        :param output: template of the output
        :return: `Dim`s of the layer's options, and the axes of the output that they name, None for an axis that is missing
        """
        if self.out_dim is None:
            return []
        axis = self.made_axis(site, output)
        if output.sparse_dim is not None and axis is None:
            self._check_classes(self.out_dim, output, site)
            return []
        return [(self.out_dim, axis)]

    @staticmethod
    def made_axis(site: Site, output: Template) -> Axis | None:
        """:return: the axis of the output that no source has; if there are none or several, the feature axis"""
        known = {axis.identity for _, template in site.sources for axis in template.axes}
        new = [axis for axis in output.axes if axis.identity not in known and axis.kind not in (LOOP, BEAM)]
        return new[0] if len(new) == 1 else output.feature

    def check_in_dim(self, site: Site) -> None:
        """:raises NetworkError: if the only source lacks `in_dim`"""
        if self.in_dim is not None:
            with_in_dim(site.only_source()[1], self.in_dim, site.where)

    @staticmethod
    def _check_classes(dim: NetDim, output: Template, site: Site) -> None:
        if dim.size != output.sparse_dim:
            raise site.fail(f"'out_dim' is {dim} with {dim.size} entries, but its output is {output}")

    def checked_input(self, site: Site, template: Template) -> Template:
        """
        :param template: of all sources, concatenated along the feature axis
        :return: template of the input
        :raises NetworkError: if the input does not fit the options
        """
        return template

    def guess(self, site: Site) -> Template | None:
        """
        Guesses the output's template, for a layer that depends on itself through the previous frame of a loop.

        :param site: with those sources that are known yet; `site.expected` has the names of all
        :return: None if they do not suffice
        :raises NetworkError: if they do not suffice
        """
        return self.spec(site) if self.some_sources_suffice and site.sources else None

    def compute(self, run: LayerRun, *sources: Any) -> Tensor | dict[str, Tensor]:
        """
        :param run: parameters, sequence lengths, random numbers
        :param sources: a `Tensor` for each source; subclasses name them, so the type here is as wide as theirs
        :return: the output; of a loop, name → output
        """
        raise NotImplementedError

    def widening(self, w: Widening) -> None:
        """States which units are the same for "net2wider", see `boulder.network.widening`; by default, none may get wider."""
        w.unchanged()

    def site(self, run: LayerRun, *sources: Tensor) -> Site:
        """
        :param sources: inputs that error messages name
        :return: a site for the compute half to repeat a part of the spec half
        """
        inputs = [(name, x.template) for name, x in zip(run.sources, sources, strict=False)]
        return Site(run.name, self, inputs)
