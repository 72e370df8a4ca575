"""Arithmetic on values that do not exist yet: `a + b` on a Variable without a value is an object whose get() adds later.

Class and attribute names enter job hashes and job.save files, so they are upstream's.
"""

import operator

from sisyphus.hash import sis_hash_helper


def try_get(v):
    """Returns the value of a delayed object, and any other object as it is."""
    return v.get() if isinstance(v, DelayedBase) else v


def _delayed_in(values):
    for value in values:
        if isinstance(value, DelayedBase):
            yield value
        elif isinstance(value, (list, tuple, dict)):
            yield from _delayed_in(value.values() if isinstance(value, dict) else value)


class DelayedBase:
    """An operation on `a` (and `b`) that get() evaluates."""

    def __init__(self, a, b=None):
        self.a = a
        self.b = b

    def is_set(self):
        return all(value.is_set() for value in _delayed_in(vars(self).values()))

    def get(self):
        raise NotImplementedError(f"{type(self).__qualname__} defines no get()")

    __iter__ = None  # else Python would iterate over x[0], x[1], ... without end

    def __pow__(self, other, modulo=None):
        power = DelayedPow(self, other)
        return power if modulo is None else DelayedMod(power, modulo)

    def __call__(self, *args, **kwargs):
        return DelayedFunctionV2(self, args, kwargs)

    def format(self, *args, **kwargs):
        return DelayedFormat(self, *args, **kwargs)

    def rformat(self, fstring, *args, **kwargs):
        return DelayedFormat(fstring, self, *args, **kwargs)

    def replace(self, *args, **kwargs):
        return DelayedReplace(self, *args, **kwargs)

    def function(self, func, *args, **kwargs):
        return DelayedFunction(self, func, *args, **kwargs)

    def fallback(self, fallback):
        return DelayedFallback(self, fallback)

    def __str__(self):
        return str(self.get())

    __repr__ = __str__


def _binary(name, operation):
    def get(self):
        return operation(try_get(self.a), try_get(self.b))

    return type(name, (DelayedBase,), {"get": get, "__module__": __name__})


DelayedAdd = _binary("DelayedAdd", operator.add)
DelayedSub = _binary("DelayedSub", operator.sub)
DelayedMul = _binary("DelayedMul", operator.mul)
DelayedTrueDiv = _binary("DelayedTrueDiv", operator.truediv)
DelayedFloorDiv = _binary("DelayedFloorDiv", operator.floordiv)
DelayedMod = _binary("DelayedMod", operator.mod)
DelayedPow = _binary("DelayedPow", operator.pow)
DelayedRound = _binary("DelayedRound", round)
DelayedGetItem = _binary("DelayedGetItem", operator.getitem)

_LEFT = {
    "add": DelayedAdd, "sub": DelayedSub, "mul": DelayedMul, "truediv": DelayedTrueDiv, "floordiv": DelayedFloorDiv,
    "mod": DelayedMod, "getitem": DelayedGetItem, "round": DelayedRound,
}  # fmt: skip
for _name, _class in _LEFT.items():
    setattr(DelayedBase, f"__{_name}__", lambda self, other=None, make=_class: make(self, other))
for _name in ("add", "sub", "mul", "truediv", "floordiv"):
    setattr(DelayedBase, f"__r{_name}__", lambda self, other, make=_LEFT[_name]: make(other, self))
DelayedBase.__rpow__ = lambda self, other: DelayedPow(other, self)


class Delayed(DelayedBase):
    """Makes any value delayed; hashes like the value, so that wrapping changes no job id."""

    def __init__(self, a):
        super().__init__(a)

    def get(self):
        return try_get(self.a)

    def _sis_hash(self):
        return sis_hash_helper(self.a)


class DelayedFallback(DelayedBase):
    def get(self):
        return self.a.get() if self.a.is_set() else try_get(self.b)


class DelayedFunctionBase(DelayedBase):
    def __init__(self, string, *args, **kwargs):
        self.string = string
        self.args = args
        self.kwargs = kwargs


class DelayedFunction(DelayedFunctionBase):
    def __init__(self, string, func, *args, **kwargs):
        if func.__name__ == "<lambda>":
            raise ValueError("a delayed function needs a name to be hashed: use def instead of lambda")
        self.func = func
        super().__init__(string, *args, **kwargs)

    def get(self):
        return self.func(try_get(self.string), *self.args, **self.kwargs)


class DelayedFormat(DelayedFunctionBase):
    def get(self):
        return try_get(self.string).format(*map(try_get, self.args), **self.kwargs)


class DelayedReplace(DelayedFunctionBase):
    def get(self):
        return try_get(self.string).replace(*self.args, **self.kwargs)


class DelayedFunctionV2(DelayedBase):
    """Function, arguments and keyword arguments may each be delayed."""

    def __init__(self, func, args, kwargs):
        self.func = func
        self.args = args
        self.kwargs = kwargs

    def get(self):
        args = [try_get(arg) for arg in try_get(self.args)]
        kwargs = {key: try_get(value) for key, value in try_get(self.kwargs).items()}
        return try_get(self.func)(*args, **kwargs)


class DelayedSlice(DelayedBase):
    def __init__(self, iterable, index_start=0, index_end=-1, step=1):
        self.iterable = iterable
        self.index_start = index_start
        self.index_end = index_end
        self.step = step

    def get(self):
        bounds = slice(try_get(self.index_start), try_get(self.index_end), try_get(self.step))
        return try_get(self.iterable)[bounds]


class DelayedJoin(DelayedBase):
    def __init__(self, iterable, separator):
        self.iterable = iterable
        self.separator = separator

    def get(self):
        return self.separator.join(try_get(item) for item in self.iterable)
