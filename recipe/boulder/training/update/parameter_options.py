"""The options of each parameter's update: those of the config, where `updater_opts` of its layer do not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.network import NetworkSpec
from boulder.training.optimizer import check_optimizer
from boulder.training.option_kind import STRING, OptionKind
from boulder.training.training_options import TrainingOptions, check_kind

_TAGS = OptionKind("a list of strings", lambda value: isinstance(value, list | tuple) and all(map(STRING.fits, value)))
_OF_PARAMETERS = (
    "accum_grad_multiple_step",
    "gradient_noise",
    "gradient_clip",
    "gradient_clip_norm",
    "gradient_clip_avg_norm",
    "gradient_clip_global_norm",
    "gradient_clip_global_norm_tag",
    "global_norm_tag",
    "grad_norm_to_clip_to_zero",
    "gradient_nan_inf_filter",
)


@dataclass(frozen=True)
class ParameterOptions:
    """
    :param training: options of the config
    :param own: path → `updater_opts` of the parameter's layer, for each trained parameter
    """

    training: TrainingOptions
    own: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of_network(cls, training: TrainingOptions, spec: NetworkSpec) -> ParameterOptions:
        return cls(training, _own(spec))

    def of(self, option: str) -> dict[str, Any]:
        """:return: path → value, where it is neither 0 nor None"""
        default = getattr(self.training, option)
        return {path: value for path, own in self.own.items() if (value := own.get(option, default))}

    @property
    def optimizers(self) -> dict[str, Any]:
        """:return: path → options of the optimizer, of parameters that have their own"""
        return {path: own["optimizer"] for path, own in self.own.items() if own.get("optimizer")}

    def tagged(self, tag: str) -> list[str]:
        """:return: paths of the parameters with a tag"""
        return [path for path, own in self.own.items() if tag in own.get("tags", ())]

    def check(self, where: str) -> None:
        """:raises ConfigError: for `updater_opts` of the wrong type or range, or a tag that no parameter has"""
        default = self.training.optimizer
        name = default if isinstance(default, str) else default["class"]
        known = [*_OF_PARAMETERS, "optimizer", "tags", "debug_grad_summaries"]
        for path, own in self.own.items():
            here = f"{where}: 'updater_opts' of the layer of {path!r}"
            for option, value in own.items():
                if option == "maximize_grad_norm":
                    raise ConfigError(f"{here}: {option!r} counts for all parameters; it belongs into the config")
                if option not in known:
                    raise ConfigError(f"{here}: unknown option {option!r}{nearest(option, known)}")
                if option == "optimizer" and value:
                    check_optimizer(value, here, default=name)
                elif option == "tags" and not _TAGS.fits(value):
                    raise ConfigError(f"{here}: 'tags' must be {_TAGS.expected}, found {value!r:.60}")
                elif option in _OF_PARAMETERS:
                    check_kind(option, value, here)
        tags = sorted({tag for own in self.own.values() for tag in own.get("tags", ())})
        for option in ("global_norm_tag", "gradient_clip_global_norm_tag"):
            for tag in sorted(set(self.of(option).values()) - set(tags)):
                raise ConfigError(
                    f"{where}: {option!r} is {tag!r}, but no layer with parameters has it in the 'tags' of its "
                    f"'updater_opts'{nearest(tag, tags)}"
                )


def _own(spec: NetworkSpec) -> dict[str, Mapping[str, Any]]:
    """:return: path of a trained parameter → `updater_opts` of its layer, or else of the loop or subnetwork around it"""
    layers = list(spec.all_layers())
    given = {layer.name: layer.layer.updater_opts for layer in layers if layer.layer.updater_opts}
    result: dict[str, Mapping[str, Any]] = {}
    for layer in layers:
        own = next((given[name] for name in _from_inside(layer.name) if name in given), {})
        result |= {param.path: own for param in layer.params if param.trainable}
    return dict(sorted(result.items()))


def _from_inside(name: str) -> list[str]:
    """:return: `a/b/c`, `a/b`, `a`"""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
