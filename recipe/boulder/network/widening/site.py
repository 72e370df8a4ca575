"""The surroundings of `Layer.widening`, where a layer class states which units are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from boulder.errors import ConfigError
from boulder.network.axes import FEATURE, OUTER, Axis
from boulder.network.dims import with_in_dim
from boulder.network.params import ParamSpec
from boulder.network.site import Site
from boulder.network.template import Template, concatenated
from boulder.network.widening.units import Divided, Joined, Run, Slot, Term, Untied, runs, sizes_of, tie


def has_units(axis: Axis) -> bool:
    """:return: whether it is a static axis that layers may ask for"""
    return axis.size is not None and axis.kind not in OUTER


@dataclass(frozen=True)
class Tied:
    """
    A source or the output of a layer, in both networks.

    :param key: its name
    :param old: template in the old network; None: the old network does not have it
    :param new: template in the new network
    :param terms: for each axis of `new`, its units; None for axes without
    """

    key: str
    old: Template | None
    new: Template
    terms: tuple[Term | None, ...]

    def term(self, axis: Axis) -> Term | None:
        """:param axis: of `new`"""
        return self.terms[self.new.axes.index(axis)]

    @property
    def feature(self) -> Term | None:
        """:return: units of the feature axis, if there is one"""
        return self.term(self.new.feature) if self.new.feature else None

    @property
    def features(self) -> Term:
        """:return: the same; no units if there is no feature axis of known size"""
        return self.feature or Run(0, 0, self.key)

    @property
    def units(self) -> list[Term]:
        return [term for term in self.terms if term is not None]

    @property
    def wider(self) -> list[tuple[Axis, Term]]:
        """:return: the axes whose size changes"""
        pairs = zip(self.new.axes, self.terms, strict=True)
        return [(axis, term) for axis, term in pairs if term is not None and len(set(sizes_of(term))) > 1]


@dataclass
class Demand:
    """
    A layer computes the same if each entry of one of its sources is multiplied by a factor.

    :param sources: keys, any of which may be multiplied
    :param term: units over which the layer sums, which divide an entry by its number of replicas; None for none
    :param factor: further factor of all entries
    :param reason: for the message if none of the sources can be multiplied
    """

    sources: tuple[str, ...]
    term: Term | None
    factor: float
    reason: str


@dataclass
class Wanted:
    """What all layers ask for.

    :param even: units that must all have equally many replicas, and why
    :param kept: units that must not get more, and why
    :param demands: layer → see `Demand`
    :param params: path → units along each axis of a parameter
    :param slots: layer that is split → its parts
    :param scalable: layer whose output can be multiplied by its parameters → their paths and axes
    :param through: layer whose output is multiplied if its sources are → their keys, and whether all of them must be
    """

    even: list[tuple[Term, str]] = field(default_factory=list)
    kept: list[tuple[Term, str]] = field(default_factory=list)
    demands: list[tuple[str, Demand]] = field(default_factory=list)
    params: dict[str, tuple[Term, ...]] = field(default_factory=dict)
    slots: dict[str, tuple[Slot, ...]] = field(default_factory=dict)
    scalable: dict[str, list[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)
    through: dict[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)


@dataclass
class Widening:
    """
    One layer in both networks.

    :param name: its name
    :param number: its place among the layers
    :param layer: with its options in the new network
    :param old_layer: with its options in the old network
    :param sources: its sources
    :param old_keys: keys of its sources in the old network, with today's names
    :param old_sources: the same, where layers that become the identity take the place of what they pass on
    :param passed_on: key → keys of what a source passes on if it becomes the identity, otherwise the key itself
    :param output: its output, with the axes as the layer computes it
    :param param_specs: name → its parameter in the new network
    :param rows_of: (parameter, axis, own units) → the units along an axis that is divided by source
    :param tensor: key → another source or output
    :param wanted: receives what this layer asks for
    :param fail: makes an error from a reason
    """

    name: str
    number: int
    layer: Any
    old_layer: Any
    sources: list[Tied]
    old_keys: list[str]
    old_sources: list[str]
    passed_on: Callable[[str], tuple[str, ...]]
    output: Tied
    param_specs: dict[str, ParamSpec]
    rows_of: Callable[[ParamSpec, int, Term | None], Term]
    tensor: Callable[[str], Tied]
    wanted: Wanted
    fail: Callable[[str], ConfigError]

    @property
    def where(self) -> str:
        return f"layer {self.name!r} ({self.layer.class_name})"

    def refuse(self, why: str) -> ConfigError:
        """:param why: a sentence without its subject, the layer"""
        return self.fail(f"{self.where} {why}")

    # Statements

    def tie(self, a: Term | None, b: Term | None, what: str = "") -> None:
        """States that two axes have the same units."""
        if a is None or b is None:
            return
        try:
            tie(a, b)
        except Untied as error:
            raise self.refuse(f"needs units of one origin, found {error}{what}") from None

    def even(self, term: Term | None, why: str) -> None:
        """States that all units must have equally many replicas."""
        if term is not None:
            self.wanted.even.append((term, f"{self.where} {why}"))

    def keep(self, term: Term | None, why: str) -> None:
        """States that there must not be more units."""
        if term is not None:
            self.wanted.kept.append((term, f"{self.where} {why}"))

    def multiply(
        self, sources: Sequence[Tied], term: Term | None, factor: float, reason: str, either: bool = False
    ) -> None:
        """
        States that the layer computes the same if its source is multiplied, see `Demand`.

        :param either: whether it suffices to multiply one of several sources
        """
        if factor <= 0 or (len(sources) > 1 and not either):
            self.keep(term, reason)
            if factor != 1:
                raise self.refuse(f"{reason}; keep that factor")
            return
        demand = Demand(tuple(source.key for source in sources), term, factor, f"{self.where} {reason}")
        self.wanted.demands.append((self.name, demand))

    def scalable(self, name: str, *axes: int) -> None:
        """States that the output is multiplied if this parameter is, along these axes."""
        if spec := self.param_specs.get(name):
            axes = tuple(axis % len(spec.shape) for axis in axes)
            self.wanted.scalable.setdefault(self.name, []).append((spec.path, axes))

    def multiplied_with(self, sources: Iterable[Tied], every: bool = True) -> None:
        """States that the output is multiplied if these sources are, or one of them if not `every`."""
        self.wanted.through[self.name] = (tuple(source.key for source in sources), every)

    def split(self, term: Term | None, old: Sequence[int], new: Sequence[int]) -> None:
        """States that an axis has parts of these sizes, which other layers read."""
        slots = tuple(Slot(Run(before, after, self.name)) for before, after in zip(old, new, strict=True))
        self.wanted.slots[self.name] = slots
        self.tie(term, Joined.of(*slots))

    def own(self, term: Term | None) -> None:
        """States that the parameters of this layer make these units."""
        for run in runs(term) if term is not None else ():
            owner = (self.number, self.name)
            run.owner = min(run.owner or owner, owner)

    def param(self, name: str, *axes: Term | None) -> None:
        """States the units along each axis of a parameter."""
        spec = self.param_specs.get(name)
        if spec is None:
            return
        terms = [Run(size, size) if term is None else term for size, term in zip(spec.shape, axes, strict=True)]
        known = self.wanted.params.get(spec.path)
        if known is None:
            self.wanted.params[spec.path] = tuple(terms)
            return
        for one, other in zip(known, terms, strict=True):
            self.tie(one, other, f", in its parameter {spec.path!r}, which it shares")

    def rows(self, name: str, axis: int, x: Tied, own: Term | None = None) -> Term | None:
        """
        :param x: the input
        :param own: units of the layer itself
        :return: the units along an axis of a parameter whose parts are sources or the layer's own units, to be summed over
        """
        spec = self.param_specs.get(name)
        if spec is None:
            return None
        labelled = spec.splits and any(part.label for part in spec.splits[axis])
        if own is None and x.feature is not None and (self._has_other_features(x) or not labelled):
            return Divided(x.feature)
        if self._has_other_features(x):
            self.keep(x.feature, "has another axis of its source as its features, with 'in_dim'")
        return self.rows_of(spec, axis, own)

    def _has_other_features(self, x: Tied) -> bool:
        """:return: whether the features of the input are not those of its source"""
        source = next((source.new for source in self.sources if source.key == x.key), None)
        if source is None or source.feature is None or x.new.feature is None:
            return False
        return source.axes.index(source.feature) != x.new.axes.index(x.new.feature)

    def unchanged(self) -> None:
        """:raises ConfigError: if a source or the output gets wider"""
        for source in self.sources:
            for axis, term in source.wider:
                old, new = sizes_of(term)
                raise self.refuse(
                    f"reads {source.key!r}, whose axis {axis.kind} gets wider, from {old} to {new}, and does not treat its units "
                    "one by one; keep the width of what it reads"
                )
        for axis, term in self.output.wider:
            old, new = sizes_of(term)
            raise self.refuse(
                f"gets wider along its axis {axis.kind}, from {old} to {new}, and its units do not differ by their weights "
                "alone; keep its width"
            )

    # Inputs

    def divided(self) -> tuple[list[Tied], dict[str, Tied]]:
        """:return: sources of `from`; option → further source"""
        if hasattr(self.layer, "divided"):
            return self.layer.divided(self.sources)
        return self.sources, {}

    def input(self, sources: Sequence[Tied] | None = None) -> Tied:
        """:return: the sources of `from`, concatenated along the feature axis"""
        sources = self.divided()[0] if sources is None else list(sources)
        self.check_read(sources)
        first = sources[0]
        if len(sources) == 1 and len(self.passed_on(first.key)) == 1:
            result = first
        elif len(sources) == 1:
            terms = [
                self._joined(sources) if axis == first.new.feature else term
                for axis, term in zip(first.new.axes, first.terms, strict=True)
            ]
            result = replace(first, terms=tuple(terms))
        else:
            template = concatenated([source.new for source in sources])
            terms = []
            for axis in template.axes:
                found = [
                    source.term(a) for source in sources for a in source.new.axes if a == axis and a.kind != FEATURE
                ]
                for other in found[1:]:
                    self.tie(found[0], other)
                terms.append(found[0] if found else None)
            terms[template.axes.index(template.feature)] = self._joined(sources)
            before = [source.old for source in sources if source.old]
            old = concatenated(before) if len(before) == len(sources) else None
            result = Tied(" + ".join(source.key for source in sources), old, template, tuple(terms))
        if getattr(self.layer, "in_dim", None):
            return replace(result, new=with_in_dim(result.new, self.layer.in_dim, self.where))
        return result

    def _joined(self, sources: Sequence[Tied]) -> Term:
        """:return: the features of the sources, each where it was in the old network"""
        sources = [self.tensor(key) for source in sources for key in self.passed_on(source.key)]
        known = {source.key: source for source in sources}
        sizes = [sizes_of(known[key].features)[0] if key in known else 0 for key in self.old_keys]
        parts, starts, used = [], [], set()
        for source in sources:
            places = [i for i, key in enumerate(self.old_keys) if key == source.key and i not in used]
            used.update(places[:1])
            term = source.features if places else Run(0, sizes_of(source.features)[1], source.key)
            parts.append(term)
            starts.append(sum(sizes[: places[0]]) if places else 0)
        return Joined(tuple(parts), tuple(starts), sum(sizes[i] for i in used))

    def check_read(self, sources: Sequence[Tied]) -> None:
        """:raises ConfigError: if the layer no longer reads what it did"""
        count = len(self.sources) - len(sources)
        lost = [
            key for key in self.old_sources[: len(self.old_sources) - count] if key not in [s.key for s in self.sources]
        ]
        if lost:
            raise self.refuse(f"no longer reads {', '.join(map(repr, lost))}; 'deepen' puts layers in between")

    def tie_axes(self, source: Tied, but: Iterable[Axis] = ()) -> None:
        """
        Ties each axis of a source with the axis of the output that it is, feature axis with feature axis.

        :param but: axes of the source that are not in the output
        """
        feature = self.output.new.feature
        own = {axis.identity: axis for axis in self.output.new.axes}
        for axis, term in zip(source.new.axes, source.terms, strict=True):
            if term is None or axis in but:
                continue
            target = axis if axis in self.output.new.axes else own.get(axis.identity)
            if target is None and axis.kind == FEATURE:
                target = feature
            if target is None:
                self.keep(term, f"reads {source.key!r}, whose axis {axis} gets wider, and does not have it")
            elif sizes_of(term) != (1, 1) or sizes_of(self.output.term(target) or term) == (1, 1):
                self.tie(term, self.output.term(target))

    def tie_in_order(self, source: Tied, but: Iterable[Axis] = ()) -> None:
        """
        Ties the axes of a source with those of the output in their order, as of a layer that renames axes.

        :param but: axes of the source that have no counterpart
        """
        inputs = [
            term
            for axis, term in zip(source.new.axes, source.terms, strict=True)
            if term is not None and axis not in but
        ]
        outputs = self.output.units
        if len(inputs) != len(outputs):
            for term in inputs:
                self.keep(term, f"reads {source.key!r}, which gets wider, and has other axes")
            return
        for one, other in zip(inputs, outputs, strict=True):
            self.tie(one, other)

    def site(self, old: bool = False, sources: Sequence[Tied] | None = None) -> Site:
        """:return: a site of the spec half, in the old or in the new network"""
        sources = self.sources if sources is None else sources
        named = [(source.key, source.old if old and source.old else source.new) for source in sources]
        return Site(self.name, self.old_layer if old else self.layer, named)
