"""The name of upstream's web server that recipes import. The stand-in has no web server."""

from sisyphus.needs_upstream import lacking

__getattr__ = lacking(__name__, ("object_to_html",))
