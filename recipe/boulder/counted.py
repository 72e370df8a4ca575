"""Numbers of things in messages: `1 output`, `2 outputs`."""


def counted(number: int, thing: str, things: str = "") -> str:
    """
    :param thing: its name, singular
    :param things: its plural, where that is not `thing` with s
    :return: `1 epoch`, `2 epochs`
    """
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"
