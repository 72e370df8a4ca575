"""Names of no option that mean one: slips of the keyboard, abbreviations, and names of other toolkits."""

import pytest

from boulder.returnn.misspelt import option_meant
from boulder.returnn.options import options_with_verdict, verdict


def slips(name):
    """:return: a letter missing, doubled, wrong or exchanged with the next one, at each place; other ways to join words"""
    for i, letter in enumerate(name):
        yield name[:i] + name[i + 1 :]
        yield name[:i] + letter + name[i:]
        yield name[:i] + ("x" if letter != "x" else "y") + name[i + 1 :]
        yield name[:i] + name[i + 1 : i + 2] + letter + name[i + 2 :]
    yield name.replace("_", "")
    yield "".join(part.capitalize() for part in name.split("_"))


LONG_ENOUGH = sorted(option for option in options_with_verdict() if len(option.replace("_", "")) >= 5)
BETWEEN_TWO = {"learning_rates": "learning_rate", "min_seq_length": "_seq_length", "nadam": "adam"}


@pytest.mark.parametrize("option", LONG_ENOUGH)
def test_every_slip_in_an_option_is_found(option):
    for slip in slips(option):
        if verdict(slip) is None:
            meant = option_meant(slip)
            assert meant == option or BETWEEN_TWO.get(option, "no other") in str(meant), slip


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("max_seq_len", "max_seq_length"),
        ("grad_clip", "gradient_clip"),
        ("gradient_clipping", "gradient_clip"),
        ("lr", "learning_rate"),
        ("lr_control", "learning_rate_control"),
        ("max_sequences", "max_seqs"),
        ("epochs", "num_epochs"),
        ("seed", "random_seed"),
        ("accum_grad", "accum_grad_multiple_step"),
        ("use_last_best", "use_last_best_model"),
        ("net", "network"),
        ("train_data", "train"),
    ],
)
def test_abbreviations_and_names_of_other_toolkits_are_found(name, option):
    assert verdict(name) is None
    assert verdict(option) is not None
    assert option_meant(name) == option


@pytest.mark.parametrize(
    "name", ["num_layers", "EncKeyTotalDim", "time_red", "dim", "my_train", "args", "vocab_size", "base"]
)
def test_names_of_ones_own_mean_no_option(name):
    assert option_meant(name) is None
