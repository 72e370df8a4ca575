"""Functions and classes of a config that code finds by name travel to a worker and enter the hash by what they do."""

import json
import subprocess
import sys

import pytest

from boulder.errors import ConfigError
from boulder.network.code.layer import CodeNetwork
from boulder.returnn import load_config
from boulder.schedule.canonical import canonical
from tests.returnn.test_surroundings import write

CONFIG = """
from returnn.config import get_global_config
from own import imported

num_epochs = 2
batch_size = 100
scale = 2

def helper(x): return x * scale

def transform(x, network):
    import late
    return network.get_config().typed_value("inner")(helper(x)) + late.one

def inner(x): return Scale(get_global_config().int("_more", 0))(x)

class Scale:
    def __init__(self, by): self.by = by
    def __call__(self, x): return self.by * x

_more = 3
choices = {"double": lambda x: 2 * x}
prefix = Scale(5)

def unrelated(x): return x

def by_dict(source): return choose(get_global_config().typed_dict["choices"], source(0))
def choose(choices, x): return choices["double"](x)
def by_global(source): return config.typed_value("prefix")(source(0))
def by_type(source):
    c = get_global_config()
    return c.get_of_type("Scale", type, None)(7)(source(0)) if c.has("Scale") else None
def computed(source): return getattr(get_global_config(), "typed_value")("un" + "related")(source(0)) + opened(source)
def opened(source): return get_global_config().typed_value("no_" + "such", 0)
def of_a_module(source): return get_global_config().typed_value("imported")(source(0))
def by_default(source): return get_global_config().typed_value("absent", inner)(source(0))

NETWORK = "self.network.get_config()"
evals = {
    "by_text": NETWORK + ".typed_value('transform')(source(0), network=self.network)",
    "by_import": "exec('from Config import get_global_config as g') or g().typed_value('inner')(source(0))",
    **{f.__name__: f for f in (by_dict, by_global, by_type, computed, of_a_module, by_default)},
}
network = {name: {"class": "eval", "from": "data", "eval": code} for name, code in evals.items()}
"""
FILES = {"own": "factor = 11\ndef imported(x):\n    import late\n    return x * factor + late.one", "late": "one = 1"}
FOUND = {
    "by_text": 61, "by_import": 30, "by_dict": 20, "by_global": 50, "by_type": 70, "computed": 10, "of_a_module": 111,
    "by_default": 30,
}  # fmt: skip
"""Layer → its output for the input 10"""
WORKER = """
import json, sys
from boulder.network.code.layer import CodeNetwork
from boulder.schedule.functions import restore
network, functions = json.load(open(sys.argv[1]))
class Layer: network = CodeNetwork(None)
def run(code):
    return code(source=lambda i: 10, **({"self": Layer()} if "Expression" in str(code.function) else {}))
print(json.dumps({name: run(layer["eval"]) for name, layer in restore(network, functions).items()}))
"""


def network(folder, old="", new="", overrides="", **files):
    """:return: canonical network of the first phase"""
    text = CONFIG.replace(old, new, 1)
    if overrides:
        text += f"network['#config'] = {overrides}\n"
    return load_config(write(folder, text, **(FILES | files))).plan().phases[0].network


def computed(folder, **options):
    """:return: layer → output, in a process without the config"""
    functions: dict = {}
    plain = canonical(network(folder, **options), functions)
    (folder / "network.json").write_text(json.dumps([plain, functions]))
    for file in (*folder.glob("*.config"), *folder.glob("*.py")):
        file.unlink()
    command = [sys.executable, "-c", WORKER, str(folder / "network.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_they_compute_in_a_process_without_the_config(tmp_path):
    assert computed(tmp_path) == FOUND


@pytest.mark.long
def test_they_see_the_overrides_of_their_phase(tmp_path):
    assert computed(tmp_path, overrides="{'scale': 1, '_more': 4, 'prefix': Scale(6)}") == FOUND | {
        "by_text": 41, "by_import": 40, "by_global": 60, "by_default": 40,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"old": "return x * scale", "new": "return scale * x  # the same?"}, {"by_text"}),
        ({"old": "by * x", "new": "by + x"}, {"by_text", "by_default", "by_global", "by_type"}),
        ({"old": "_more = 3", "new": "_more = 4"}, {"by_text", "by_default"}),
        ({"old": "lambda x: 2 * x", "new": "lambda x: 3 * x"}, {"by_dict"}),
        ({"old": "def unrelated(x): return x", "new": "def unrelated(x): return -x"}, set()),
        ({"old": "batch_size = 100", "new": "batch_size = 50"}, set()),
        ({"old": "def helper", "new": "# a comment\n\ndef helper"}, set()),
        ({"own": FILES["own"].replace("11", "12")}, {"of_a_module"}),
        ({"late": "one = 1.5"}, {"by_text", "of_a_module"}),
    ],
)
def test_what_they_do_enters_the_hash(tmp_path, change, changed):
    before, after = canonical(network(tmp_path / "1")), canonical(network(tmp_path / "2", **change))
    # a name that is computed may be that of any option, so any change counts
    assert {name for name in before if before[name] != after[name]} - {"computed", "by_import"} == changed


