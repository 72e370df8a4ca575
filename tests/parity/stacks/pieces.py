"""Pieces that read the last layer only, which may make axes and merge them again."""

from tests.parity.stacks.stack import piece


@piece
def linear(s):
    s.rise(s.linear(with_bias=s.rng.random() < 0.8))


@piece
def softmax(s):
    s.rise(s.add("softmax", n_out=s.rng.randint(2, 5)))


@piece
def activation(s):
    names = ["relu", "elu", "softplus", "log_sigmoid", "softmax", "log_softmax", "abs", "square"]
    s.rise(s.add("activation", activation=s.rng.choice(names)))


@piece
def layer_norm(s):
    s.rise(s.add("layer_norm"))


@piece
def norm(s):
    s.rise(s.add("norm", axis="F", scale=s.rng.random() < 0.7, bias=s.rng.random() < 0.7))


@piece(leaks=True)
def norm_over_frames(s):
    s.rise(s.add("norm", axis="TF"))


@piece
def batch_norm(s):
    options = {"use_std": s.rng.random() < 0.8, "use_shift": s.rng.random() < 0.8}
    if s.rng.random() < 0.5:
        options["update_sample_only_in_training"] = s.rng.random() < 0.5
    s.rise(s.add("batch_norm", masked_time=True, **options))


@piece
def normalized_linear(s):
    s.rise(s.linear(with_bias=False, batch_norm={"masked_time": True}))  # the gradient of a bias would be 0


