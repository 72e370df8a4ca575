"""Names that other toolkits have for classes and options of layers, for the messages about unknown names."""

from collections.abc import Iterable, Mapping

from boulder.errors import nearest

_UNITS = ("lstm", "gru", "rnn", "nativelstm", "nativelstm2", "lstmblock", "basiclstm", "standardlstm", "lstmp", "sru")
_ACTIVATIONS = ("relu", "gelu", "elu", "swish", "silu", "tanh", "sigmoid", "log_softmax")

CLASSES = {
    **{unit: f"'rec' with 'unit': {unit!r}" for unit in _UNITS},
    **dict.fromkeys(("blstm", "bilstm", "bgru", "bigru"), "two layers 'rec', with 'direction' 1 and -1"),
    **{name: f"'activation' with 'activation': {name!r}" for name in _ACTIVATIONS},
    **dict.fromkeys(("dense", "fc", "fully_connected", "embedding", "embed", "lookup", "projection"), "'linear'"),
    **dict.fromkeys(("add", "sum", "residual"), "'combine' with 'kind': 'add'"),
    **dict.fromkeys(("multiply", "mul"), "'combine' with 'kind': 'mul'"),
    **dict.fromkeys(("multihead_attention", "multi_head_attention", "mha", "attention"), "'self_attention'"),
    **dict.fromkeys(("lambda", "function"), "'eval'"),
    **dict.fromkeys(("conv1d", "conv2d", "convolution"), "'conv'"),
    **dict.fromkeys(("maxpool", "max_pool", "max_pooling", "avg_pool", "subsample"), "'pool'"),
    **dict.fromkeys(("flatten", "merge"), "'merge_dims'"),
    **dict.fromkeys(("bn", "batch_normalization"), "'batch_norm'"),
    "ln": "'layer_norm'",
    "input": "'source'",
}
"""class, in lower case → what it is here"""

LOSSES = {
    **dict.fromkeys(("crossentropy", "cross_entropy", "categorical_crossentropy", "xent", "nll", "softmax"), "'ce'"),
    **dict.fromkeys(("bce", "binary_crossentropy", "binary_cross_entropy"), "'bin_ce'"),
    **dict.fromkeys(("l2", "mean_squared_error"), "'mse'"),
    **dict.fromkeys(("mae", "mean_absolute_error"), "'mean_l1'"),
}
"""loss, in lower case → what it is here"""

_OPTIONS = {
    **dict.fromkeys(
        ("units", "num_units", "size", "dim", "hidden_size", "out_features", "filters", "channels"), "n_out"
    ),
    **dict.fromkeys(("kernel_size", "kernel", "width"), "filter_size"),
    **dict.fromkeys(("use_bias", "bias"), "with_bias"),
    **dict.fromkeys(("input", "inputs", "source", "sources"), "from"),
    **dict.fromkeys(("kernel_initializer", "weights_init", "weight_init", "init"), "forward_weights_init"),
    **dict.fromkeys(("heads", "n_heads", "nhead"), "num_heads"),
    **dict.fromkeys(("rate", "p", "drop"), "dropout"),
    "stride": "strides",
    "dilation": "dilation_rate",
    "weight_decay": "L2",
}


def class_meant(name: str, known: Iterable[str], foreign: Mapping[str, str]) -> str:
    """
    :param name: an unknown name of a class
    :param known: the names of classes
    :param foreign: `CLASSES` or `LOSSES`
    :return: end of a message, see `nearest`
    """
    meant = foreign.get(name.lower())
    return f"; did you mean {meant}?" if meant else nearest(name, known)


def option_meant(name: str, known: Iterable[str]) -> str:
    """
    :param name: an unknown option
    :param known: the options of the class
    :return: end of a message, see `nearest`
    """
    known = list(known)
    meant = _OPTIONS.get(name)
    return f"; did you mean {meant!r}?" if meant in known else nearest(name, known)
