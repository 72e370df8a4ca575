"""Reads cases (JSON) from stdin and prints the epochs whose models RETURNN keeps, given the scores of all epochs."""

import json
import sys
import types


def main():
    from returnn.config import Config, set_global_config
    from returnn.engine.base import EngineBase
    from returnn.log import log
    from returnn.util import BackendEngine

    log.initialize(verbosity=[0])
    config = Config()
    set_global_config(config)
    BackendEngine.select_engine(default_fallback_engine=BackendEngine.TensorFlow)
    print(json.dumps([kept(EngineBase, Config, case) for case in json.load(sys.stdin)]))


def kept(engine_class, config_class, case):
    models, config = {}, config_class()
    config.update({"cleanup_old_models": case["options"], "save_interval": case["interval"]})

    class Engine(engine_class):
        get_existing_models = classmethod(lambda _cls, **_: dict(models))
        _do_save = staticmethod(lambda: True)

        def delete_model(self, epoch):
            del models[epoch]
            return 0

    engine = Engine(config)
    data = {}
    engine.learning_rate_control = types.SimpleNamespace(epoch_data=data)
    for epoch, scores in enumerate(case["scores"], 1):
        if epoch % case["interval"] == 0:
            models[epoch] = epoch
        data[epoch] = types.SimpleNamespace(error=scores)
        engine.cleanup_old_models()
    return sorted(models)


if __name__ == "__main__":
    main()
