"""A config object with the attributes of i6_core's ReturnnConfig."""


class CodeWrapper:
    def __init__(self, code):
        self.code = code


class ReturnnConfig:
    def __init__(
        self, config, post_config=None, staged_network_dict=None, *, python_prolog=None, python_epilog="", **_options
    ):
        self.config = config
        self.post_config = post_config or {}
        self.staged_network_dict = staged_network_dict
        self.python_prolog = python_prolog
        self.python_epilog = python_epilog
