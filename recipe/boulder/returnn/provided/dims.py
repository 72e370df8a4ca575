"""`returnn.tf.util.data`: descriptions of axes and data, which configs create, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boulder.schedule.numbering import next_number

__all__ = [
    "Data", "Dim", "DimensionTag", "FeatureDim", "ImplicitDynSizeDim", "ImplicitSparseDim", "SpatialDim", "Tensor",
    "batch_dim", "single_step_dim",
]  # fmt: skip


class Dim:
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
        self.options = kwargs
        self.derivation: tuple = ()
        """(operation, left, right), where left or right is a Dim; empty for an axis that is not derived"""
        self.number: int = next_number((Dim, self.description, self.kind, self.dimension))

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

    __truediv__ = div_left = div_right = __floordiv__

    def is_batch_dim(self) -> bool:
        return self.kind == Dim.Types.Batch

    def to_plain(self) -> dict:
        """:return: plain values without defaults, for the hash and for workers"""
        if self.is_batch_dim():
            return {"kind": self.kind, "name": "batch"}
        said = {"sizes": self.dyn_size_ext, "options": self.options, "derivation": self.derivation}
        said = {key: value for key, value in said.items() if value} | ({"number": self.number} if self.number else {})
        return {"kind": self.kind, "name": self.description, "size": self.dimension, **said}

    @classmethod
    def from_plain(cls, plain: dict) -> Dim:
        """The inverse of `to_plain`."""
        dim = cls.__new__(cls)
        dim.dimension, dim.description, dim.kind = plain.get("size"), plain["name"], plain["kind"]
        dim.dyn_size_ext, dim.options = plain.get("sizes"), dict(plain.get("options", {}))
        dim.derivation, dim.number = tuple(plain.get("derivation", ())), plain.get("number", 0)
        return dim

    def _key(self) -> tuple:
        if self.is_batch_dim():
            return (self.kind,)
        return (self.kind, self.description, self.dimension, self.derivation, self.number)

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


def ImplicitDynSizeDim(tag: Dim) -> Dim:
    return tag


def ImplicitSparseDim(tag: Dim) -> Dim:
    return tag


batch_dim = Dim(description="global batch", kind=Dim.Types.Batch)
single_step_dim = Dim(1, description="single-step", kind=Dim.Types.Spatial)


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
