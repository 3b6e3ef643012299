"""A function's code object, mutated: run at once, or put in the place of one that the instance itself lives by."""

import marshal
from types import CodeType, FunctionType

import corpus

from exosdk import context, post, serving, timers, wire

OTHERS = (None, True, -1, 1 << 70, 0.5, "", "x" * 300, b"\0", (), (1, (2,)), frozenset((1,)))


def commit(plugin, random):
    if random.random() < 0.15:
        return live(plugin, random)
    function = random.choice(corpus.FUNCTIONS)
    try:
        changed = mutant(function.__code__, random)
        return FunctionType(changed, vars(corpus))()
    except BaseException as error:
        return type(error).__name__


def live(plugin, random):
    """Of the plugin's timer, or of the SDK around it."""
    homes = (context.Context, post.Post, serving.Serving, timers.Timers)
    functions = [vars(home)[name] for home in homes for name in vars(home)]
    functions += [type(plugin).beat, wire.encode, wire.decode_down, wire.unpack]
    function = random.choice([one for one in functions if isinstance(one, FunctionType)])
    before = function.__code__
    plugin.repairs.append(lambda: setattr(function, "__code__", before))
    try:
        function.__code__ = mutant(before, random)
    except (ValueError, TypeError, EOFError) as error:
        return type(error).__name__
    return function.__qualname__


def mutant(code, random):
    inner = [place for place, one in enumerate(code.co_consts) if isinstance(one, CodeType)]
    if inner and random.random() < 0.5:
        place = random.choice(inner)
        consts = list(code.co_consts)
        consts[place] = mutant(consts[place], random)
        return code.replace(co_consts=tuple(consts))
    return random.choice((flipped, flipped, swapped, constants, names, shapes, stored))(code, random)


def flipped(code, random):
    data = bytearray(code.co_code)
    for _ in range(random.choice((1, 1, 2, 4))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return code.replace(co_code=bytes(data))


def swapped(code, random):
    """Two instructions change places, or one comes twice."""
    data = bytearray(code.co_code)
    one, two = (2 * random.randrange(len(data) // 2) for _ in range(2))
    data[one : one + 2], data[two : two + 2] = data[two : two + 2], data[random.choice((one, two)) :][:2]
    return code.replace(co_code=bytes(data))


def constants(code, random):
    consts = list(code.co_consts) or [None]
    consts[random.randrange(len(consts))] = random.choice((*OTHERS, code))
    return code.replace(co_consts=tuple(consts))


def names(code, random):
    known = [*code.co_names, "exit", "__dict__", "missing"]
    random.shuffle(known)
    return code.replace(co_names=tuple(known[: len(code.co_names)]))


def shapes(code, random):
    what = random.choice(("co_stacksize", "co_flags", "co_firstlineno", "co_exceptiontable", "co_linetable"))
    if what in ("co_exceptiontable", "co_linetable"):
        return code.replace(**{what: random.randbytes(random.randrange(24))})
    if what == "co_flags":
        return code.replace(co_flags=code.co_flags ^ (1 << random.randrange(10)))
    return code.replace(**{what: random.choice((0, 1, 2, 1000))})


def stored(code, random):
    """As it lies in a .pyc file."""
    data = bytearray(marshal.dumps(code))
    for _ in range(random.choice((1, 2, 3))):
        data[random.randrange(len(data))] = random.randrange(256)
    changed = marshal.loads(bytes(data))
    return changed if isinstance(changed, CodeType) else code
