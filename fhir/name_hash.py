"""hash_name() of base/hash.h once more, for the generators: the tables that they write are searched
by the hash of a name, so both must compute the same number. tests/unit/fhir/model/definitions_test.c and
coding_test.c look every name of the tables up, which fails when the two differ.

Imported by fhir/codes/generate.py and fhir/model/definitions/generate.py. Pure.
"""

WHOLE = (1 << 64) - 1


def word(part):
    return int.from_bytes(part, "little")


def hash_of(name):
    """Of the length and the first and last eight bytes (of fewer than eight: all of them)."""
    data = name.encode()
    length = len(data)
    if length >= 8:
        first, last = word(data[:8]), word(data[-8:])
    elif length >= 4:
        first, last = word(data[:4]), word(data[-4:])
    else:
        first, last = data[0], data[length // 2] << 8 | data[-1]
    mixed = (first ^ length) * 0x9E3779B97F4A7C15 & WHOLE
    mixed = (mixed ^ mixed >> 32 ^ last) * 0xC2B2AE3D27D4EB4F & WHOLE
    return mixed >> 32 | 0x80000000
