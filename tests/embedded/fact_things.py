"""Objects and job classes whose hashes are recorded. Their names enter the hashes: renaming one changes a record."""

import collections
import enum
import functools

from sisyphus import Job, Task


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Plain:
    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)

    def method(self):
        pass


class Slots:
    __slots__ = ["a", "b"]

    def __init__(self, a):
        self.a = a


class Stateful(Plain):
    def __sis_state__(self):
        return {"only": self.a}


class Pickled(Plain):
    def __getstate__(self):
        return (self.a,)

    def __setstate__(self, state):
        (self.a,) = state


class NewArgs(Plain):
    def __getnewargs__(self):
        return ("new", 1)


class Named:
    def _sis_hash(self):
        return b"(my own name)"


class Grouped:
    """Has methods of both kinds."""

    @classmethod
    def make(cls):
        return cls()

    def kept(self):
        pass


class ManyThings(dict):
    pass


Pair = collections.namedtuple("Pair", "left right")


def function(x=None):
    return x


partial = functools.partial(function, 3)


class Simple(Job):
    def __init__(self, a, b=2, *args, c=None, **kwargs):
        self.out = self.output_path("out")
        self.var = self.output_var("sub/var")

    def tasks(self):
        yield Task("run", resume="run", rqmt={"cpu": 1})

    def run(self):
        pass


class NoArguments(Job):
    pass


class Excluded(Job):
    __sis_hash_exclude__ = {"new": 5, "other": None}  # noqa: RUF012

    def __init__(self, old, new=5, other=None):
        pass


class Overwritten(Job):
    __sis_hash_overwrite__ = [("mode", "fast", "slow")]  # noqa: RUF012

    def __init__(self, mode):
        pass


class Versioned(Job):
    __sis_version__ = 3

    def __init__(self, a):
        pass


class OwnHash(Job):
    def __init__(self, a, verbose):
        pass

    @classmethod
    def hash(cls, parsed_args):
        return super().hash({"a": parsed_args["a"]})


class Mutating(Job):
    """Changes its arguments, which may not change the hash or the caller's objects."""

    def __init__(self, options):
        options["seen"] = True
        self.options = options


HASHED = """
None | True | 1 | -7 | 2.5 | float("nan") | float("inf") | 1j | "text" | "ünï" | b"bytes" | bytearray(b"x") == 1
[] | [1, [2, "x"]] | () | (1,) | {1, 2, 3} | frozenset({"a", "b"}) | {} | {"b": 1, "a": [2]} | {1: {2: {3: None}}}
list(range(2000)) | {"k": "v" * 5000} | Pair(1, "r") | ManyThings(a=1) | int | Plain | Colour | Colour.RED | Colour.BLUE
Level.HIGH | function | len | "a".upper | str.lower | partial | Plain(a=1, b=[2]) | Plain().method | Plain() | Slots(4)
Stateful(a=1, b=2) | Pickled(a=1, b=2) | NewArgs(a=1) | Named() | [Named(), Named()] | collections | collections.OrderedDict(a=1)
pathlib.Path("a/b") | pathlib.PurePosixPath("/x") | datetime.date(2020, 1, 2) | fractions.Fraction(1, 3)
tk.Path("in/put") | tk.Path("/abs/file") | tk.Path("p", cached=True) | tk.Path("p", hash_overwrite="q") | tk.Path("p").join_right("q")
tk.Path("p", hash_overwrite="q").join_right("r") | tk.Path("p").copy_append(".gz") | tk.Path("p", hash_overwrite=("c", "q"))
tk.Variable("v") | tk.Variable("v", pickle=True) | Simple(1).out | Simple(1).var | {"x": [Simple(1).out]} | Simple(1)
Simple(1).var + 1 | 2 - Simple(1).var | Simple(1).var * Simple(2).var | Simple(1).var / 2 | Simple(1).var // 2
Simple(1).var % 3 | Simple(1).var ** 2 | round(Simple(1).var, 2) | Simple(1).var["key"] | Simple(1).var.format(1, a=2)
Simple(1).var.replace("a", "b") | Simple(1).var.function(function, 1) | Simple(1).var.fallback(3) | Simple(1).var(1, b=2)
tk.Delayed("x") | tk.Delayed([1, 2])[0] | Simple(1).var.rformat("{}") | DelayedSlice([1, 2, 3], 0, Simple(1).var)
DelayedJoin(["a", Simple(1).var], "-") | (lambda: 1) | object() | type("List", (list,), {})([1]) | True + Level.LOW
"""

JOBS = """
Simple(1) | Simple(a=1, b=2) | Simple(1, 3, 4, 5) | Simple(1, c="x", d=4) | Simple([1, {"k": (2, 3)}]) | Simple(tk.Path("in/put"))
Simple(Simple(1).out) | Simple(Simple(1).var + 1) | Simple(Plain(a=Simple(1).out)) | Simple(function) | Simple(Colour.BLUE)
NoArguments() | Excluded(1) | Excluded(1, 5) | Excluded(1, 6) | Excluded(1, 5, other="x") | Overwritten("fast") | Overwritten("slow")
Overwritten("other") | Versioned(1) | OwnHash(1, True) | OwnHash(1, False) | Mutating({"x": 1}) | Simple(1.0) | Simple("1")
"""


def expressions(table):
    return [text.strip() for line in table.strip().splitlines() for text in line.split(" | ")]


__all__ = [name for name in dir() if not name.startswith("_")]
