"""Pieces that bring two layers together: a residual, attention, a choice between them, …"""

from tests.parity.stacks.stack import piece


@piece
def residual(s):
    source, size = s.top, s.size
    inner = s.linear(size=size)
    s.rise(s.add("combine", [source, inner], kind=s.rng.choice(["add", "mul", "sub", "maximum", "average"])), size)


@piece
def with_mean(s):
    source = s.top
    mean = s.add("reduce", mode=s.rng.choice(["mean", "max", "sum", "min"]), axes="T")
    s.rise(s.add("combine", [source, mean], kind=s.rng.choice(["add", "mul", "sub"])))


@piece
def with_last_state(s):
    source, size = s.top, s.size
    states = s.add("rec", unit="nativelstm2", n_out=size)
    last = s.add("get_last_hidden_state", states, key=s.rng.choice(["h", "c"]), n_out=size)
    s.rise(s.add("combine", [source, last], kind="add"), size)


@piece
def beside_mean(s):
    source = s.top
    mean = s.add("reduce", mode="mean", axes="T")
    s.rise(s.linear([source, mean]))


@piece
def concatenated(s):
    source, size = s.top, s.size
    inner = s.linear(size=2)
    if s.rng.random() < 0.5:
        s.rise(s.add("concat", [(source, "F"), (inner, "F")]), size + 2)
    else:
        s.rise(s.add("copy", [source, inner]), size + 2)
    s.rise(s.linear())


@piece
def stacked(s):
    s.widen(4)
    source, size = s.top, s.size
    inner = s.linear(size=size)
    made = s.add("stack", [source, inner])
    s.rise(s.add("reduce", made, mode=s.rng.choice(["max", "mean"]), axes="dim:2"), size)


@piece
def split(s):
    s.even()
    half = s.size // 2
    parts = s.add("split", num_splits=2)
    s.rise(s.add("combine", [f"{parts}/0", f"{parts}/1"], kind="mul"), half)


@piece
def switched(s):
    source, size = s.top, s.size
    summed = s.add("reduce", mode="sum", axes="F")
    condition = s.add("compare", summed, kind=s.rng.choice(["greater", "less"]), value=0.1)
    inner = s.linear(source, size)
    s.rise(s.add("switch", [], condition=condition, true_from=inner, false_from=source), size)
    s.layers[s.top].pop("from")


@piece
def numbered(s):
    numbers = s.add("range_in_axis", axis=s.rng.choice(["T", "F"]), dtype="float32")
    s.rise(s.add("combine", [s.outputs[-1] if s.outputs else "data", numbers], kind="mul"))


@piece
def attention(s):
    source, size = s.top, s.size
    keys, queries = s.linear(source, 3), s.linear(source, 3)
    mean = s.add("reduce", queries, mode="mean", axes="T")
    energy = s.add("dot", [keys, mean], red1="F", red2="F", var1="T", var2=None, add_var2_if_empty=False)
    weights = s.add("softmax_over_spatial", energy)
    context = s.add("dot", [weights, source], red1="T", red2="T", var1=None, var2="F", add_var2_if_empty=False)
    s.rise(s.add("combine", [source, context], kind="add"), size)


@piece
def generic_attention(s):
    s.widen(4)
    source, size = s.top, s.size
    energy = s.linear(source, s.rng.choice([1, 2]))
    weights = s.add("softmax_over_spatial", energy)
    context = s.add("generic_attention", None, weights=weights, base=source)
    s.layers[context].pop("from")
    if s.layers[energy]["n_out"] == 2:
        context = s.add("merge_dims", context, axes=["dim:2", "F"])
    vector = s.linear(context, size)
    s.rise(s.add("combine", [source, vector], kind="add"), size)


@piece
def embedded(s):
    labels = s.add("reduce", mode="argmax", axes="F")
    source = s.top
    inner = s.linear(labels, 3)
    s.rise(s.linear([source, inner], 4))


@piece
def module(s):
    size = s.size
    layers = {
        "norm": {"class": "layer_norm", "from": "data"},
        "ff": {"class": "linear", "from": "norm", "n_out": size, "activation": "tanh"},
        "output": {"class": "combine", "kind": "add", "from": ["data", "ff"]},
    }
    s.rise(s.add("subnetwork", subnetwork=layers), size)


@piece
def shared(s):
    size = s.size
    first = s.linear(size=size)
    s.rise(first)
    s.rise(s.linear(size=size, reuse_params=first))
