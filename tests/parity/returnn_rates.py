"""Reads cases (JSON) from stdin and prints the learning rate of each epoch in RETURNN's engine.

The engine has no network. A case may give the scores of each epoch, and epochs before which the training resumes from its
learning-rate file. The rates come from its `init_train_epoch`, `Pretrain`, config and learning-rate control.
"""

import json
import sys
import tempfile
import types


def main():
    from returnn.config import Config, set_global_config
    from returnn.learning_rate_control import load_learning_rate_control_from_config
    from returnn.log import log
    from returnn.pretrain import pretrain_from_config
    from returnn.tf.engine import Engine
    from returnn.util import BackendEngine

    log.initialize(verbosity=[0])
    set_global_config(Config())
    BackendEngine.select_engine(default_fallback_engine=BackendEngine.TensorFlow)
    results = []
    for case in json.load(sys.stdin):
        config = Config()
        set_global_config(config)
        config.update(case["config"] | {"network": {"output": {"class": "softmax", "loss": "ce", "n_out": 2}}})
        if case["overrides"]:
            config.typed_dict["pretrain"] = {
                "construction_algo": algo_of(case["overrides"]),
                "repetitions": {"default": case["repetitions"], "final": case["final"]},
            }
        with tempfile.TemporaryDirectory() as folder:
            if "scores" in case:
                config.set("learning_rate_file", f"{folder}/rates")
            results.append(rates(Engine, config, case, pretrain_from_config, load_learning_rate_control_from_config))
    print(json.dumps(results))  # on the last line, since RETURNN prints as well


def algo_of(overrides):
    def algo(idx, net_dict):
        if idx == len(overrides):
            return None
        return {**net_dict, "hidden": {"class": "linear", "n_out": idx + 1, "from": "data"}, "#config": overrides[idx]}

    return algo


def rates(engine_class, config, case, pretrain_from_config, load_control):
    engine = engine_class(config=config)
    engine.pretrain = pretrain_from_config(config)
    engine.learning_rate_control = load_control(config)
    engine.learning_rate = engine.initial_learning_rate = engine.learning_rate_control.default_learning_rate
    engine.pretrain_learning_rate = config.float("pretrain_learning_rate", engine.learning_rate)
    engine.need_init_new_network = lambda *_: False
    no_op = lambda *_, **__: []  # noqa: E731
    engine.network = types.SimpleNamespace(declare_train_params=no_op, get_trainable_params=no_op)
    engine.updater = types.SimpleNamespace(set_trainable_vars=no_op)
    result = []
    for engine.epoch in range(1, case["num_epochs"] + 1):
        if engine.epoch in case.get("resumes", ()):
            engine.learning_rate_control = load_control(config)
        engine.init_train_epoch()
        result.append(engine.learning_rate)
        if "scores" in case:
            for data, scores in case["scores"][engine.epoch - 1].items():
                for kind, ours in (("score", "cost"), ("error", "error")):
                    values = {key: value for key, value in scores.items() if key.startswith(ours)}
                    engine.learning_rate_control.set_epoch_error(engine.epoch, {f"{data}_{kind}": values})
            engine.learning_rate_control.save()
    return result


if __name__ == "__main__":
    main()
