"""`returnn.tf.util.data`: axes by name, and descriptions of data, without TensorFlow. A config makes them, and that is all."""


class Dim:
    """An axis. Two of the same name and size are still two, unless they are the same object."""

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

    name = property(lambda self: self.description)
    size = property(lambda self: self.dimension)

    def _derived(self, other: object, sign: str, size) -> "Dim":
        theirs = other.dimension if isinstance(other, Dim) else other
        known = isinstance(self.dimension, int) and isinstance(theirs, int)
        text = other.description if isinstance(other, Dim) else other
        return Dim(
            size(self.dimension, theirs) if known else None, name=f"({self.description}{sign}{text})", kind=self.kind
        )

    def __add__(self, other):
        return self._derived(other, "+", lambda a, b: a + b)

    def __radd__(self, other):
        return self._derived(other, "+", lambda a, b: b + a)

    def __sub__(self, other):
        return self._derived(other, "-", lambda a, b: a - b)

    def __mul__(self, other):
        return self._derived(other, "*", lambda a, b: a * b)

    __rmul__ = __mul__

    def __floordiv__(self, other):
        return self._derived(other, "//", lambda a, b: a // b)

    def ceildiv_right(self, other):
        return self._derived(other, "/ceil/", lambda a, b: -(-a // b))

    __truediv__ = div_left = div_right = __floordiv__

    def is_batch_dim(self) -> bool:
        return self.kind == Dim.Types.Batch

    def __deepcopy__(self, memo) -> "Dim":  # a copy would be another axis
        return self

    def __repr__(self) -> str:
        return f"Dim({self.description!r}{'' if self.dimension is None else f', {self.dimension}'})"


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

    def __getattr__(self, option: str):
        if option.startswith("_") or option not in self.__dict__.get("options", ()):
            raise AttributeError(f"Data {self.__dict__.get('name')!r} has no {option!r}")
        return self.options[option]

    def __repr__(self) -> str:
        return f"Data({self.name!r}, {', '.join(f'{key}={value!r}' for key, value in self.options.items())})"


Tensor = Data
