"""Does to itself what a kind and a seed say, tells how it went, and answers whether it still works."""

from random import Random

import bytecode
import errnos
import garbage
import greed

from exosdk import hookimpl

FAULTS = {"bytecode": bytecode.commit, "errno": errnos.commit, "garbage": garbage.commit, "greed": greed.commit}


class Faulty:
    def __init__(self, context):
        self.context = context
        self.beats = 0
        self.repairs = []

    @hookimpl
    def start(self):
        self.context.every(0.02, self.beat)

    def beat(self):
        self.beats += 1
        self.context.changed("Beats")

    def commit(self, kind, seed):
        while self.repairs:
            self.repairs.pop()()
        return str(FAULTS[kind](self, Random(f"{kind} {seed}")))[:200]

    def alive(self, number):
        self.context.emit("Said", number)
        return number + 1
