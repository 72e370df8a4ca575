"""`Source`: which parameters a network takes from a checkpoint file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from boulder.errors import ConfigError, nearest


@dataclass(frozen=True, kw_only=True)
class Source:
    """
    The options are those of RETURNN's `preload_from_files`. Names are those in the file.

    :param checkpoint: path, or an object with `get_path`
    :param prefix: only parameters whose path contains this text, which their names in the file lack
    :param ignore_missing: parameters that the file lacks keep their initial values
    :param ignore_params: names that are not taken
    :param ignore_params_prefixes: beginnings of names that are not taken
    :param var_name_mapping: name → name in the file, for parameters that the file lacks under their own name
    :param use_importers: a layer with `custom_param_importer` takes its parameters by it, as in RETURNN's
        `import_model_train_epoch1` and `load`
    :param keep_step: the training continues the file's number of training steps
    """

    checkpoint: Any
    prefix: str = ""
    ignore_missing: bool = False
    ignore_params: Collection[str] = ()
    ignore_params_prefixes: Collection[str] = ()
    var_name_mapping: Mapping[str, str] = field(default_factory=dict)
    use_importers: bool = False
    keep_step: bool = False

    @classmethod
    def of(cls, options: object, where: str) -> Self:
        """
        :param options: the fields
        :param where: context for error messages
        :raises ConfigError: for an unknown or missing option, or a value of the wrong type
        """
        known = [f.name for f in fields(cls)]
        if not isinstance(options, Mapping):
            raise ConfigError(f"{where}: found {options!r:.60}, expected a dict such as {{'checkpoint': …}}")
        for key in options:
            if key not in known:
                raise ConfigError(f"{where}: there is no option {key!r}, only {', '.join(known)}{nearest(key, known)}")
        if "checkpoint" not in options:
            raise ConfigError(f"{where}: needs the option 'checkpoint'")
        source = cls(**options)
        source._check_types(where)
        return source

    def _check_types(self, where: str) -> None:
        for key in ("ignore_params", "ignore_params_prefixes"):
            value = getattr(self, key)
            if isinstance(value, str | Mapping) or not _are_texts(value):
                raise ConfigError(f"{where}: {key!r}: found {value!r:.60}, expected a list of names")
        mapping: object = self.var_name_mapping
        if not isinstance(mapping, Mapping) or not _are_texts([*mapping, *mapping.values()]):
            raise ConfigError(f"{where}: 'var_name_mapping': found {mapping!r:.60}, expected a dict of name → name")
        for key, kind, expected in (
            ("prefix", str, "a text such as 'encoder/'"),
            *((flag, bool, "True or False") for flag in ("ignore_missing", "use_importers", "keep_step")),
        ):
            if not isinstance(getattr(self, key), kind):
                raise ConfigError(f"{where}: {key!r}: found {getattr(self, key)!r:.60}, expected {expected}")

    def to_json(self) -> dict[str, Any]:
        """:return: the options that differ from their defaults, as plain JSON but for the checkpoint"""
        result: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            default = f.default_factory() if f.default_factory is not MISSING else f.default
            if f.name.startswith("ignore_params"):
                value, default = sorted(set(value)), []
            if value != default:
                result[f.name] = dict(value) if isinstance(value, Mapping) else value
        return result

    def name(self, path: str) -> str | None:
        """
        :param path: of a parameter of the network
        :return: its name in the file; None if it is not to be taken from there
        """
        if self.prefix not in path:
            return None
        name = path.replace(self.prefix, "") if self.prefix else path
        if name in self.ignore_params or name.startswith(tuple(self.ignore_params_prefixes)):
            return None
        return name


def _are_texts(value: object) -> bool:
    return isinstance(value, Collection) and all(isinstance(item, str) for item in value)
