#!/usr/bin/python3
"""An agent that was taken over: peer.py, but its answers are what FOUL says.

    bomb    what it seals unpacks to a gigabyte
    junk    what it seals is noise
    other   it answers in the name of another agent, FOUL_NAME (32 hex digits)
"""
import os

import zstandard

import peer
from peer_keys import seal

foul = os.environ["FOUL"]


def foul_body(packed, reply_key):
    if foul == "bomb":
        packer = zstandard.ZstdCompressor(write_content_size=True).compressobj(size=1 << 30)
        whole = b"".join([packer.compress(bytes(1 << 20)) for _ in range(1 << 10)] + [packer.flush()]) + b"\x80"
    else:
        whole = os.urandom(400) + b"\x80"
    room = next(size for size in (512, 2048, 8192, 32768, 131072, 196560) if size >= len(whole))
    return seal(whole + bytes(room - len(whole)), reply_key)


pack = peer.TABLES.pack


def foul_pack(table, /, **fields):
    if table == "reply header":
        fields["agent"] = bytes.fromhex(os.environ["FOUL_NAME"])
    return pack(table, **fields)


if foul == "other":
    peer.TABLES.pack = foul_pack
else:
    peer.seal_body = foul_body
peer.main()
