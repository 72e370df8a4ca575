"""Reads cases (JSON) from stdin and prints the epoch whose model RETURNN's engine loads before the next epoch, or None."""

import json
import sys
import types


def main():
    from returnn.config import Config, set_global_config
    from returnn.learning_rate_control import load_learning_rate_control_from_config
    from returnn.log import log
    from returnn.tf.engine import Engine
    from returnn.util import BackendEngine

    log.initialize(verbosity=[0])
    set_global_config(Config())
    BackendEngine.select_engine(default_fallback_engine=BackendEngine.TensorFlow)
    results = []
    for case in json.load(sys.stdin):
        config = Config()
        set_global_config(config)
        config.update({"use_last_best_model": case["option"], "learning_rate": 1.0})
        engine = Engine(config=config)
        engine.learning_rate_control = load_learning_rate_control_from_config(config)
        if case["pretrain_end"]:
            engine.pretrain = types.SimpleNamespace(get_train_num_epochs=lambda end=case["pretrain_end"]: end)
        loaded = []
        engine.load_model = lambda epoch, loaded=loaded: loaded.append(epoch)
        engine.updater = types.SimpleNamespace(init_optimizer_vars=lambda session: None)
        for epoch, scores in enumerate(case["scores"], 1):
            engine.learning_rate_control.set_epoch_error(epoch, scores)
        engine.epoch = len(case["scores"]) + 1
        engine._maybe_use_better_last_model()
        results.append(loaded[0] if loaded else None)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
