"""The plugin's own calls to the system fail from the N-th on, once or for good: what it calls them by is replaced.

Its filter cannot be changed from inside, and needs not be: to the code above it, a call that the kernel refused and one
that was never made are the same exception.
"""

import builtins
import errno
import os
import select
import time

CODES = sorted(errno.errorcode)
PLACES = [(os, name) for name in ("open", "read", "write", "stat", "fsync", "rename", "listdir", "close", "unlink")]
PLACES += [(builtins, "open"), (select, "poll"), (time, "monotonic"), (time, "time")]


class Failing:
    def __init__(self, real, code, after, once):
        self.real, self.code, self.after, self.once = real, code, after, once

    def __call__(self, *arguments, **named):
        self.after -= 1
        if self.after == 0 or (self.after < 0 and not self.once):
            raise OSError(self.code, os.strerror(self.code))
        return self.real(*arguments, **named)


class FailingSocket:
    """In the place of the channel's socket."""

    def __init__(self, real, name, failing):
        self._real, self._name, self._failing = real, name, failing

    def __getattr__(self, name):
        return self._failing if name == self._name else getattr(self._real, name)

    def fileno(self):
        return self._real.fileno()


def commit(plugin, random):
    code, after, once = random.choice(CODES), random.choice((1, 1, 2, 3, 5)), random.random() < 0.7
    if random.random() < 0.25:
        return channel(plugin, random, code, after, once)
    home, name = random.choice(PLACES)
    real = getattr(home, name)
    setattr(home, name, Failing(real, code, after, once))
    restore = lambda: setattr(home, name, real)  # noqa: E731
    try:
        said = [work(plugin) for _ in range(after)][-1]
    finally:
        plugin.repairs.append(restore) if random.random() < 0.2 else restore()
    return f"{name} {errno.errorcode[code]}: {said}"


def channel(plugin, random, code, after, once):
    post = plugin.context._send.__self__
    real, name = post._socket, random.choice(("send", "recv"))
    post._socket = FailingSocket(real, name, Failing(getattr(real, name), code, after, once))
    plugin.repairs.append(lambda: setattr(post, "_socket", real))
    return f"channel {name} {errno.errorcode[code]}"


def work(plugin):
    """What a plugin does in a call; what it does not catch reaches the SDK."""
    try:
        with open("/state/kept.new", "wb") as file:
            file.write(b"x" * 200)
            file.flush()
            os.fsync(file.fileno())
        os.rename("/state/kept.new", "/state/kept")
        kept = os.open("/state/kept", os.O_RDONLY)
        os.read(kept, 100)
        os.close(kept)
        said = f"{len(os.listdir('/state'))} files, {os.stat('/state/kept').st_size} bytes at {time.time():.0f}"
        os.unlink("/state/kept")
        return said
    except FileNotFoundError as error:
        return type(error).__name__
    finally:
        plugin.context.log.info("worked at %f", time.monotonic())
        plugin.context.changed("Beats")
