"""RETURNN's engine trains a config file from the first epoch to the last."""

import os
import pathlib


def train(config_file):
    """
    The config saves its initial parameters, by `save_epoch1_initial_model`, and writes a `learning_rate_file`.

    :return: "epochs": epoch → (learning rate, scores); "parameters": path → array, at the end; "initial": prefix of the
        checkpoint of the initial parameters; or {"error": …}
    """
    import tensorflow as tf
    from returnn import __main__ as returnn
    from returnn.util.basic import BehaviorVersion

    folder = pathlib.Path(config_file).parent
    os.chdir(folder)
    BehaviorVersion._reset((None, 0))
    returnn.init_config(config_filename=str(config_file))
    returnn.config.set("log", [])
    returnn.init_log()
    try:
        returnn.init_data()
        returnn.init_engine()
        returnn.execute_main_task()
        rates = returnn.engine.learning_rate_control.epoch_data
        reader = tf.train.load_checkpoint(returnn.engine.get_epoch_model_filename())
        names = [variable.name.removesuffix(":0") for variable in returnn.engine.network.get_params_list()]
        (initial,) = (path.with_suffix("") for path in folder.glob("net*.000.index"))
        return {
            "epochs": {epoch: (data.learning_rate, data.error) for epoch, data in rates.items() if data.error},
            "parameters": {name: reader.get_tensor(name) for name in names},
            "initial": str(initial),
        }
    except (Exception, SystemExit) as error:
        import traceback

        return {"error": f"{type(error).__name__}: {error}\n{traceback.format_exc()}"}
    finally:
        if returnn.engine:
            returnn.engine.finalize()
        for data in (returnn.train_data, returnn.dev_data, returnn.eval_data):
            if data:
                data.finish_epoch(free_resources=True)
