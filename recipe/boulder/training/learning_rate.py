"""Which learning rate an epoch has."""

from boulder.errors import ConfigError

DEFAULT_LEARNING_RATE = 0.001


def learning_rates(config: dict, epochs: range, where: str = "config") -> list[float]:
    """
    :param config: with `learning_rate`, a number, and perhaps `learning_rates`, a list for the epochs from 1 on; after
        its end the last one goes on
    :param epochs: 1-based
    :return: the rate of each of `epochs`
    :raises ConfigError: if one is no positive number
    """
    rates = config.get("learning_rates") or [config.get("learning_rate", DEFAULT_LEARNING_RATE)]
    if not isinstance(rates, list | tuple):
        raise ConfigError(f"{where}: 'learning_rates' must be a list of numbers, found {rates!r}")
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
            raise ConfigError(f"{where}: a learning rate must be a positive number, found {rate!r}")
    return [float(rates[min(epoch, len(rates)) - 1]) for epoch in epochs]
