"""The verdict on each option that RETURNN reads from a config: `verdict`.

Boulder's own training options (`known_options`) are honoured without a row here: whoever adds one removes its row. An option
without a verdict is the config's own variable. tests/parity compares the table with RETURNN's source.
"""

from __future__ import annotations

from collections.abc import Collection

from boulder.returnn.overrides import known_options
from boulder.returnn.verdicts import HONOURED, Verdict, refused, table, without_effect
from boulder.training.learning_rate import keys_read_once

_ROWS = table(
    without_effect(
        "it changes only what RETURNN prints or logs",
        *("log", "log_verbosity", "log_format", "log_batch_size", "log_grad_norm", "tf_log_dir", "tf_log_memory_usage"),
        *("store_tf_profile", "store_metadata_mod_step", "watch_memory", "use_lovely_tensors", "check_learning_rates"),
    ),
    without_effect(
        "for debugging RETURNN",
        *("debug_grad_summaries", "debug_objective_loss_summaries", "debug_unnormalized_loss_summaries"),
        *("debug_add_check_numerics_on_output", "debug_add_check_numerics_ops", "debug_print_layer_output"),
        *("debug_print_layer_output_shape", "debug_print_layer_output_template", "debug_rec_layer"),
        *("debug_runtime_sanity_checks", "debug_save_updater_vars", "debug_shell_in_runner"),
        *("debug_shell_in_runner_step", "ipython"),
    ),
    without_effect(
        "devices and processes are arguments of the pipeline: gpus, nodes, rqmt",
        *("device", "check_unsupported_device", "tf_session_opts", "tf_run_options", "patch_atfork"),
        *("use_train_proc_manager", "EnableAutoNumpySharedMemPickling", "propagate_behavior_version_to_subprocs"),
        *("restart_after_num_net_reinit", "use_hot_reloading", "file_cache_opts", "cache_size"),
    ),
    without_effect("Boulder trains with TensorFlow",
                   *("use_tensorflow", "onnx_export", "torch_profile", "PYTORCH_CUDA_ALLOC_CONF")),
    without_effect("training is always deterministic", "deterministic_train", "optimizer_use_locking"),
    without_effect("each job has a folder of its own", "model", "save_epoch1_initial_model", "dry_run"),
    without_effect("each job writes this file as its output 'learning_rates'", "learning_rate_file"),
    without_effect(
        "RETURNN does not read it; where the first epochs of a RETURNN config are a warm-up, 'learning_rates' says so",
        *("learning_rate_warmup_num_epochs", "learning_rate_warmup_num_steps", "learning_rate_warmup_restart"),
        "learning_rate_warmup_steps",
    ),
    without_effect("it changes how a network is computed, not the result",
                   "flat_net_construction", "inf_value", "optimize_move_layers_out"),
    without_effect("RETURNN reads it, but does not use it",
                   *("combine_labels", "ctc_prior_file", "exclude", "init_train_epoch_posthook", "share_batches", "update_batch_size")),
    without_effect("here it is always so: a sequence without an alignment has neither cost nor gradient", "tf_native_ctc_zero_infinity"),
    without_effect("of use_horovod, which must be off",
                   *("horovod_avg_grad", "horovod_dataset_distribution", "horovod_param_sync_step"),
                   *("horovod_param_sync_time_diff", "horovod_reduce_type", "horovod_scale_lr")),
    without_effect("of use_dummy_datasets, which must be off", "dummy_dataset_num_seqs", "train_dummy_dataset_num_seqs"),
    without_effect("RETURNN reads it, but does not use it", "decouple_constraints_factor"),
    without_effect("of train_in_eval, which must be off", "eval_learning_rate"),
    without_effect(
        "for other tasks than training",
        *("allow_random_model_init", "allow_skipping_seqs_in_forward", "analyze_dataset", "data_key"),
        *("enforce_min_len1", "eval_output_file", "eval_output_file_per_seq", "forward_callback", "forward_data"),
        *("hyper_param_tuning", "loss_name", "need_data"),
        *("output_per_seq_file_format", "output_per_seq_format", "sil_label_idx", "statistics"),
        *("statistics_dtype", "statistics_save_prefix", "web_server_port"),
    ),
    without_effect("outputs of jobs have names of their own", "forward_override_hdf_output", "output_file"),
    refused("a limit for debugging; take a shorter file", "lm_dataset_debug_limit_line_count"),
    refused(
        "Boulder does not support it yet",
        *("eval_use_train_flag", "inc_seq_length", "packed_tensors", "reinit_network_each_epoch"),
        *("shuffle_batches", "shuffle_frames_of_nseqs", "chunk_eval"),
        unless=(0, {}, ""),
    ),
    refused("Boulder does not support it yet", "context_window", "window", unless=(0, 1)),
    refused("Boulder does not support it yet", "conv_pad_seq_len_to_power"),
    refused("Boulder does not support it yet", "search_train_network_layers", unless=([], ())),
    refused("RETURNN does not support it either", "start_batch", unless=("auto",)),
    refused("RETURNN does not support it in a training either", "train_in_eval", unless=(False,)),
    refused("this trains; config/returnn.py has other functions for the tasks search, forward and compute_priors", "task",
            unless=("train",)),
    refused("the size of a batch is limited, and its sequences stay whole", "on_size_limit", unless=("ignore",)),
    refused("Boulder shares batches among GPUs by itself: arguments gpus and nodes",
            *("use_horovod", "distributed_tf", "torch_distributed", "__debug_dummy_distributed_rank_and_size"),
            unless=(False,)),
    refused("Boulder reads data sets by itself", "dataset_pipeline", "use_dummy_datasets", unless=(False,)),
    refused("networks are net dicts here, not models of RETURNN's frontend", "get_model"),
    refused("networks are net dicts here, not models of RETURNN's frontend", "backend",
            unless=("tensorflow-net-dict",)),
    refused("Boulder does not call it", "startup_callback", "wrap_tf_session"),
    honoured=(
        *("network", "get_network", "pretrain", "pretrain_construction_algo", "pretrain_copy_output_layer"),
        *("pretrain_greedy", "pretrain_repetitions", "num_epochs", "train", "dev", "eval", "eval_datasets"),
        *("dataset_random_seed_offset", "extern_data", "num_inputs", "num_outputs", "sparse_input", "default_input"),
        *("adadelta", "adagrad", "adam", "momentum", "nadam", "rmsprop", "behavior_version", "target"),
        *("import_model_train_epoch1", "load", "load_epoch", "load_ignore_missing_vars", "preload_from_files"),
        *("start_epoch", "epoch", "forward_batch_size", "forward_output_layer", "forward_use_search", "search_data"),
        *("search_do_eval", "search_output_file", "search_output_file_format", "search_output_layer"),
        "sprint_trainer_exec_path",
    ),
)  # fmt: skip

