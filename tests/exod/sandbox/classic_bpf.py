"""An interpreter of classic BPF that shares nothing with what makes the filters: a program, one call → the verdict."""

import struct
from dataclasses import dataclass, field

X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028
X32 = 0x40000000
EPERM, ENOSYS, ENOTSUP = 0x50001, 0x50026, 0x5005F
_WORD = 0xFFFFFFFF


@dataclass
class Program:
    """`steps`: instructions that the last call took."""

    code: bytes
    steps: int = 0
    _instructions: list[tuple[int, int, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._instructions = list(struct.iter_unpack("<HBBI", self.code))

    def run(self, number: int, arguments: tuple[int, ...] = (), *, arch: int = X86_64) -> int:
        """seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits; little-endian."""
        padded = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
        words = struct.unpack("<16I", struct.pack("<IIQ6Q", number & _WORD, arch, 0, *padded))
        accumulator = at = self.steps = 0
        while True:
            code, if_true, if_false, operand = self._instructions[at]
            at, self.steps = at + 1, self.steps + 1
            if code == 0x15:  # equal
                at += if_true if accumulator == operand else if_false
            elif code == 0x35:  # at least
                at += if_true if accumulator >= operand else if_false
            elif code == 0x20:  # load a word
                assert operand % 4 == 0, "the kernel refuses it"
                accumulator = words[operand // 4]
            elif code == 0x06:  # return
                return operand
            elif code == 0x25:  # greater
                at += if_true if accumulator > operand else if_false
            elif code == 0x45:  # any bit
                at += if_true if accumulator & operand else if_false
            elif code == 0x54:  # and
                accumulator &= operand
            elif code == 0x05:  # jump
                at += operand
            else:
                raise AssertionError(f"unknown instruction {code:#x}")
