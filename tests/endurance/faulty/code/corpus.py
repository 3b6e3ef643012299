"""Functions of ordinary plugins, to be mutated: each takes nothing, needs no other, and comes to an end."""

import json
import os
import struct


def arithmetic():
    total = 1
    for number in range(1, 40):
        total = (total * 31 + number) ^ (number << 3)
        if total % 7 == 3:
            total //= 2
    return total


def words():
    counted = {}
    for word in "a plugin is a guest in a house with many other guests".split():
        counted[word] = counted.get(word, 0) + 1
    return ", ".join(f"{word}={number}" for word, number in sorted(counted.items()))


def handled():
    caught = []
    for index in range(5):
        try:
            caught.append([1, 2, 3][index])
        except IndexError as error:
            caught.append(str(error))
        finally:
            caught.append(index)
    return caught


def generated():
    def below(most):
        value = 0
        while value < most:
            sent = yield value
            value += 1 if sent is None else sent

    return sum(one * two for one, two in zip(below(9), below(9), strict=True))


def closed_over():
    seen = []

    def note(*values, **named):
        seen.extend(values)
        seen.extend(named.values())
        return len(seen)

    return [note(1), note(2, 3), note(four=4)], seen


def stored():
    with open("/state/notes.new", "w") as file:
        json.dump({"notes": [1, 2, {"three": None}], "word": "x" * 40}, file)
    os.rename("/state/notes.new", "/state/notes")
    with open("/state/notes") as file:
        return json.load(file)["word"]


def packed():
    data = struct.pack("<IHB5s", 70_000, 300, 7, b"hello")
    first, *rest = struct.unpack("<IHB5s", data)
    view = memoryview(bytearray(data))
    view[0:2] = b"\xff\x00"
    return first, rest, bytes(view[:4]), data[::-1].hex()


def classed():
    class Point:
        __slots__ = ("x", "y")

        def __init__(self, x, y):
            self.x, self.y = x, y

        def __add__(self, other):
            return Point(self.x + other.x, self.y + other.y)

    found = Point(1, 2) + Point(3, 4)
    match (found.x, found.y):
        case (4, int(y)) if y > 5:
            return {"y": y, **{"x": found.x}}
        case _:
            return None


FUNCTIONS = (arithmetic, words, handled, generated, closed_over, stored, packed, classed)
