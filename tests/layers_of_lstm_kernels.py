"""An LSTM in both directions, with the gradient of large layers."""


def _lstm(direction: int, source, **options) -> dict:
    return {
        "class": "rec", "unit": "NativeLstm2", "unit_opts": {"kernel": "loop"}, "direction": direction, "n_out": 3,
        "from": source, **options,
    }  # fmt: skip


NETWORKS = {
    "lstm kernels": {
        "forwards": _lstm(1, "data:dense", initial_state="var"),
        "backwards": _lstm(-1, "data:dense", initial_state="forwards"),
        "output": {"class": "linear", "n_out": 3, "from": ["forwards", "backwards"], "loss": "as_is"},
    }
}
