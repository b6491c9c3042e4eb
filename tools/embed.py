#!/usr/bin/env python3
"""embed.py NAME OUT.h FILE...: makes one header with the files as constant byte arrays.

The header declares `static const struct embedded_file NAME[]` {name, bytes, length} (gateway/runtime/embedded.h), ended by a row of
NULL; every array has a NUL behind its last byte, so text files can be used as C strings."""
import os
import sys


def main():
    name, out, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    lines = ["/* Made by tools/embed.py; do not edit. */", '#include "gateway/runtime/embedded.h"', "",
             f"static const struct embedded_file {name}[] = {{"]
    for path in files:
        data = open(path, "rb").read()
        text = "".join(f"\\{byte:03o}" for byte in data)
        chunks = "\n     ".join(f'"{text[i:i + 96]}"' for i in range(0, len(text), 96)) or '""'
        lines.append(f'    {{"{os.path.basename(path)}",\n     {chunks},\n     {len(data)}}},')
    lines += ["    {NULL, NULL, 0},", "};", ""]
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(lines))


main()
