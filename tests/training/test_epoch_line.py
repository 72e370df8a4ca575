"""The line of an epoch: losses have the same names throughout a training, and those that are off are told as off."""

import pytest

from boulder.training.epoch_line import describe_record

LOSSES = {"cost:ctc", "error:ctc", "cost:output", "error:output"}
ONE = {"cost:output": 1.5, "error:output": 0.25}
BOTH = ONE | {"cost:ctc": 3.0, "error:ctc": 0.75}


def line(scores, losses=(), **further):
    record = {"epoch": 3, "index": 1, "learning_rate": 0.01, "train": scores, "dev": scores, "seconds": 7.0} | further
    text = describe_record(record, losses)
    assert text.startswith("epoch 3 (index 1, lr 0.01): ")
    return text.partition("): ")[2]


def test_a_training_with_one_loss_does_not_name_it():
    assert line(ONE, ONE) == line(ONE) == "cost 1.5000, dev 1.5000; error 0.2500, dev 0.2500; 7 s"


def test_an_epoch_names_its_loss_if_other_epochs_have_further_ones():
    assert line(ONE, LOSSES) == (
        "cost:output 1.5000, dev 1.5000; error:output 0.2500, dev 0.2500; cost:ctc off; error:ctc off; 7 s"
    )


@pytest.mark.parametrize("losses", [(), LOSSES])
def test_a_loss_of_scale_0_is_told_as_off_with_its_scores(losses):
    text = line(dict(sorted(BOTH.items())), losses, scales={"ctc": 0.0, "output": 0.5})
    assert text == (
        "cost:ctc (off) 3.0000, dev 3.0000; cost:output (× 0.5) 1.5000, dev 1.5000; error:ctc (off) 0.7500, dev 0.7500; "
        "error:output 0.2500, dev 0.2500; 7 s"
    )


def test_a_score_without_a_number_is_a_dash():
    assert line(ONE, dev={"cost:output": None, "error:output": None}) == "cost 1.5000, dev –; error 0.2500, dev –; 7 s"


def test_data_that_lacks_a_score_is_left_out():
    assert line(ONE, dev={"cost:output": 2.0}) == "cost 1.5000, dev 2.0000; error 0.2500; 7 s"