@piece
def gating(s):
    s.even()
    s.rise(s.add("gating", activation=s.rng.choice([None, "tanh"])), s.size // 2)


@piece(leaks=True)
def conv(s):
    s.even()
    groups = s.rng.choice([1, 2])
    bias = {"with_bias": True} if s.rng.random() < 0.5 else {}
    size = s.rng.choice([2, 4])
    s.rise(s.add("conv", n_out=size, filter_size=(s.rng.choice([2, 3]),), padding="same", groups=groups, **bias))


@piece(leaks=True)
def strided_conv(s):
    padding = s.rng.choice(["same", "valid"]) if s.aligned else "same"
    s.rise(s.add("conv", n_out=3, filter_size=(3,), padding=padding, strides=2, with_bias=True, activation="tanh"))
    s.aligned = False


@piece(leaks=True)
def transposed_conv(s):
    if s.aligned:
        s.rise(s.add("transposed_conv", n_out=3, filter_size=(3,), strides=(2,), padding="same", activation="tanh"))
        s.aligned = False


@piece(leaks=True)
def conv_over_features(s):
    s.widen(6)
    split = s.add("split_dims", axis="F", dims=(-1, 1))
    made = s.add(
        "conv", split, n_out=2, filter_size=(3, 3), padding="same", with_bias=True, in_spatial_dims=["T", "dim:6"]
    )
    s.rise(s.add("merge_dims", made, axes=["dim:6", "dim:2"]), 12)
    s.rise(s.linear())


@piece(leaks=True)
def pool(s):
    s.rise(
        s.add(
            "pool", mode=s.rng.choice(["max", "avg"]), pool_size=(s.rng.choice([2, 3]),), strides=(1,), padding="same"
        )
    )


@piece(leaks=True)
def strided_pool(s):
    s.rise(s.add("pool", mode=s.rng.choice(["max", "avg"]), pool_size=(2,), padding="same"))
    s.aligned = False


@piece
def reduce_out(s):
    s.even()
    s.rise(s.add("reduce_out", mode=s.rng.choice(["max", "sum", "mean"]), num_pieces=2), s.size // 2)


@piece
def self_attention(s):
    left = s.rng.random() < 0.5
    s.rise(s.add("self_attention", n_out=4, total_key_dim=2, num_heads=2, attention_left_only=left))


@piece
def relative_self_attention(s):
    shift = s.add("relative_positional_encoding", n_out=4, clipping=2, fixed=s.rng.random() < 0.5)
    s.rise(s.add("self_attention", n_out=4, total_key_dim=8, num_heads=2, key_shift=shift))


@piece
def lstm(s):
    unit = s.rng.choice(["nativelstm2", "lstmblock", "StandardLSTM", "layernormvariantslstm"])
    s.rise(s.add("rec", unit=unit, n_out=3, direction=s.rng.choice([1, -1])))


@piece
def gru(s):
    s.rise(s.add("rec", unit=s.rng.choice(["GRU", "BasicRNN"]), n_out=3, direction=s.rng.choice([1, -1])))


@piece
def both_directions(s):
    parts = [s.add("rec", unit="nativelstm2", n_out=2, direction=d, suffix=str(d).replace("-", "_")) for d in (1, -1)]
    s.rise(s.add("copy", parts), 4)


@piece
def positions(s):
    s.even()
    s.rise(s.add("positional_encoding", add_to_input=True))


@piece
def evaluated(s):
    s.rise(s.add("eval", eval=s.rng.choice(["tf.square(source(0))", "source(0) * 2. - 1.", "tf.sin(source(0))"])))


@piece(leaks=True)
def shifted(s):
    s.rise(s.add("shift_axis", axis="T", amount=s.rng.choice([1, -1]), adjust_size_info=False, pad_value=0.5))


@piece
def shifted_features(s):
    s.rise(s.add("shift_axis", axis="F", amount=1, adjust_size_info=False))


@piece
def tiled(s):
    made = s.add("tile", multiples={"F": 2})
    s.rise(s.linear(made))


@piece
def heads(s):
    s.widen(6)
    split = s.add("split_dims", axis="F", dims=(2, -1))
    kind = s.rng.randrange(8)
    if kind == 0:
        s.rise(s.add("merge_dims", split, axes=["dim:2", "dim:3"]), 6)
    elif kind == 1:
        s.rise(s.add("reduce", split, mode=s.rng.choice(["mean", "max", "sum", "logsumexp"]), axes="dim:2"), 3)
    elif kind == 2:
        s.rise(s.add("merge_dims", s.linear(split, 3), axes=["dim:2", "F"], keep_order=True), 6)
    elif kind == 3:
        swapped = s.add("swap_axes", split, axis1="dim:2", axis2="F")
        s.rise(s.add("merge_dims", swapped, axes=["dim:2", "dim:3"], keep_order=True), s.size)
    elif kind == 4:
        normal = s.add("layer_norm", split)
        s.rise(s.add("merge_dims", normal, axes=["dim:2", "dim:3"], keep_order=True), s.size)
    elif kind == 5:
        product = s.add("elemwise_prod", split, axes="static")
        s.rise(s.add("merge_dims", product, axes=["dim:2", "dim:3"], keep_order=True), s.size)
    elif kind == 6:
        s.rise(s.add("weighted_sum", split, axes="dim:2"), 3)
    else:
        part = s.add("slice", split, axis="F", slice_start=2)
        s.rise(s.add("merge_dims", part, axes=["dim:2", "dim:1"]), 2)


@piece(leaks=True)
def windows(s):
    s.widen(4)
    size = s.rng.choice([2, 3])
    made = s.add("window", window_size=size)
    if s.rng.random() < 0.5:
        merged = s.add("merge_dims", made, axes=[f"dim:{size}", "F"])
        s.rise(s.linear(merged))
    else:
        s.rise(s.add("reduce", made, mode=s.rng.choice(["mean", "max"]), axes=f"dim:{size}"))


@piece
def expanded(s):
    made = s.add("expand_dims", axis="spatial")
    s.rise(s.add("squeeze", made, axis="dim:1"))


@piece
def expanded_by(s):
    dim = s.rng.choice([7, 8])
    made = s.add("expand_dims", axis="spatial", dim=dim)
    s.rise(s.add("reduce", made, mode="mean", axes=f"dim:{dim}"))


@piece
def cumsum(s):
    s.rise(s.add("cumsum", axis=s.rng.choice(["T", "F"])))


@piece
def sliced(s):
    if s.size > 2:
        s.rise(s.add("slice", axis="F", slice_start=1), s.size - 1)


@piece
def padded(s):
    s.rise(
        s.add("pad", axes="F", padding=(1, 1), mode=s.rng.choice(["constant", "reflect", "replication"])), s.size + 2
    )
    s.rise(s.linear())


@piece
def product(s):
    s.rise(s.add("elemwise_prod", axes="F", size=(s.size,)))


@piece
def copied(s):
    class_name = s.rng.choice(["copy", "dropout", "identity", "print", "scaled_grad"])
    options = {"scaled_grad": {"scale": -0.5}, "print": {"summarize": 1}}
    s.rise(s.add(class_name, **options.get(class_name, {})))


@piece(leaks=True)
def chunked(s):
    chunks = s.add("time_chunking", chunk_size=2, chunk_step=2)
    inner = s.add("rec", chunks, unit="nativelstm2", n_out=3)
    s.rise(s.add("time_unchunking", inner, chunking_layer=chunks), 3)


@piece
def flattened(s):
    made = s.add("flatten_batch")
    made = s.linear(made, 4)
    s.rise(s.add("unflatten_batch", made), 4)


@piece
def longer(s):
    class_name = s.rng.choice(["prefix_in_time", "postfix_in_time"])
    kind = {"prefix_in_time": "prefix", "postfix_in_time": "postfix"}[class_name]
    s.rise(s.add(class_name, repeat=s.rng.choice([1, 2]), **{kind: 0.5}))
    s.aligned = False


@piece
def shorter(s):
    s.rise(s.add("slice", axis="T", **s.rng.choice([{"slice_step": 2}, {"slice_start": 1}, {"slice_end": -1}])))
    s.aligned = False


@piece
def repeated(s):
    s.rise(s.add("repeat", repetitions=2, axis="T"))
    s.aligned = False


@piece
def resized(s):
    s.rise(s.add("resize", factor=2, axis="T", **s.rng.choice([{}, {"kind": "fill", "fill_value": 0.5}])))
    s.aligned = False