def test_a_computed_name_may_be_that_of_any_function(tmp_path):
    before = canonical(network(tmp_path / "1"))
    after = canonical(network(tmp_path / "2", old="def unrelated(x): return x", new="def unrelated(x): return -x"))
    assert before["computed"] != after["computed"]


def test_a_computed_name_of_an_object_that_cannot_travel_is_an_error_in_the_worker(tmp_path):
    options = network(tmp_path, old="num_epochs", new="no_such = open(__file__)\nnum_epochs")
    with pytest.raises(ConfigError, match=r"'no_such': it does not reach the job, since the name .* is computed"):
        options["computed"]["eval"](source=lambda i: 10)


TEXT = "self.network.get_config().typed_value('transfrom')(source(0), network=self.network)"
FUNCTION = """
def f(source, self):
    c, x = None, source(0)
    c = get_global_config()
    return {code}
"""


@pytest.mark.parametrize(
    "code",
    [
        "c.typed_value('transfrom')(x)",
        "c.typed_dict['transfrom'](x)",
        "c.typed_value('transfrom')[0]",
        "2 * c.typed_value('transfrom')",
        "called(x)",
        "indirect(x)",
        TEXT,
    ],
)
def test_an_option_that_the_config_lacks_is_an_error_of_the_plan(tmp_path, code):
    text = (
        "from returnn.config import get_global_config\n"
        "def called(x):\n  transform = get_global_config().typed_value('transfrom')\n  return transform(x)\n"
        "def indirect(x): return config.typed_value('called')(x)\n"
        f"{FUNCTION.format(code=code)}\n"
        "def transform(x): return x\n"
        f"network = {{'a': {{'class': 'eval', 'from': 'data', 'eval': {repr(TEXT) if code == TEXT else 'f'}}}}}"
    )
    config = load_config(write(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        config.plan()
    assert str(caught.value) == (
        f"{config.file}: phase 0 (original network): layer 'a': 'eval' asks for the option 'transfrom', which the config "
        "lacks; did you mean 'transform'?"
    )


@pytest.mark.parametrize(
    "code",
    [
        "c.typed_value('absent') or 1",
        "c.typed_value('absent', 2) * 3",
        "c.typed_value('absent')(x) if c.has('absent') else x",
        "c.typed_value('absent')(x) if c.typed_value('absent') else x",
        "c.typed_value('absent') is not None and c.typed_value('absent')(x)",
        "c.typed_dict['absent'] if 'absent' in c.typed_dict else x",
        "c.float('absent', 1.0) * x",
        "given(c.typed_value('absent'))",
        "given(c)",
    ],
)
def test_an_option_that_code_can_do_without_may_be_absent(tmp_path, code):
    text = (
        "from returnn.config import get_global_config\n"
        "def given(x):\n  found = get_global_config().typed_value('absent')\n  return x if found is None else found(x)\n"
        f"def f(source):\n  c = get_global_config()\n  x = source(0)\n  return {code}\n"
        "network = {'a': {'class': 'eval', 'from': 'data', 'eval': f}}"
    )
    load_config(write(tmp_path, text)).plan()


OF_TRAINING = """
factor = 2.0
extern_data = {"data": {"dim": 5}, "classes": {"dim": 7, "sparse": True}}
train = dev = {"class": "HDFDataset", "files": ["data.hdf"]}
num_epochs = 3
batch_size = 100

def scaled(x):
    from TFUtil import safe_log
    return x * factor

def dynamic_learning_rate(network, learning_rate, **kwargs):
    return network.get_config().typed_value("scaled")(learning_rate)

network = {"output": {"class": "softmax", "from": "data", "loss": "ce", "target": "classes"}}

def algo(idx, net_dict):
    net_dict["#config"] = [{"batch_size": 50}, {"factor": 3.0}, {}][idx]
    return net_dict if idx < 2 else None

pretrain = {"construction_algo": algo}
"""


def test_functions_of_the_training_find_functions_and_see_the_overrides_of_their_phase(tmp_path):
    training = load_config(write(tmp_path, OF_TRAINING)).training()
    common = training.config["dynamic_learning_rate"]
    rates = [phase.config.get("dynamic_learning_rate", common) for phase in training.plan.phases]
    assert [rate(network=CodeNetwork(None), learning_rate=0.5) for rate in rates] == [1, 1.5, 1]
    assert [rate is common for rate in rates] == [True, False, True]


def test_a_function_of_the_training_that_needs_an_absent_option_is_refused(tmp_path):
    text = OF_TRAINING.replace('typed_value("scaled")', 'typed_value("scald")')
    with pytest.raises(
        ConfigError, match=r"'dynamic_learning_rate' asks for the option 'scald', .* did you mean 'scaled'"
    ):
        load_config(write(tmp_path, text)).training()
