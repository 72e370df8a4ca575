"""The surroundings of a layer's spec half, where it declares its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import NetworkError
from boulder.network import initializers
from boulder.network.axes import Axis
from boulder.network.extra_nets import plain_name
from boulder.network.params import Borrowed, ParamSpec, Part, joined_scope, variable_scope
from boulder.network.template import Template, concatenated


@dataclass
class Site:
    """The surroundings of a layer's spec half, where it declares its parameters.

    :param name: absolute layer name
    :param layer: the layer with its options, a `boulder.network.layer.Layer`
    :param sources: (name, template) of each source
    :param default_dim: default of `n_out`: the size that the loss requires for its target
    :param look_through: name of a `copy` layer → (name, template) of its sources; None for other layers
    :param borrow: (parameter, the layer for messages) → where the layer takes it from; None for one of its own
    :param path: the layer's path in the net dict, for messages: `decoder/unit/s`
    :param scope: prefix of the paths of its parameters; None: that of a layer of this name at the top level
    :param owner: absolute name of the layer to which its parameters belong; "" for itself
    :param trainable: whether all layers that hold this one are trained
    :param loop: axis of the innermost loop around the layer, None outside of loops
    :param surroundings: absolute name of the loop that the layer belongs to, "" outside of loops
    :param mode: "train", "eval" or "search"
    :param layer_of: name of a source → its options; None if the source is no layer
    :param beside: names of the sources in the subnet of the layer, such as the layers of the same loop
    :param expected: names of all sources, also of those that are not known yet
    :param named: axis of the output that the layer makes → the axis with the name of its `Dim`
    """

    name: str
    layer: Any
    sources: list[tuple[str, Template]]
    default_dim: int | None = None
    look_through: Callable[[str], list[tuple[str, Template]] | None] = lambda _name: None
    params: list[ParamSpec] = field(default_factory=list)
    borrowed: list[Borrowed] = field(default_factory=list)
    borrow: Callable[[ParamSpec, str], Borrowed | None] = lambda _param, _where: None
    path: str = ""
    scope: str | None = None
    owner: str = ""
    trainable: bool = True
    loop: Axis | None = None
    surroundings: str = ""
    mode: str = "train"
    layer_of: Callable[[str], Any] = lambda _name: None
    beside: frozenset[str] = frozenset()
    expected: tuple[str, ...] = ()
    named: dict[Axis, Axis] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"layer {(self.path or self.name)!r} ({self.layer.class_name})"

    def fail(self, message: str) -> NetworkError:
        return NetworkError(f"{self.where}: {message}")

    def fail_sources(self, message: str) -> NetworkError:
        """:return: an error with the names and templates of the sources"""
        sources = ", ".join(f"{name!r} is {template}" for name, template in self.sources)
        return self.fail(f"{message}: {sources}")

    @contextmanager
    def naming_sources(self) -> Iterator[None]:
        """Adds the layer and its sources to the message of a NetworkError."""
        try:
            yield
        except NetworkError as error:
            raise self.fail_sources(str(error)) from None

    def only_source(self) -> tuple[str, Template]:
        """:return: name and template of the source

        :raises NetworkError: if there is not exactly one
        """
        if len(self.sources) != 1:
            raise self.fail(f"takes one source, found {len(self.sources)}")
        return self.sources[0]

    def input(self) -> Template:
        """:return: template of all sources, concatenated along the feature axis

        :raises NetworkError: if they cannot be concatenated, or dropout does not apply to them
        """
        if not self.sources:
            raise self.fail("needs a source in 'from'")
        if len(self.sources) > 1:
            for name, template in self.sources:
                if template.feature is None or template.feature.size is None:
                    raise self.fail(
                        f"source {name!r} is {template}, without a feature axis of known size, so it cannot be concatenated"
                    )
        with self.naming_sources():
            template = concatenated(template for _, template in self.sources)
        return self.layer.checked_input(self, template)

    def memory(self, source: str, output: Template) -> dict[str | None, int]:
        """
        :param output: template of the source
        :return: key → size, of the source's state; {} if it has no state
        """
        layer = self.layer_of(source)
        return layer.remembers(output) if layer else {}

    def check_rate(self, option: str, rate: float) -> None:
        """:raises NetworkError: if `rate` is not a dropout rate"""
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise self.fail(f"{option!r} must be a number from 0 to below 1, found {rate!r}")

    def input_parts(self) -> tuple[Part, ...]:
        """:return: rows of a matrix on the input by source, or by the sources of a `copy` layer"""
        queue, parts = list(self.sources), []
        while queue:
            name, template = queue.pop(0)
            inner = self.look_through(name)
            if inner is None:
                parts.append(Part(plain_name(name), template.dim or 0))
            else:
                queue = inner + queue
        return tuple(parts)

    @staticmethod
    def whole(size: int) -> tuple[Part, ...]:
        """:return: parts of an axis that is not divided"""
        return (Part("", size),)

    def dense_dim(self, template: Template) -> int:
        """:return: size of the feature axis

        :raises NetworkError: if it is unknown, or the values are not float32
        """
        if template.feature is None or template.dtype != "float32":
            raise self.fail(f"needs float32 values with a feature axis, but its input is {template}")
        if template.feature.size is None:
            raise self.fail(f"needs to know the size of its input's feature axis, but its input is {template}")
        return template.feature.size

    def out_dim(self) -> int:
        """:return: `n_out`, or the size that the loss requires for its target

        :raises NetworkError: if neither is given, or `n_out` is below 1
        """
        given, named = self.layer.given_dim, self.layer.out_dim
        dim = given if given is not None else self.default_dim
        if dim is None and named:
            raise self.fail(f"'out_dim' is {named}, which has no size")
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
        variable: str | None = None,
        splits: tuple[tuple[Part, ...], ...] = (),
        returnn_splits: tuple[tuple[int, ...], ...] | None = None,
        statistic: bool = False,
        per_unit: bool = False,
    ) -> None:
        """
        Declares a parameter; see `ParamSpec` for the other arguments.

        :param variable: RETURNN's name of it within the layer; None: `name`
        """
        scope = variable_scope(self.name) if self.scope is None else self.scope
        text = initializers.as_text(init)
        initializers.check(text, self.where)
        param = ParamSpec(
            layer=plain_name(self.owner or self.name),
            name=name,
            path=joined_scope(scope, variable or self.layer.name_in_scope(name)),
            shape=shape,
            init=text,
            trainable=self.trainable and self.layer.trainable is not False and not statistic,
            splits=splits or tuple(map(self.whole, shape)),
            returnn_splits=returnn_splits,
            statistic=statistic,
            per_unit=per_unit,
        )
        borrowed = self.borrow(param, self.where)
        if borrowed is None:
            self.params.append(param)
        else:
            self.borrowed.append(borrowed)
