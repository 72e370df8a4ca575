"""`returnn.tf.util.data`: descriptions of axes and data, which configs create, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boulder.errors import ConfigError
from boulder.network.dims import DimLike, MarkedDim
from boulder.schedule.numbering import next_number

__all__ = [
    "Data", "Dim", "DimensionTag", "FeatureDim", "ImplicitDim", "ImplicitDynSizeDim", "ImplicitSparseDim", "OptionalDim",
    "SpatialDim", "Tensor", "VerifyOutShapeException", "any_feature_dim", "any_spatial_dim", "batch_dim", "single_step_dim",
]  # fmt: skip


class Dim(DimLike):
    """
    An axis. Axes created with the same name and size are different; `number` distinguishes them. Axes derived in the same way
    from the same axis are equal, and so are all batch axes, as in RETURNN.
    """

    class Types:
        Unspecified = None
        Batch = "batch"
        Spatial = "spatial"
        Time = "spatial"
        Feature = "feature"

    def __init__(
        self,
        dimension: object = None,
        *,
        name: str | None = None,
        description: str | None = None,
        kind: str | None = None,
        dyn_size_ext: object = None,
        **kwargs: Any,
    ) -> None:
        """
        :param dimension: size; None if it depends on the data; some configs give a `Data` of sequence lengths
        :param name: name for messages; `description` is the older option
        :param kind: a member of `Dim.Types`
        """
        self.dimension = dimension if isinstance(dimension, int) else None
        self.description = name or description or "unnamed"
        self.kind = kind
        self.dyn_size_ext = dyn_size_ext if dimension is None or isinstance(dimension, int) else dimension
        self.match_priority = kwargs.pop("match_priority", 0)
        self.options = kwargs
        self.derivation: tuple = ()
        """(operation, left, right), where left or right is a Dim; empty for an axis that is not derived"""
        self.number: int = next_number((Dim, self.description, self.kind, self.dimension))
        self._same_as: Dim | None = None

    @property
    def name(self) -> str:
        return self.description

    @property
    def size(self) -> int | None:
        return self.dimension

    def _derived(self, sign: str, left: Dim | int, right: Dim | int, size: Callable[[int, int], int]) -> Dim:
        sizes = [operand.dimension if isinstance(operand, Dim) else operand for operand in (left, right)]
        known = [size for size in sizes if isinstance(size, int)]
        texts = [operand.description if isinstance(operand, Dim) else operand for operand in (left, right)]
        return Dim.from_plain(
            {
                "kind": self.kind,
                "name": f"({texts[0]}{sign}{texts[1]})",
                "size": size(*known) if len(known) == 2 else None,
                "derivation": (sign, left, right),
            }
        )

    def __add__(self, other: Dim | int) -> Dim:
        return self._derived("+", self, other, lambda a, b: a + b)

    def __radd__(self, other: Dim | int) -> Dim:
        return self._derived("+", other, self, lambda a, b: a + b)

    def __sub__(self, other: Dim | int) -> Dim:
        return self._derived("-", self, other, lambda a, b: a - b)

    def __mul__(self, other: Dim | int) -> Dim:
        return self._derived("*", self, other, lambda a, b: a * b)

    def __rmul__(self, other: Dim | int) -> Dim:
        return self._derived("*", other, self, lambda a, b: a * b)

    def __floordiv__(self, other: Dim | int) -> Dim:
        return self._derived("//", self, other, lambda a, b: a // b)

    def ceildiv_right(self, other: Dim | int) -> Dim:
        return self._derived("/ceil/", self, other, lambda a, b: -(-a // b))

    __truediv__ = div_right = __floordiv__
    add_right, sub_right, mul_right = __add__, __sub__, __mul__

    def add_left(self, other: Dim | int) -> Dim:
        return self.__radd__(other)

    def sub_left(self, other: Dim | int) -> Dim:
        """:return: this axis without its first `other` entries"""
        return self._derived("left-", self, other, lambda a, b: a - b)

    def mul_left(self, other: Dim | int) -> Dim:
        return self.__rmul__(other)

    def div_left(self, other: Dim | int) -> Dim:
        return self.__floordiv__(other)

    def ceildiv_left(self, other: Dim | int) -> Dim:
        return self.ceildiv_right(other)

    def __neg__(self) -> Dim:
        return self._derived("*", -1, self, lambda a, b: a * b)

    def is_batch_dim(self) -> bool:
        return self.kind == Dim.Types.Batch

    def is_feature_dim(self) -> bool:
        return self.kind == Dim.Types.Feature

    def is_spatial_dim(self) -> bool:
        return self.kind == Dim.Types.Spatial

    def is_dynamic(self) -> bool:
        return self.dimension is None and not self.is_batch_dim()

    def get_dim_value(self) -> int:
        """:raises ConfigError: for an axis whose size depends on the data: while planning, there are no data"""
        if self.dimension is None:
            raise ConfigError(f"{self!r} has no size while a network is planned, expected an axis of static size")
        return self.dimension

    def copy(
        self,
        same_as_self: bool = True,
        description: str | None = None,
        kind: str | None = None,
        match_priority: int | None = None,
    ) -> Dim:
        """:return: the same axis with another `match_priority`; or, unless `same_as_self`, a new axis of the same size"""
        if not same_as_self:
            return Dim(self.dimension, name=description or self.description, kind=kind or self.kind)
        result = Dim.from_plain(self.to_plain())
        result.match_priority = self.match_priority if match_priority is None else match_priority
        return result

    def without_priority(self) -> Dim:
        return self.copy(match_priority=0) if self.match_priority else self

    def declare_same_as(self, other: Dim) -> None:
        """Makes this the same axis as `other`. Networks that have it already are not changed."""
        if other != self:
            self._same_as = other

    def get_same_base(self) -> Dim:
        return self._same_as.get_same_base() if self._same_as else self

    def to_plain(self) -> dict:
        """:return: plain values without defaults, for the hash and for workers"""
        if self._same_as:
            return {**self._same_as.to_plain(), **({"priority": self.match_priority} if self.match_priority else {})}
        if self.is_batch_dim():
            return {"kind": self.kind, "name": "batch"}
        said = {"sizes": self.dyn_size_ext, "options": self.options, "derivation": self.derivation}
        said |= {"priority": self.match_priority}
        said = {key: value for key, value in said.items() if value} | ({"number": self.number} if self.number else {})
        return {"kind": self.kind, "name": self.description, "size": self.dimension, **said}

    @classmethod
    def from_plain(cls, plain: dict) -> Dim:
        """The inverse of `to_plain`."""
        dim = cls.__new__(cls)
        dim.dimension, dim.description, dim.kind = plain.get("size"), plain["name"], plain["kind"]
        dim.dyn_size_ext, dim.options = plain.get("sizes"), dict(plain.get("options", {}))
        dim.derivation, dim.number = tuple(plain.get("derivation", ())), plain.get("number", 0)
        dim.match_priority, dim._same_as = plain.get("priority", 0), None
        return dim

    def _key(self) -> tuple:
        if self._same_as:
            return (*self._same_as._key()[:-1], self.match_priority)
        if self.is_batch_dim():
            return (self.kind, 0)
        return (self.kind, self.description, self.dimension, self.derivation, self.number, self.match_priority)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Dim) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple:
        return Dim.from_plain, (self.to_plain(),)

    def __deepcopy__(self, memo: object) -> Dim:  # it is immutable
        return self

    def __repr__(self) -> str:
        number = f" #{self.number + 1}" if self.number else ""
        return f"Dim({self.description!r}{number}{'' if self.dimension is None else f', {self.dimension}'})"


DimensionTag = Dim


def FeatureDim(description: str, dimension: int | None = None, **kwargs: Any) -> Dim:
    return Dim(dimension, description=description, kind=Dim.Types.Feature, **kwargs)


def SpatialDim(description: str, dimension: int | None = None, **kwargs: Any) -> Dim:
    return Dim(dimension, description=description, kind=Dim.Types.Spatial, **kwargs)


class ImplicitDim(MarkedDim):
    """A `Dim` in `out_shape` that is not an axis of the output."""

    mark = "implicit"

    def __init__(self, tag: Dim) -> None:
        self.tag = tag

    def to_plain(self) -> dict:
        return {"tag": self.tag}

    @classmethod
    def from_plain(cls, plain: dict) -> ImplicitDim:
        return cls(plain["tag"])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.tag == other.tag

    def __hash__(self) -> int:
        return hash((self.mark, self.tag))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.tag!r})"


class ImplicitDynSizeDim(ImplicitDim):
    """A `Dim` on which lengths along an axis of the output depend."""

    mark = "dyn_size"


class ImplicitSparseDim(ImplicitDim):
    """The `Dim` of the classes of the output."""

    mark = "sparse"


class OptionalDim(ImplicitDim):
    """A `Dim` that the output may have or lack."""

    mark = "optional"


class VerifyOutShapeException(Exception):
    """RETURNN raises it where `out_shape` does not fit. Here it is a `NetworkError`, so a config never gets it."""


batch_dim = Dim(description="global batch", kind=Dim.Types.Batch)
single_step_dim = Dim(1, description="single-step", kind=Dim.Types.Spatial)
any_feature_dim = Dim(description="any-feature-dim", kind=Dim.Types.Feature)
any_spatial_dim = Dim(description="any-spatial-dim", kind=Dim.Types.Spatial)


class Data:
    """The description of a tensor: only the options with which it was created."""

    def __init__(self, name: str = "data", dims: object = None, dtype: object = None, **kwargs: Any) -> None:
        self.name = name
        self.options = {
            **({} if dims is None else {"dims": dims}),
            **({} if dtype is None else {"dtype": dtype}),
            **kwargs,
        }

    def get_kwargs(self, include_special_axes: bool = True) -> dict:
        return {"name": self.name, **self.options}

    def copy_template(self, name: str | None = None, **options: Any) -> Data:
        return Data(name or self.name, **{**self.options, **options})

    def to_plain(self) -> dict:
        return {"name": self.name, "options": self.options}

    @classmethod
    def from_plain(cls, plain: dict) -> Data:
        return cls(plain["name"], **plain["options"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and (self.name, self.options) == (other.name, other.options)

    def __getattr__(self, option: str) -> Any:
        if option.startswith("_") or option not in self.__dict__.get("options", ()):
            raise AttributeError(f"Data {self.__dict__.get('name')!r} has no {option!r}")
        return self.options[option]

    def __repr__(self) -> str:
        return f"Data({self.name!r}, {', '.join(f'{key}={value!r}' for key, value in self.options.items())})"


Tensor = Data
