"""`#config`: functions of a config see the overrides of their phase, and only these, also in a worker."""

import json
import subprocess
import sys

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.schedule import changes
from boulder.schedule.canonical import canonical
from tests.returnn.test_surroundings import write

CONFIG = """
import tensorflow as tf
from returnn.config import get_global_config
num_epochs = 6
scale = 1.
width = 2
batch_size = 100

def inner(): return scale

def direct(source): return source(0) * inner()
def by_config(source): return source(0) * config.float("scale", 0)
def by_global_config(source): return source(0) * get_global_config().typed_value("scale")
def by_import(source):
    from returnn.config import get_global_config
    c = get_global_config()
    return source(0) * c.float("scale", 0)
def in_a_module(source):
    import helper
    return source(0) * helper.scale()
def by_network(source, self): return source(0) * self.network.get_config().float("scale", 0)
def not_at_all(source): return source(0) * config.int("width", 0)

functions = [direct, by_config, by_global_config, by_import, in_a_module, by_network, not_at_all]
network = {f.__name__: {"class": "eval", "from": "data", "eval": f} for f in functions}
network["by_text"] = {
    "class": "eval", "from": "data", "eval": "source(0) * self.network.get_config().float('scale', 0)"}
network["nested"] = {"class": "rec", "unit": {"inside": {"class": "eval", "eval": direct}}}

def algo(idx, net_dict):
    if idx > 3:
        return None
    net_dict["#config"] = [{"batch_size": 50}, {"scale": 5.}, {"scale": 5., "batch_size": 7}, {}][idx]
    net_dict["seen"] = {"class": "constant", "value": scale, "config": config.float("scale", 0)}
    return net_dict

pretrain = {"construction_algo": algo}
"""
HELPER = "from returnn.config import get_global_config\ndef scale(): return get_global_config().float('scale', 0)"
WORKER = """
import json, sys
from boulder.schedule.functions import restore
networks, functions = json.load(open(sys.argv[1]))
class Network:
    def get_config(self):
        from boulder.returnn.provided.active import get_global_config
        return get_global_config()
class Layer: network = Network()
found = []
for network in restore(networks, functions) * 2:  # twice, to show that no override persists
    found.append({})
    for name, layer in network.items():
        given = {"self": Layer()} if name in ("by_network", "by_text") else {}
        if "eval" in layer:
            found[-1][name] = layer["eval"](source=lambda i: 10., **given)
    found[-1]["nested"] = network["nested"]["unit"]["inside"]["eval"](source=lambda i: 10.)
print(json.dumps(found))
"""
READERS = {"direct", "by_config", "by_global_config", "by_import", "in_a_module", "by_network", "by_text", "nested"}


@pytest.fixture
def phases(tmp_path):
    """:return: the phases of the algo"""
    return load_config(write(tmp_path, CONFIG, helper=HELPER)).plan().phases[:4]


@pytest.mark.long
def test_functions_see_the_overrides_of_their_phase_in_a_process_without_the_config(phases, tmp_path):
    functions: dict = {}
    networks = [canonical(phase.network, functions) for phase in phases]
    (tmp_path / "networks.json").write_text(json.dumps([networks, functions]))
    for file in (*tmp_path.glob("*.config"), *tmp_path.glob("*.py")):
        file.unlink()
    command = [sys.executable, "-c", WORKER, str(tmp_path / "networks.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [phase.config for phase in phases] == [{"batch_size": 50}, {"scale": 5}, {"scale": 5, "batch_size": 7}, {}]
    for seen, scale in zip(found, [1, 5, 5, 1] * 2, strict=True):
        assert seen == {**dict.fromkeys(READERS, 10 * scale), "not_at_all": 20}


def test_only_functions_that_read_an_overridden_option_change(phases):
    plain, overridden, again, after = [canonical(phase.network) for phase in phases]
    assert {name for name in plain if after[name] != overridden[name]} == READERS
    # A function of such a module may read any option.
    assert {name for name in plain if after[name] != plain[name]} == {"in_a_module"}
    assert {name for name in plain if again[name] != overridden[name]} == {"in_a_module"}


def test_phases_share_parts_that_no_override_affects(phases):
    assert phases[0].network["direct"] is phases[3].network["direct"]
    assert phases[0].network["not_at_all"] is phases[1].network["not_at_all"]
    assert phases[1].network["seen"] is phases[2].network["seen"]


def test_a_function_with_another_option_value_changes_the_network(phases):
    assert "direct" in changes(phases[0].network, phases[1].network).changed
    assert [*changes(phases[1].network, phases[2].network).changed] == ["in_a_module"]


def test_code_that_builds_networks_sees_no_override(phases):
    assert [phase.network["seen"]["value"] for phase in phases] == [1.0] * 4
    assert [phase.network["seen"]["config"] for phase in phases] == [1.0] * 4


def test_the_config_itself_is_unchanged(tmp_path):
    config = load_config(write(tmp_path, CONFIG, helper=HELPER))
    before = dict(config.values)
    config.plan()
    assert config.values == before
    assert config.config.typed_dict["inner"]() == 1.0


def test_overrides_of_other_options_do_not_change_a_function_that_reads_its_own(tmp_path):
    def digests(folder, text):
        return canonical(load_config(write(tmp_path / folder, text, helper=HELPER)).plan().phases[3].network)

    one, other = digests("1", CONFIG), digests("2", CONFIG.replace("batch_size = 100", "batch_size = 99"))
    assert {name for name in one if one[name] != other[name]} == {"in_a_module"}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "batch_sise",
            "'batch_sise', which the config does not define, and which is no training option; did you mean 'batch_size'?",
        ),
        ("scal", "'scal', which the config does not define, and which is no training option; did you mean 'scale'?"),
        (
            "max_seq",
            "'max_seq', which the config does not define, and which is no training option; did you mean 'max_seqs'?",
        ),
    ],
)
def test_an_unknown_key_is_reported_with_the_phase_and_the_nearest_name(tmp_path, key, message):
    text = CONFIG.replace('{"scale": 5., "batch_size": 7}', f"{{{key!r}: 5}}")
    config = load_config(write(tmp_path, text, helper=HELPER))
    with pytest.raises(ConfigError) as caught:
        config.plan()
    assert str(caught.value) == f"{config.file}: phase 2 (index 2): '#config' has {message}"


@pytest.mark.parametrize("key", ["gradient_clip", "learning_rate", "width"])
def test_keys_of_the_config_or_of_the_training_are_valid(tmp_path, key):
    config = load_config(write(tmp_path, CONFIG.replace("{}][idx]", f"{{{key!r}: 1}}][idx]"), helper=HELPER))
    assert config.plan().phases[3].config == {key: 1}


def test_the_function_of_an_epoch_value_sees_the_overrides_of_its_phase(tmp_path):
    text = """
        from Pretrain import WrapEpochValue
        num_epochs = 4
        scale = 1
        def make(by): return lambda source: source(0) * scale * by
        network = {"a": {"class": "eval", "eval": make(1)}}
        def algo(idx, net_dict):
            if idx > 0:
                return None
            net_dict["#config"] = {"scale": 10}
            net_dict["a"]["eval"] = WrapEpochValue(lambda epoch: make(epoch))
            return net_dict
        pretrain = {"construction_algo": algo, "repetitions": 2}
    """
    phases = load_config(write(tmp_path, "\n".join(line[8:] for line in text.splitlines()))).plan().phases
    assert [phase.network["a"]["eval"](lambda i: 1) for phase in phases] == [10, 20, 1]
