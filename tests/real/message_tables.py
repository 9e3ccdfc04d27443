"""Reads and writes the messages of the mesh by the tables of node/core/MESSAGES.md: the page itself is the schema.

A table becomes a shape; `pack("ticket", agent=..., ...)` gives octets, `unpack("WELCOME", octets)` a namespace with every
field of the table. What breaks the page's conventions raises Unreadable; fields the page does not list are passed over.
"""
import re
from types import SimpleNamespace

import msgpack

FRAME_BYTES = 262144
NESTING = 12
TIME_MAX = 253402300799999
INTEGERS = {"u8": 2**8 - 1, "u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1, "time": TIME_MAX}
EMPTY = {"bool": False, "bin": b"", "str": "", "array": [], "map": {}}


class Unreadable(Exception):
    """Octets that are not what the page says."""


class Tables:
    def __init__(self, page):
        self.shapes = {}   # name -> [(key, field, type, must)]
        self.arrays = set()  # those of them that are written as arrays
        self.values = {}   # enumeration -> {name: number}
        self.numbers = {"Frame": {}, "Payload": {}}  # number -> name of the shape
        title = re.compile(r"### (Frame|Payload|Map|Array|Values)(?: (\d+))?: (.+)")
        group = None
        with open(page, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for line in lines:
            if line.startswith("#"):
                found = title.match(line.rstrip())
                group, number, name = found.groups() if found else (None, None, None)
                if number:
                    self.numbers[group][int(number)] = name
                if group == "Values":
                    self.values[name] = {}
                elif group:
                    self.shapes[name] = []
                    if group == "Array":
                        self.arrays.add(name)
                continue
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if not group or len(cells) < 3 or not cells[0].isdigit():
                continue
            if group == "Values":
                self.values[name][cells[1]] = int(cells[0])
            else:
                self.shapes[name].append((int(cells[0]), cells[1], cells[2], cells[3] == "must"))

    # Whole messages ---------------------------------------------------------------------------------------------

    def pack(self, name, /, **fields):
        return msgpack.packb(self._write(name, fields), use_bin_type=True)

    def unpack(self, name, octets):
        return self._read(name, _decode(octets), name)

    def frame(self, name, /, **fields):
        number = next(n for n, shape in self.numbers["Frame"].items() if shape == name)
        return msgpack.packb([number, self._write(name, fields)], use_bin_type=True)

    def read_frame(self, octets):
        """(name, fields), or (None, None) for a number that is not on the page."""
        whole = _decode(octets)
        if not isinstance(whole, list) or len(whole) != 2 or type(whole[0]) is not int:
            raise Unreadable("a frame is an array of a number and a map")
        name = self.numbers["Frame"].get(whole[0])
        return (name, self._read(name, whole[1], name)) if name else (None, None)

    def name_of(self, enumeration, number):
        return next((name for name, value in self.values[enumeration].items() if value == number), str(number))

    # One value --------------------------------------------------------------------------------------------------

    def _write(self, name, fields):
        rows = self.shapes[name]
        unknown = set(fields) - {field for _, field, _, _ in rows}
        if unknown:
            raise ValueError(f"{name}: the page has no field {unknown}")
        if name in self.arrays:
            return [self._written(kind, fields[field], field) for _, field, kind, _ in rows]
        return {key: self._written(kind, fields[field], field) for key, field, kind, must in rows
                if must or fields.get(field)}

    def _written(self, kind, value, where):
        if kind in self.values:
            return self.values[kind][value] if isinstance(value, str) else value
        if kind in self.shapes:
            return self._write(kind, value if isinstance(value, dict) else vars(value))
        if kind.startswith("array"):
            return [self._written(kind.split(" of ", 1)[1], item, where) for item in value]
        return value

    def _read(self, name, raw, where):
        rows = self.shapes[name]
        fields = SimpleNamespace()
        if name in self.arrays:
            if not isinstance(raw, list) or len(raw) != len(rows):
                raise Unreadable(f"{where}: an array of {len(rows)} is wanted")
            for (_, field, kind, _), value in zip(rows, raw):
                setattr(fields, field, self._value(kind, value, f"{where}.{field}"))
            return fields
        if not isinstance(raw, dict):
            raise Unreadable(f"{where}: a map is wanted")
        for key, field, kind, must in rows:
            if key in raw:
                setattr(fields, field, self._value(kind, raw[key], f"{where}.{field}"))
            elif must:
                raise Unreadable(f"{where}: {field} is missing")
            else:
                setattr(fields, field, None if kind in self.shapes else EMPTY.get(kind.split()[0], 0))
        return fields

    def _value(self, kind, value, where):
        word = kind.split()[0]
        if kind in self.values:
            return self._value("u64", value, where)
        if kind in self.shapes:
            return self._read(kind, value, where)
        if word in INTEGERS:
            if type(value) is not int or not 0 <= value <= INTEGERS[word]:
                raise Unreadable(f"{where}: {kind} is wanted")
        elif word == "bool":
            if type(value) is not bool:
                raise Unreadable(f"{where}: bool is wanted")
        elif word in ("bin", "str"):
            least, most = _range(kind)
            length = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else -1
            if type(value) is not {"bin": bytes, "str": str}[word] or not least <= length <= most:
                raise Unreadable(f"{where}: {kind} is wanted")
            if word == "str" and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value):
                raise Unreadable(f"{where}: has control characters")
        elif word == "array":
            least, most = _range(kind)
            if not isinstance(value, list) or not least <= len(value) <= most:
                raise Unreadable(f"{where}: {kind} is wanted")
            return [self._value(kind.split(" of ", 1)[1], item, where) for item in value]
        elif word == "map":
            least, most = _range(kind)
            left, right = kind.split(" of ", 1)[1].split(" to ")
            if not isinstance(value, dict) or not least <= len(value) <= most:
                raise Unreadable(f"{where}: {kind} is wanted")
            return {self._value(left, k, where): self._value(right, v, where) for k, v in value.items()}
        elif word.startswith("["):
            kinds = kind.strip("[]").split(", ")
            if not isinstance(value, list) or len(value) != len(kinds):
                raise Unreadable(f"{where}: {kind} is wanted")
            return [self._value(k, v, where) for k, v in zip(kinds, value)]
        else:
            raise ValueError(f"{where}: the page does not say what '{kind}' is")
        return value


def _range(kind):
    found = re.match(r"\w+ (\d+)(?:\.\.(\d+))?", kind)
    if not found:
        raise ValueError(f"the page gives no size for '{kind}'")
    least = int(found[1])
    return least, int(found[2]) if found[2] else least


def _decode(octets):
    if len(octets) > FRAME_BYTES:
        raise Unreadable("too long")

    def unique(pairs):
        whole = {}
        for key, value in pairs:
            if key in whole:
                raise Unreadable(f"key {key} stands twice")
            whole[key] = value
        return whole

    try:
        raw = msgpack.unpackb(octets, raw=False, strict_map_key=False, object_pairs_hook=unique)
    except Unreadable:
        raise
    except Exception as trouble:  # msgpack raises many kinds for foreign octets
        raise Unreadable(str(trouble) or type(trouble).__name__) from None
    if _depth(raw) > NESTING:
        raise Unreadable("nested too deep")
    return raw


def _depth(value):
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
