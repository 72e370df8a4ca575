"""What keeps a training of a RETURNN config from beginning is told by `load_config(…).training()`."""

import pytest

from boulder.errors import ConfigProblems
from boulder.returnn import load_config
from tests.returnn.test_training import CONFIG, algo


@pytest.fixture
def problems(tmp_path):
    """:return: function from further lines to the messages"""

    def found(text: str) -> list[str]:
        (tmp_path / "my.config").write_text(CONFIG + text)
        try:
            load_config(tmp_path / "my.config").training()
        except ConfigProblems as error:
            return list(error.problems)
        return []

    return found


def test_an_existing_file_of_learning_rates_is_refused_as_returnn_would_read_it(problems, tmp_path):
    (tmp_path / "rates").write_text("{}")
    (found,) = problems(f"learning_rate_file = '{tmp_path}/rates'")
    assert found.startswith(f"'learning_rate_file': found '{tmp_path}/rates', which exists")
    for other in (f"{tmp_path}/new", "rates"):  # a relative path is one in the folder of the job
        assert problems(f"learning_rate_file = {other!r}") == []


def test_devices_and_starting_points_that_no_training_can_have_are_told(problems):
    assert problems(algo("{'gpus': 0}")) == ["phase 0 (index 0): '#config': 'gpus' must be a positive int, found 0"]
    assert problems("load = 'n.003'") == ["'load': training continues after epoch 3, but ends with epoch 3"]
