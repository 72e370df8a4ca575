"""The threads of NumPy's matrix products."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager:
    """
    :return: a context in which the products of this process use one thread. The products of a recording are small: threads
        of their own wait for one another, and for those that read other batches. And the bits of a sum may depend on the
        number of threads.
    """
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
