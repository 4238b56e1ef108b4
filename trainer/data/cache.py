"""A cache of decoded and read data, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Cache:
    """Least recently used values go first, so that at most `limit` bytes are kept; safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0
        self.overflowed = False
        """Some value had to go, so that values nobody asks for yet are not worth keeping."""

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Any, nbytes: int) -> None:
        with self._lock:
            self.nbytes += nbytes - self._values.pop(key, (None, 0))[1]
            self._values[key] = value, nbytes
            while self.nbytes > self._limit and self._values:
                self.nbytes -= self._values.popitem(last=False)[1][1]
                self.overflowed = True
