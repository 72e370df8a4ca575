"""RETURNN's `Dim` objects for Boulder's, in the process of RETURNN."""

from boulder.returnn.provided import dims as own


class Converter:
    """Makes one object of RETURNN for equal objects of Boulder."""

    def __init__(self):
        self._known = {}

    def stream(self, entry):
        """:return: an entry of `extern_data`, without the options that `dim_tags` replaces"""
        if "dim_tags" not in entry:
            return self.value(entry)
        kept = ("dim_tags", "sparse_dim", "dtype", "available_for_inference")
        return self.value({key: entry[key] for key in kept if key in entry})

    def value(self, value):
        """:return: the value with RETURNN's objects in place of Boulder's"""
        if isinstance(value, own.Dim):
            return self._dim(value)
        if isinstance(value, own.ImplicitDim):
            from returnn.tensor import marked_dim

            return getattr(marked_dim, type(value).__name__)(self._dim(value.tag))
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return type(value)(map(self.value, value))
        return value

    def _dim(self, dim):
        if dim not in self._known:
            self._known[dim] = self._made(dim)
        return self._known[dim]

    def _made(self, dim):
        from returnn.tensor import Dim, batch_dim, single_step_dim

        if dim == own.batch_dim:
            return batch_dim
        if dim == own.single_step_dim:
            return single_step_dim
        if dim.match_priority:
            return self._dim(dim.without_priority()).copy(match_priority=dim.match_priority)
        if dim.derivation:
            sign, left, right = dim.derivation
            left, right = (self._dim(part) if isinstance(part, own.Dim) else part for part in (left, right))
            return {
                "+": lambda: left + right,
                "-": lambda: left - right,
                "*": lambda: left * right,
                "//": lambda: left // right,
                "/ceil/": lambda: left.ceildiv_right(right),
            }[sign]()
        return Dim(dim.dimension, name=dim.description, kind=getattr(Dim.Types, (dim.kind or "unspecified").title()))
