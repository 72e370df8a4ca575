"""Attention to all frames of a loop so far, and choices of several labels, see tests/every_layer.py."""

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, single_step_dim

MODEL, HEADS, PART = FeatureDim("model of histories", 4), SpatialDim("heads of histories", 2), FeatureDim("part", 2)


def _layer(class_name, source, **options):
    return {"class": class_name, "from": source, **options}


def _linear(source, n_out, **options):
    return _layer("linear", source, n_out=n_out, activation="tanh", **options)


def _attention(source, name):
    so_far = SpatialDim(f"so far in {name}")

    def projected(of):
        return {
            f"{of}_all": _layer("linear", source, out_dim=MODEL, activation=None),
            of: _layer("split_dims", f"{of}_all", axis=MODEL, dims=(HEADS, PART)),
        }

    dims = {"query_spatial_dim": single_step_dim, "key_value_spatial_dim": so_far}
    return {
        **projected("q"),
        **projected("k"),
        **projected("v"),
        "keys": _layer("cum_concat", "k", out_spatial_dim=so_far),
        "values": _layer("cum_concat", "v", out_spatial_dim=so_far, dropout=0.2),
        "positions": _layer("relative_positional_encoding", "q_all", out_dim=PART, clipping=2, **dims),
        "content": _layer("dot", ["q", "keys"], reduce=PART),
        "distance": _layer("dot", ["q", "positions"], reduce=PART),
        "energy": _layer("combine", ["content", "distance"], kind="add"),
        "weights": _layer("softmax_over_spatial", "energy", axis=so_far),
        "context": _layer("dot", ["weights", "values"], reduce=so_far),
        "att": _layer("merge_dims", "context", axes=[HEADS, PART], keep_order=True, out_dim=MODEL),
    }


AT_ONCE = {**_attention("data:source", "at once"), "output": _linear("att", 3, dropout=0.1)}
FED_BACK = {
    "x": _linear(["data:source", "prev:att"], 4),
    **_attention("x", "fed back"),
    "p": _layer("softmax", "att", target="align", loss="ce"),
    "p2": _layer("softmax", ["att", "x"], target="align", loss="ce"),
    "output": _layer("choice", ["p", "p2"], target=["align", "align"], beam_size=2, initial_output=0),
    "both": _linear("prev:output/out_1", 2, loss="as_is"),
}
NETWORK = {
    "encoder": _linear("data:dense", 4),
    "at_once": {"class": "rec", "from": "encoder", "unit": AT_ONCE},
    "output": {"class": "rec", "from": "at_once", "unit": FED_BACK},
}
NETWORKS = {"histories": NETWORK}
