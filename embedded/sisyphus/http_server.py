"""The name of upstream's web server that recipes import. The stand-in has no web server."""


def object_to_html(obj: object, *args: object, **options: object) -> str:
    raise NotImplementedError(
        "object_to_html needs Sisyphus itself (github.com/rwth-i6/sisyphus), in whose place is Boulder's stand-in here"
    )
