"""The text of docs/layers.md below its mark, made from the docstrings and fields of the classes.

A docstring is a description, in which "RETURNN: XLayer." and what follows in that paragraph tells how RETURNN differs, and a
`:param` for each option. Options of base classes are described there. The axes are those of the first use of a class in
tests/every_layer.py.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cached_property
from itertools import product

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import LAYERS, Layer
from boulder.network.loop.layer import Loop
from boulder.network.loss import LOSSES, Loss
from boulder.network.option_parsing import refused_options
from boulder.network.specs import NetworkSpec
from boulder.network.template import Template
from boulder.network.units.names import IN_REC, IN_RNN_CELL
from boulder.network.units.unit import Unit
from tests.docs.left_out import LAYERS_LEFT_OUT, LOSSES_LEFT_OUT, UNITS_LEFT_OUT
from tests.every_layer import EXTERN_DATA, NETWORKS

SHARED = (Layer, ConcatLayer, Loss, Unit)
"""base classes whose options have a table of their own"""


@dataclass(frozen=True)
class Documented:
    """
    A class and what its docstring says.

    :param names: in net dicts
    """

    names: tuple[str, ...]
    cls: type
    title: str = ""
    """the heading, if it is not the names"""

    @property
    def heading(self) -> str:
        return self.title or ", ".join(f"`{name}`" for name in self.names)

    @cached_property
    def _docstring(self) -> str:
        written = self.cls.__dict__.get("__doc__") or ""
        if written.startswith(f"{self.cls.__name__}("):  # what `dataclass` writes if the class has none
            written = ""
        return inspect.cleandoc(written)

    @cached_property
    def _text(self) -> str:
        text = re.split(r"^:param ", self._docstring, maxsplit=1, flags=re.MULTILINE)[0]
        if issubclass(self.cls, Unit) and (
            not text or text.startswith("RETURNN: ")
        ):  # one unit per file, which describes it
            text = f"{inspect.getmodule(self.cls).__doc__ or ''}\n\n{text}"
        return text

    @property
    def description(self) -> str:
        """:return: what the class computes, in Markdown"""
        return re.sub(r"RETURNN: .*?(\n\n|\Z)", r"\1", self._text, flags=re.DOTALL).strip()

    @property
    def summary(self) -> str:
        """:return: the first paragraph of the description, in one line"""
        return " ".join(self.description.split("\n\n")[0].split())

    @property
    def returnn(self) -> str:
        """:return: the class in RETURNN, and how it differs"""
        return " ".join(" ".join(re.findall(r"RETURNN: (.*?)(?:\n\n|\Z)", self._text, re.DOTALL)).split())

    def options(self) -> Iterator[tuple[str, str, str]]:
        """:return: name, default and description of each option that the class does not share with all others"""
        shared = {field.name for base in SHARED for field in fields(base) if issubclass(self.cls, base)}
        described = descriptions(self.cls)
        for field in fields(self.cls):
            if field.name not in shared or changed_default(self.cls, field):
                yield field.name, default(field), described.get(field.name, "")


def descriptions(cls: type) -> dict[str, str]:
    """:return: option → its description, of the class or the nearest base class that has one"""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        for name, description in re.findall(r"^:param (\w+): (.*?)(?=^:|^\S|\Z)", text, re.DOTALL | re.MULTILINE):
            found[name] = " ".join(description.split())
    return found


def changed_default(cls: type, field: Field) -> bool:
    """:return: whether the default differs from that of the base class that all share"""
    for base in SHARED:
        for other in fields(base) if issubclass(cls, base) and cls is not base else ():
            if other.name == field.name:
                return default(other) != default(field)
    return False


def default(field: Field) -> str:
    if field.default is MISSING:
        return "required" if field.default_factory is MISSING else f"`{field.default_factory()}`"
    return f"`{field.default!r}`".replace("'", '"')


def documented(classes: Mapping[str, type]) -> list[Documented]:
    """:return: the classes in the order of their names, each with all of its names"""
    names: dict[type, list[str]] = {}
    for name, cls in sorted(classes.items()):
        names.setdefault(cls, []).append(name)
    return [Documented(tuple(own), cls) for cls, own in names.items()]


def axes_of_examples() -> dict[str, str]:
    """:return: layer class → templates of the sources and of the output in its first use in tests/every_layer.py"""
    found: dict[str, str] = {}
    for network, mode in product(NETWORKS.values(), ("train", "search")):
        try:
            spec = describe(network, EXTERN_DATA, mode)
        except NetworkError:  # a network that only trains
            continue
        for layer in spec.all_layers():
            sources = [template_of(spec, source) for source in layer.sources]
            if None not in sources:
                found.setdefault(
                    layer.layer.class_name, f"{', '.join(map(str, sources)) or 'nothing'} → {layer.template}"
                )
    return found


def template_of(spec: NetworkSpec, source: str) -> Template | None:
    """:return: template of a source; None for what exists within the iterations of a loop only"""
    inner = {layer.name: layer.template for layer in spec.all_layers()}
    for name in (source, source.replace("/prev:", "/")):
        if name in inner:
            return inner[name]
    return spec.extern_data.get(source.removeprefix("data:"))


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def own_refusals(cls: type) -> dict[str, str]:
    """:return: option of RETURNN's class that is refused → the reason, of those that the class does not share with all others"""
    shared = [refused_options(base) for base in SHARED if issubclass(cls, base) and cls is not base]
    return {name: reason for name, reason in refused_options(cls).items() if not any(name in known for known in shared)}


