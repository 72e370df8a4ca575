"""`returnn.tf.util.data`: axes by name, and descriptions of data, without TensorFlow. A config makes them, and that is all."""

from boulder.schedule.numbering import next_number


class Dim:
    """
    An axis. Two that are made with the same name and size are still two: `number` tells them apart. What is derived
    in the same way from the same axis is the same. All batch axes are one, as in RETURNN.
    """

    class Types:
        Unspecified = None
        Batch = "batch"
        Spatial = "spatial"
        Time = "spatial"
        Feature = "feature"

    def __init__(self, dimension=None, *, name=None, description=None, kind=None, dyn_size_ext=None, **kwargs) -> None:
        """
        :param dimension: its size, None if that depends on the data; some configs give a `Data` of the sizes here
        :param name: for messages; `description` is the older word
        :param kind: one of `Dim.Types`
        """
        self.dimension = dimension if isinstance(dimension, int) else None
        self.description = name or description or "unnamed"
        self.kind = kind
        self.dyn_size_ext = dyn_size_ext if dimension is None or isinstance(dimension, int) else dimension
        self.options = kwargs
        self.derivation: tuple = ()
        """(operation, operand, operand), of which at least one is a Dim; empty if it was made from nothing."""
        self.number: int = next_number((Dim, self.description, self.kind, self.dimension))

    name = property(lambda self: self.description)
    size = property(lambda self: self.dimension)

    def _derived(self, sign: str, left, right, size) -> "Dim":
        sizes = [operand.dimension if isinstance(operand, Dim) else operand for operand in (left, right)]
        known = all(isinstance(operand, int) for operand in sizes)
        texts = [operand.description if isinstance(operand, Dim) else operand for operand in (left, right)]
        return Dim.from_plain(
            {
                "kind": self.kind,
                "name": f"({texts[0]}{sign}{texts[1]})",
                "size": size(*sizes) if known else None,
                "derivation": (sign, left, right),
            }
        )

    def __add__(self, other):
        return self._derived("+", self, other, lambda a, b: a + b)

    def __radd__(self, other):
        return self._derived("+", other, self, lambda a, b: a + b)

    def __sub__(self, other):
        return self._derived("-", self, other, lambda a, b: a - b)

    def __mul__(self, other):
        return self._derived("*", self, other, lambda a, b: a * b)

    def __rmul__(self, other):
        return self._derived("*", other, self, lambda a, b: a * b)

    def __floordiv__(self, other):
        return self._derived("//", self, other, lambda a, b: a // b)

    def ceildiv_right(self, other):
        return self._derived("/ceil/", self, other, lambda a, b: -(-a // b))

    __truediv__ = div_left = div_right = __floordiv__

    def is_batch_dim(self) -> bool:
        return self.kind == Dim.Types.Batch

    def to_plain(self) -> dict:
        """:return: what it is, for a hash and for a worker: what is as it is by default is not said"""
        if self.is_batch_dim():
            return {"kind": self.kind, "name": "batch"}
        said = {"sizes": self.dyn_size_ext, "options": self.options, "derivation": self.derivation}
        said = {key: value for key, value in said.items() if value} | ({"number": self.number} if self.number else {})
        return {"kind": self.kind, "name": self.description, "size": self.dimension, **said}

    @classmethod
    def from_plain(cls, plain: dict) -> "Dim":
        """:return: the inverse of `to_plain`"""
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

    def __reduce__(self):
        return Dim.from_plain, (self.to_plain(),)

    def __deepcopy__(self, memo) -> "Dim":  # it is never changed
        return self

    def __repr__(self) -> str:
        number = f" #{self.number + 1}" if self.number else ""
        return f"Dim({self.description!r}{number}{'' if self.dimension is None else f', {self.dimension}'})"


DimensionTag = Dim


def FeatureDim(description, dimension=None, **kwargs) -> Dim:
    return Dim(dimension, description=description, kind=Dim.Types.Feature, **kwargs)


def SpatialDim(description, dimension=None, **kwargs) -> Dim:
    return Dim(dimension, description=description, kind=Dim.Types.Spatial, **kwargs)


def ImplicitDynSizeDim(tag: Dim) -> Dim:
    return tag


def ImplicitSparseDim(tag: Dim) -> Dim:
    return tag


batch_dim = Dim(description="global batch", kind=Dim.Types.Batch)
single_step_dim = Dim(1, description="single-step", kind=Dim.Types.Spatial)


class Data:
    """What a tensor looks like: only the options that it was made with."""

    def __init__(self, name: str = "data", dims=None, dtype=None, **kwargs) -> None:
        self.name = name
        self.options = {
            **({} if dims is None else {"dims": dims}),
            **({} if dtype is None else {"dtype": dtype}),
            **kwargs,
        }

    def get_kwargs(self, include_special_axes: bool = True) -> dict:
        return {"name": self.name, **self.options}

    def copy_template(self, name: str | None = None, **options) -> "Data":
        return Data(name or self.name, **{**self.options, **options})

    def to_plain(self) -> dict:
        return {"name": self.name, "options": self.options}

    @classmethod
    def from_plain(cls, plain: dict) -> "Data":
        return cls(plain["name"], **plain["options"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and (self.name, self.options) == (other.name, other.options)

    __hash__ = None

    def __getattr__(self, option: str):
        if option.startswith("_") or option not in self.__dict__.get("options", ()):
            raise AttributeError(f"Data {self.__dict__.get('name')!r} has no {option!r}")
        return self.options[option]

    def __repr__(self) -> str:
        return f"Data({self.name!r}, {', '.join(f'{key}={value!r}' for key, value in self.options.items())})"


Tensor = Data
