"""Up to a limit and against it: descriptors, threads, memory, storage, the stack. Held for a while, or given back."""

import os
import sys
import threading

MOST = 10_000


def commit(plugin, random):
    greed = random.choice((descriptors, descriptors, threads, memory, storage, temporary, deep))
    return f"{greed.__name__}: {greed(plugin, random)}"


def hold(plugin, random, release):
    """Every other one until the next fault: the plugin lives on with nothing left."""
    plugin.repairs.append(release) if random.random() < 0.5 else release()


def descriptors(plugin, random):
    held = []
    make = random.choice(
        (lambda: os.dup(0), lambda: os.open("/plugin/code/faulty.py", os.O_RDONLY), lambda: os.pipe()[0])
    )
    try:
        while len(held) < MOST:
            held.append(make())
    except OSError as error:
        said = f"{len(held)} and {type(error).__name__} {error.errno}"
    hold(plugin, random, lambda: os.closerange(4, 200))
    plugin.context.log.info("held %d", len(held))
    return said


def threads(plugin, random):
    over, begun = threading.Event(), []
    try:
        while len(begun) < MOST:
            one = threading.Thread(target=over.wait, daemon=True)
            one.start()
            begun.append(one)
    except RuntimeError as error:
        said = f"{len(begun)} and {error}"

    def release():
        over.set()
        for one in begun:
            one.join()

    hold(plugin, random, release)
    return said


def memory(plugin, random):
    held, most = [], random.choice((8, 32, 60, 1_000))
    try:
        while len(held) < most:
            held.append(bytearray(1 << 20))
    except MemoryError:
        pass
    said = f"{len(held)} MiB"
    hold(plugin, random, held.clear)
    return said


def storage(plugin, random):
    return fill(plugin, random, "/state/filled")


def temporary(plugin, random):
    return fill(plugin, random, "/tmp/filled")


def fill(plugin, random, path):
    written, most = 0, random.choice((1 << 18, 1 << 20, 1 << 24))
    try:
        with open(path, "wb", buffering=0) as file:
            while written < most:
                written += file.write(bytes(1 << 16))
    except OSError as error:
        written = f"{written} and {type(error).__name__} {error.errno}"
    hold(plugin, random, lambda: os.path.exists(path) and os.unlink(path))
    return written


def deep(plugin, random):
    """Python's own limit, or the stack's end."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(random.choice((before, 1 << 20)))
    try:
        return again(0)
    except RecursionError as error:
        return type(error).__name__
    finally:
        sys.setrecursionlimit(before)


def again(depth):
    return max((depth,), key=lambda one: again(one + 1))