def refusals(cls: type) -> str:
    rows = [f"| `{name}` | {cell(reason)} |" for name, reason in sorted(own_refusals(cls).items())]
    return "\n".join(["| RETURNN's option | why it is refused |", "|---|---|", *rows]) if rows else ""


def section(cls: Documented, *more: str) -> str:
    """:return: description and options of a class"""
    rows = [f"| `{name}` | {default} | {cell(text)} |" for name, default, text in cls.options()]
    table = ["| option | default | |", "|---|---|---|", *rows] if rows else []
    lines = [f"### {cls.heading}", cls.description, *more]
    if cls.returnn:
        lines.append(f"RETURNN: {cls.returnn}")
    return "\n\n".join(part for part in [*lines, "\n".join(table), refusals(cls.cls)] if part)


def shared_options(cls: type, base: type | None = None) -> str:
    own = [field for field in fields(cls) if base is None or field.name not in {other.name for other in fields(base)}]
    described = descriptions(cls)
    option = {"sources": "from"}
    rows = [
        f"| `{option.get(f.name, f.name)}` | {default(f)} | {cell(described[f.name].removeprefix('`from`: '))} |"
        for f in own
    ]
    return "\n".join(["| option | default | |", "|---|---|---|", *rows])


def left_out(title: str, rows: Mapping[str, str]) -> str:
    lines = [f"| `{name}` | {reason} |" for name, reason in sorted(rows.items())]
    return "\n".join([f"| {title} | reason |", "|---|---|", *lines])


def layers() -> list[Documented]:
    """:return: the layer classes, and those that `Layer.variant` gives for their names"""
    return sorted(
        [*documented(LAYERS), Documented(("rec",), Loop, "`rec` with layers as its `unit`")], key=lambda c: c.names
    )


def losses() -> list[Documented]:
    return documented(LOSSES)


def units() -> list[Documented]:
    return documented(IN_REC | IN_RNN_CELL)


def document() -> str:
    """:return: the generated part of docs/layers.md"""
    axes = axes_of_examples()
    index = [f"| {c.heading} | {cell(c.summary)} |" for c in layers()]
    return "\n\n".join(
        part
        for part in [
            "\n".join([f"{len(LAYERS)} layer classes:", "", "| class | |", "|---|---|", *index]),
            "## Options of all layers",
            shared_options(Layer),
            refusals(Layer),
            "Layers that concatenate their sources have further ones:",
            shared_options(ConcatLayer, Layer),
            "## Layers",
            *(
                section(
                    c,
                    f"Axes, for example: {axes[c.names[0]]}. In the padding: {c.cls.in_padding}."
                    if c.names[0] in axes
                    else f"In the padding: {c.cls.in_padding}.",
                )
                for c in layers()
            ),
            "## Units",
            "Names of `unit` in `rec` and `rnn_cell`; case does not matter. The options are those of `unit_opts`.",
            *(section(c, places(c)) for c in units()),
            "## Losses",
            "Options of all losses, in `loss_opts`:",
            shared_options(Loss),
            refusals(Loss),
            *(section(c) for c in losses()),
            "## Left out",
            "Classes of RETURNN that Boulder does not have.",
            left_out("layer class", LAYERS_LEFT_OUT),
            left_out("unit", UNITS_LEFT_OUT),
            left_out("loss", LOSSES_LEFT_OUT),
        ]
        if part
    )


def places(unit: Documented) -> str:
    """:return: where the names of a unit exist, if not in `rec` and `rnn_cell` alike"""
    of_rec = [f"`{n}`" for n in unit.names if IN_REC.get(n) is unit.cls and IN_RNN_CELL.get(n) is not unit.cls]
    of_cell = [f"`{n}`" for n in unit.names if IN_RNN_CELL.get(n) is unit.cls and IN_REC.get(n) is not unit.cls]
    return " ".join(
        f"In `{layer}` only: {', '.join(names)}." for layer, names in (("rec", of_rec), ("rnn_cell", of_cell)) if names
    )