NOT_OF_RETURNN = frozenset(
    {
        *("learning_rate_warmup_num_epochs", "learning_rate_warmup_num_steps", "learning_rate_warmup_restart"),
        "learning_rate_warmup_steps",
    }
)
"""Rows for options that the field uses, but RETURNN's TensorFlow engine does not read."""


BEYOND_RETURNN = frozenset(
    {
        *(
            "ema",
            "ema_in_scores",
            "growth_callback",
            "learning_rate_num_epochs",
            "mixed_precision",
            "patience",
            "returnn_batches",
        ),
        "use_normalized_loss",
    }
)
"""Options that Boulder honours in a config although RETURNN does not read them."""

_READ_ONCE = frozenset(
    {
        *("network", "get_network", "pretrain", "pretrain_construction_algo", "pretrain_copy_output_layer"),
        *("pretrain_greedy", "pretrain_repetitions", "num_epochs", "min_seq_length", "max_pad_size"),
        *("import_model_train_epoch1", "load", "load_epoch", "load_ignore_missing_vars", "preload_from_files"),
        "start_epoch",
    }
)
_READ_WITH_TRAIN = frozenset({"batching", "chunking_variance", "min_chunk_size"})


def is_read_before(option: str, overrides: Collection[str]) -> bool:
    """
    :param overrides: the keys of a `#config`, `option` among them
    :return: whether the override comes too late to have an effect, since RETURNN reads the option at the start of the
        training, or when it opens the data to train on
    """
    beyond = option in known_options() and verdict(option) != HONOURED  # of Boulder, but not for RETURNN configs
    of_data = option in _READ_WITH_TRAIN and "train" not in overrides
    return beyond or of_data or option in _READ_ONCE or option in keys_read_once()


def verdict(option: str) -> Verdict | None:
    """:return: None if neither RETURNN nor Boulder reads an option of this name: it is the config's own variable"""
    return _ROWS.get(option, HONOURED if option in known_options() else None)


def options_with_verdict() -> frozenset[str]:
    """:return: names of all options that RETURNN or Boulder reads"""
    return frozenset({*_ROWS, *known_options()})
