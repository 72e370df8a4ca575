"""Options that a function reads: never too few, and no others if the code names them."""

import pytest

from boulder.returnn import load_config
from boulder.returnn.options_read import options_read
from tests.returnn.test_surroundings import write

READS = {
    "return scale": {"scale"},
    "return inner()": {"scale"},
    "return (lambda: [scale for _ in range(2)])()": {"scale"},
    "return config.float('scale', 0) + config.int('width', 1)": {"scale", "width"},
    "return config.typed_dict['scale']": {"scale"},
    "return get_global_config().typed_value('scale')": {"scale"},
    "from returnn.config import get_global_config\n  return get_global_config().has('scale')": {"scale"},
    "import returnn.config as r\n  return r.get_global_config().has('scale')": {"scale"},
    "return renamed().has('scale')": None,
    "c = get_global_config()\n  return c.float('scale', 0), c.value('width', 0)": {"scale", "width"},
    "return self.network.get_config().bool('scale', False)": {"scale"},
    "return 1": set(),
    "return config.float(name, 0)": None,
    "return config.float('sca' + name, 0)": None,
    "return config.float({'s': 'scale', 'w': 'width'}[name], 0)": None,
    "return config.float('scale' if self else 'width', 0)": None,
    "return config.float(f'sca{name}', 0)": None,
    "return (config\n    .float(\n'scale', name + 'x'))": {"scale"},
    "return config.typed_dict.get('scale')": {"scale"},
    "return config.typed_dict.get(name)": None,
    "return config.typed_dict[name]": None,
    "return helped(config)": None,
    "c = config\n  return c.typed_dict": None,
    "return {**get_global_config().typed_dict}": None,
    "c = get_global_config()\n  return [c, c.float('scale', 0)]": None,
    "c = get_global_config()\n  return lambda: c.float('scale', 0)": None,
    "from returnn.config import get_global_config as g\n  return g().float('scale', 0)": None,
    "from returnn.util.basic import BehaviorVersion\n  return BehaviorVersion.get()": None,
}
"""Body → options; None: any option"""


@pytest.mark.parametrize("body", READS)
def test_options_are_found_in_the_code(tmp_path, body):
    text = (
        "from returnn.config import get_global_config\nrenamed = get_global_config\nscale = 1\nwidth = 2\nother = 3\ndef inner(): return scale\n"
        f"def helped(c): return c\ndef f(self=None, name='scale'):\n  {body}\n"
    )
    namespace = load_config(write(tmp_path, text)).config.typed_dict
    read = options_read(namespace["f"], namespace)
    if READS[body] is None:
        assert read.any
        assert read.among(["other"]) == {"other"}
        assert read.asks  # it may ask for a function, which only the config that travels with it has
    else:
        assert not read.any
        assert read.among(["scale", "width", "other"]) == READS[body]


def test_a_user_module_that_asks_for_the_config_may_read_any_option(tmp_path):
    helper = "from returnn.config import get_global_config\ndef get(key): return get_global_config().float(key, 0)"
    path = write(tmp_path, "import helper\ndef f(): return helper.get('scale')\nscale = 1", helper=helper)
    namespace = load_config(path).config.typed_dict
    assert options_read(namespace["f"], namespace).any
