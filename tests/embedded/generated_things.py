"""Random Python expressions of objects that may be arguments of a job.

A seeded one gives the same table everywhere; hypothesis's shrinks what two Sisyphuses do not agree on. The expressions are
texts, since each Sisyphus makes its own objects of them, with the names of fact_things and `tk`.
"""

import importlib
import inspect
import pkgutil

NUMBERS = ["0", "1", "-1", "17", "2**70", "0.1", "-0.0", "1e300", "float('nan')", "float('inf')", "2j", "True", "False"]
TEXTS = ["''", "'a'", "'b c'", "'ä€😀'", "'new\\nline'", "'x' * 5000"]
NAMES = ["alpha", "beta", "gamma", "delta"]
CALLABLES = [
    "function",
    "len",
    "str.upper",
    "'x'.upper",
    "Plain",
    "Plain.method",
    "Plain(a=1).method",
    "partial",
    "int",
]
CALLABLES += ["Colour", "functools.reduce", "Simple", "collections.OrderedDict", "Grouped.make", "Grouped().kept"]
ENUMS = ["Colour.RED", "Colour.BLUE", "Level.LOW", "Level.HIGH"]
BINARY = ["+", "-", "*", "/", "//", "%", "**"]

CHECKED = {
    "jobs.automata.LexiconAutomataJob": {
        "phonemes": ["['a']", "['b', 'a', '\\u00e4']"],
        "costs": ["None", "{}", "{'loop': 0.5, 'silence_forward': 1}"],
    }
}
"""job class → argument → valid values, for arguments that are checked when the job is made"""


class Expressions:
    def __init__(self, random):
        """:param random: a random.Random, or hypothesis's substitute for one"""
        self.random = random

    def pick(self, options):
        return options[self.random.randrange(len(options))]

    def anything(self, depth=3):
        leaves = [self.number, self.text, self.bytes, self.none, self.callable, self.enum, self.pathlib, self.path]
        inner = [self.container, self.mapping, self.object, self.variable, self.delayed, self.job, self.path]
        make = self.pick(leaves + 2 * inner if depth > 0 else leaves)
        return make(depth - 1)

    def several(self, depth, make=None):
        return ", ".join((make or self.anything)(depth) for _ in range(self.random.randrange(4)))

    def number(self, depth=0):
        return self.pick([self.pick(NUMBERS), str(self.random.randrange(-1000, 1000))])

    def text(self, depth=0):
        return self.pick(TEXTS)

    def bytes(self, depth=0):
        return f"({self.pick(TEXTS)}).encode()"

    def none(self, depth=0):
        return "None"

    def callable(self, depth=0):
        return self.pick(CALLABLES)

    def enum(self, depth=0):
        return self.pick(ENUMS)

    def pathlib(self, depth=0):
        return f"{self.pick(['pathlib.Path', 'pathlib.PurePosixPath'])}({self.pick(NAMES)!r}, {self.pick(NAMES)!r})"

    def hashable(self, depth=0):
        return self.pick([self.number, self.text, self.bytes, self.none, self.enum])(depth)

    def container(self, depth):
        pattern = self.pick(["[{}]", "[{}]", "tuple([{}])", "set([{}])", "frozenset([{}])", "Pair([{}], 1)"])
        return pattern.format(self.several(depth, self.hashable if "set" in pattern else None))

    def mapping(self, depth):
        items = ", ".join(f"{self.hashable()}: {self.anything(depth)}" for _ in range(self.random.randrange(4)))
        return self.pick(["{{{}}}", "{{{}}}", "ManyThings({{{}}})", "collections.OrderedDict({{{}}})"]).format(items)

    def options(self, depth):
        names = NAMES[: self.random.randrange(len(NAMES))]
        return ", ".join(f"{name}={self.anything(depth)}" for name in names)

    def object(self, depth):
        kind = self.pick(["Plain({})", "Stateful(a={})", "Pickled(a={})", "NewArgs(a={})", "Slots({})", "Named()"])
        return kind.format(self.options(depth) if kind == "Plain({})" else self.anything(depth))

    def path(self, depth=0):
        name = self.pick(["p", "in/put", "/abs/file"])
        more = self.pick(["", ", cached=True", ", hash_overwrite='q'", ", hash_overwrite=('c', 'q')", ", tags={'t'}"])
        of_job = f"{self.simple(depth - 1)}.out" if depth > 0 else "Simple(1).out"
        plain = f"tk.Path({name!r}{more})"
        return self.pick([plain, plain, of_job]) + self.pick(["", "", ".join_right('r')", ".copy_append('.gz')"])

    def variable(self, depth):
        return self.pick(
            [f"{self.simple(depth - 1)}.var", "tk.Variable('v')", "tk.Variable('v', pickle=True, backup=3)"]
        )

    def delayed(self, depth):
        a, b = self.pick([self.delayed, self.variable, self.variable] if depth > 0 else [self.variable]), self.anything
        a, b = a(depth - 1), b(depth - 1)
        return self.pick(
            [
                f"({a} {self.pick(BINARY)} {self.number()})",
                f"({self.number()} {self.pick(BINARY)} {a})",
                f"({a} {self.pick(BINARY)} {self.variable(depth - 1)})",
                f"round({a}, 2)",
                f"{a}[{self.hashable()}]",
                f"{a}.format({b}, k={self.number()})",
                f"{a}.rformat('{{}} {{}}', {b})",
                f"{a}.replace({self.text()}, 'z')",
                f"{a}.function(function, {b})",
                f"{a}.fallback({b})",
                f"{a}({b}, k={self.number()})",
                f"tk.Delayed({b})",
                f"DelayedSlice([1, 2, 3], 0, {a})",
                f"DelayedJoin(['a', {a}], '-')",
            ]
        )

    def simple(self, depth):
        """A job with outputs."""
        arguments = self.pick(["{0}", "{1}, {0}, c={2}", "{0}, 3, 4, key={1}"])
        return f"Simple({arguments.format(self.anything(depth), self.number(), self.text())})"

    def job(self, depth):
        a, number = self.anything(depth), self.number()
        return self.pick(
            [
                self.simple(depth),
                f"Excluded({a}, new={self.pick(['5', number])}, other={self.pick(['None', a])})",
                f"Overwritten({self.pick(['1', repr('fast'), repr('slow')])})",
                f"Versioned({a})",
                f"OwnHash({a}, {number})",
            ]
        )


