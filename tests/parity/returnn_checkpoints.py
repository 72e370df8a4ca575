"""RETURNN writes checkpoints, and starts its engine from checkpoints."""

import pathlib


def save(net, extern_data, params, step, path):
    """Writes a checkpoint of a network."""
    from returnn_process import Built

    built = Built(net, extern_data)
    with built.active():
        built.set(params)
        built.network.set_global_train_step(step, session=built.session)
        built.network.save_params_to_file(path, session=built.session)


def start(options, params, path):
    """
    :param options: of the config
    :param params: path → array; instead of random initial values
    :param path: prefix of the engine's own files
    :return: first epoch, number of steps, and path → array; or the error
    """
    from returnn.config import Config, set_global_config
    from returnn.tf.engine import Engine
    from returnn.tf.network import TFNetwork

    pathlib.Path(path).mkdir()
    config = Config({"task": "train", "model": f"{path}/net", **options})
    set_global_config(config)
    initialize = TFNetwork.initialize_params

    def with_given_values(self, session):
        initialize(self, session)
        for variable in self.get_params_list():
            if not hasattr(variable, "custom_post_init"):
                variable.load(params[variable.name.removesuffix(":0")], session)

    TFNetwork.initialize_params = with_given_values
    engine = Engine(config)
    try:
        engine.start_epoch = engine.get_train_start_epoch(config)
        engine.init_network_from_config(config)
        values = {v.name.removesuffix(":0"): v for v in engine.network.get_params_list()}
        step = engine.network.get_global_train_step(session=engine.tf_session)
        return {"epoch": engine.start_epoch, "step": int(step), "values": engine.tf_session.run(values)}
    except (Exception, SystemExit) as error:  # what RETURNN refuses, Boulder must refuse as well
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        TFNetwork.initialize_params = initialize
        if engine.tf_session:
            engine.finalize()


def load(net, extern_data, path, data, lengths, train=True):
    """:return: losses of a network with the parameters of a checkpoint, and the number of steps"""
    from returnn_process import Built

    built = Built(net, extern_data, train=train)
    with built.active():
        built.network.load_params_from_file(path, session=built.session)
        step = built.network.get_global_train_step(session=built.session)
        return built.session.run(built.losses, built.feed(data, lengths)) | {"step": int(step)}
