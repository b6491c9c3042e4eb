"""Invariants that only ask which direct children exist, as truth tables.

`value.empty() or code.exists()` depends on two yes-or-no facts that the validator's walk knows
anyway. parse() gives the names and the 2^n answers; None for any other expression.
"""

import itertools
import re

NAMES_MAX = 5  # 32 answers fit one word
TOKEN = re.compile(r"\s*(?:([A-Za-z]+)|(\(\)|!=|[().=]))")


class NotPresence(Exception):
    pass


class Parser:
    def __init__(self, text, elements):
        self.tokens = []
        self.elements = elements
        self.names = []
        at = 0
        while at < len(text.rstrip()):
            match = TOKEN.match(text, at)
            if match is None:
                raise NotPresence
            self.tokens.append(match.group(1) or match.group(2))
            at = match.end()

    def peek(self):
        return self.tokens[0] if self.tokens else None

    def take(self, wanted=None):
        token = self.peek()
        if token is None or (wanted is not None and token != wanted):
            raise NotPresence
        return self.tokens.pop(0)

    def binary(self, operand, operators):
        left = operand()
        while self.peek() in operators:
            left = (operators[self.take()], left, operand())
        return left

    def implies(self):
        return self.binary(self.either, {"implies": lambda a, b: not a or b})

    def either(self):
        return self.binary(self.both, {"or": lambda a, b: a or b, "xor": lambda a, b: a != b})

    def both(self):
        return self.binary(self.equal, {"and": lambda a, b: a and b})

    def equal(self):
        return self.binary(self.term, {"=": lambda a, b: a == b, "!=": lambda a, b: a != b})

    def term(self):
        if self.peek() == "(":
            self.take()
            node = self.implies()
            self.take(")")
        else:
            node = self.fact()
        while self.peek() == ".":
            self.take()
            self.take("not")
            self.take("()")
            node = (lambda a, _: not a, node, None)
        return node

    def fact(self):
        name = self.take()
        if name not in self.elements:
            raise NotPresence
        self.take(".")
        question = self.take()
        self.take("()")
        if question not in ("exists", "empty"):
            raise NotPresence
        if name not in self.names:
            self.names.append(name)
        node = self.names.index(name)
        return node if question == "exists" else (lambda a, _: not a, node, None)


def answer(node, facts):
    if node is None:
        return None
    if isinstance(node, int):
        return facts[node]
    operator, left, right = node
    return operator(answer(left, facts), answer(right, facts))


def parse(text, elements):
    """(names, truth): bit i of truth is the answer when the set bits of i are the names present."""
    try:
        parser = Parser(text, elements)
        tree = parser.implies()
    except NotPresence:
        return None
    if parser.tokens or not 0 < len(parser.names) <= NAMES_MAX:
        return None
    truth = 0
    for facts in itertools.product((False, True), repeat=len(parser.names)):
        index = sum(1 << position for position, fact in enumerate(facts) if fact)
        truth |= bool(answer(tree, facts)) << index
    return parser.names, truth