def job_classes():
    """:return: class name as in job ids → Job class, for all of jobs/ but base classes without tasks"""
    import jobs
    from sisyphus import Job

    found = {}
    for module in pkgutil.iter_modules(jobs.__path__, "jobs."):
        for name, value in vars(importlib.import_module(module.name)).items():
            of_module = inspect.isclass(value) and issubclass(value, Job) and value.__module__ == module.name
            if of_module and value.tasks is not Job.tasks:
                found[f"{module.name}.{name}"] = value
    return found


def job_expression(name, cls, random):
    """A call of a job class with random arguments of the annotated types; some arguments with defaults are left out."""
    expressions, arguments = Expressions(random), []
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.default is inspect.Parameter.empty or random.random() < 0.5:
            valid = CHECKED.get(name, {}).get(parameter.name)
            value = expressions.pick(valid) if valid else _of_type(_text(parameter.annotation), expressions)
            arguments.append(f"{parameter.name}={value}")
    return f"{name}({', '.join(arguments)})"


def _text(annotation):
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _of_type(annotation, expressions):
    kind = expressions.pick(_split(annotation))
    outer, _, inner = kind.rstrip("]").partition("[")
    outer = outer.rpartition(".")[2]
    if outer in ("list", "Sequence", "Collection"):
        return f"[{', '.join(_of_type(inner, expressions) for _ in range(1 + expressions.random.randrange(2)))}]"
    if outer == "dict":
        return _plain_dict(expressions)
    if outer in ("int", "float"):
        return str(expressions.random.randrange(1, 100))
    if outer == "bool":
        return expressions.pick(["True", "False"])
    if outer == "Data":
        return f"[{expressions.path(1)}]"
    makers = {"None": expressions.none, "str": expressions.text, "Path": expressions.path}
    return makers.get(outer, expressions.anything)(1)


def _split(annotation):
    """The alternatives of `dict[str, int] | None`."""
    return [part.strip() for part in annotation.split(" | ")]


def _plain_dict(expressions):
    """Plain JSON, as in the arguments of Boulder's jobs."""
    values = [expressions.number, expressions.text, expressions.none, lambda depth: "[1, {'k': [2.5, None]}]"]
    items = [f"{name!r}: {expressions.pick(values)(0)}" for name in NAMES[: expressions.random.randrange(1, 5)]]
    return f"{{{', '.join(items)}}}"
