"""`cache_result`: keeps the results of a function for some time."""

import functools
import time


class cache_result:  # upstream's name
    """Decorator. Arguments are told apart by their texts."""

    def __init__(self, cache_time=30, force_update=None, clear_cache=None):
        """
        cache_time: seconds for which a result is kept.
        force_update: name of an argument; if it is true in a call, the function is called in any case.
        clear_cache: name of an argument; a call with it forgets all results and returns None.
        """
        self.cache_time = cache_time
        self.force_update = force_update
        self.clear_cache = clear_cache
        self.cache = {}

    def __call__(self, f):
        @functools.wraps(f)
        def cached(*args, **kwargs):
            if self.clear_cache in kwargs:
                self.cache.clear()
                return None
            forced = bool(kwargs.get(self.force_update)) and kwargs.pop(self.force_update)
            key = str((f, args, kwargs))
            kept = self.cache.get(key)
            if forced or kept is None or time.time() - kept[0] > self.cache_time:
                kept = self.cache[key] = time.time(), f(*args, **kwargs)
            return kept[1]

        return cached
