"""What the peer can prove and check: node keys, seals, OpenPGP signatures, roster and action, after node/core/MESSAGES.md."""
import calendar
import hashlib
import json
import re
import time

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

SKEW_MS = 600_000


class Refused(Exception):
    """Something from outside does not hold; the text says what."""


class Later(Exception):
    """It may hold once a newer roster is here."""


def now_ms():
    return time.time_ns() // 1_000_000


def H(size, octets):
    return hashlib.blake2b(octets, digest_size=size).digest()


class Identity:
    def __init__(self, seed):
        self.seed = seed
        self.signer = SigningKey(self._sub(1))
        self.link_secret = self._sub(2)
        self.sign_key = bytes(self.signer.verify_key)
        self.link_key = bytes(PrivateKey(self.link_secret).public_key)
        self.node_id = H(16, self.sign_key)

    def _sub(self, number):
        return hashlib.blake2b(b"", digest_size=32, key=self.seed, salt=number.to_bytes(8, "little") + bytes(8),
                               person=b"MIGmesh1" + bytes(8)).digest()

    def sign(self, domain, octets):
        return bytes(self.signer.sign(domain.encode() + b"\0" + octets).signature)

    def open(self, sealed):
        return SealedBox(PrivateKey(self.link_secret)).decrypt(sealed)


def verify(key, domain, octets, signature):
    try:
        VerifyKey(key).verify(domain.encode() + b"\0" + octets, signature)
    except (BadSignatureError, ValueError):
        raise Refused(f"a signature of domain {domain} does not hold") from None


def seal(plain, key):
    return SealedBox(PublicKey(key)).encrypt(plain)


def sealing_key(sign_key):
    return crypto_sign_ed25519_pk_to_curve25519(sign_key)


def seal_body(packed, reply_key):
    whole = zstandard.ZstdCompressor(write_content_size=True).compress(packed) + b"\x80"
    room = next(size for size in (512, 2048, 8192, 32768, 131072, 196560) if size >= len(whole))
    return seal(whole + bytes(room - len(whole)), reply_key)


# Canonical JSON -----------------------------------------------------------------------------------------------------

def canonical(text, limit):
    """The document, if the octets are its RFC 8785 form. Whole numbers only: the documents have no others."""
    if len(text) > limit:
        raise Refused("document: too long")
    try:
        document = json.loads(text.decode("utf-8"), parse_float=lambda number: _no_fraction(number))
    except (ValueError, RecursionError) as trouble:
        raise Refused(f"document: {trouble}") from None
    if _plain(document) != text.decode("utf-8"):  # also catches a key that stands twice
        raise Refused("document: not in canonical form")
    return document


def _no_fraction(number):
    raise ValueError(f"{number} is not a whole number")


def _plain(value):
    if isinstance(value, dict):  # RFC 8785 sorts by UTF-16 code units
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(_plain(key) + ":" + _plain(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_plain, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 - 1:
        raise Refused("document: a whole number is too large")
    return json.dumps(value, ensure_ascii=False)


def instant(text):
    """Milliseconds of an RFC 3339 time in UTC."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text or "")
    if not found:
        raise Refused(f"'{text}' is not a time")
    seconds = calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1000 + int(((found[2] or "") + "000")[:3])


# OpenPGP ------------------------------------------------------------------------------------------------------------

HASHES = {8: hashes.SHA256, 9: hashes.SHA384, 10: hashes.SHA512}


class PgpSignature:
    """One detached v4 packet of type 0x00."""

    def __init__(self, packet):
        body = _packet_body(packet)
        if len(body) < 6 or body[0] != 4 or body[1] != 0:
            raise Refused("OpenPGP: a v4 signature of a binary document is wanted")
        self.algorithm, self.hash = body[2], body[3]
        hashed_end = 6 + int.from_bytes(body[4:6], "big")
        self.hashed = body[:hashed_end]
        rest = hashed_end + 2 + int.from_bytes(body[hashed_end:hashed_end + 2], "big")
        self.numbers = _numbers(body[rest + 2:])
        self.fingerprint, self.created, self.lifetime = "", None, 0
        for critical, kind, content in _subpackets(body[6:hashed_end]):
            if critical and kind not in (2, 3, 4, 7, 16, 24, 26, 28, 33):
                raise Refused(f"OpenPGP: subpacket {kind} is critical and not understood")
            if kind == 33 and len(content) == 21 and content[0] == 4:
                self.fingerprint = content[1:].hex().upper()
            elif kind == 2 and len(content) == 4:
                self.created = int.from_bytes(content, "big") * 1000
            elif kind == 3 and len(content) == 4:
                self.lifetime = int.from_bytes(content, "big") * 1000
        if not self.fingerprint or self.created is None:
            raise Refused("OpenPGP: issuer fingerprint or time is not among the signed subpackets")

    def in_time(self, key, at):
        """Whether signature and key are good at wall time `at`."""
        return (instant(key["not_before"]) <= self.created <= at + SKEW_MS
                and not (self.lifetime and self.created + self.lifetime <= at)
                and not ("not_after" in key and instant(key["not_after"]) <= at))

    def holds(self, message, key):
        """Whether `key`, an entry of roster or trust anchor, made this signature over `message`."""
        if self.hash not in HASHES:
            return False
        material = bytes.fromhex(key["material"])
        trailer = self.hashed + b"\x04\xff" + len(self.hashed).to_bytes(4, "big")
        try:
            if self.algorithm == 22 and key["algorithm"] == "ed25519":
                r, s = (number.to_bytes(32, "big") for number in self.numbers)
                digest = hashlib.new(HASHES[self.hash].name, message + trailer).digest()
                VerifyKey(material).verify(digest, r + s)
            elif self.algorithm == 1 and key["algorithm"] == "rsa":
                public = rsa.RSAPublicNumbers(key["exponent"], int.from_bytes(material, "big")).public_key()
                public.verify(self.numbers[0].to_bytes(public.key_size // 8, "big"), message + trailer,
                              padding.PKCS1v15(), HASHES[self.hash]())
            else:
                return False
        except (BadSignatureError, InvalidSignature, ValueError, OverflowError):
            return False
        return True


def _packet_body(packet):
    if len(packet) < 3 or not packet[0] & 0x80:
        raise Refused("OpenPGP: not a packet")
    if packet[0] & 0x40:
        tag, length, start = packet[0] & 0x3F, *_length(packet, 1)
    else:
        tag, octets = packet[0] >> 2 & 15, 1 << (packet[0] & 3)
        length, start = int.from_bytes(packet[1:1 + octets], "big"), 1 + octets
    if tag != 2 or len(packet) != start + length:
        raise Refused("OpenPGP: exactly one signature packet is wanted")
    return packet[start:]


def _length(octets, at):
    first = octets[at]
    if first < 192:
        return first, at + 1
    if first < 255:
        return ((first - 192) << 8) + octets[at + 1] + 192, at + 2
    return int.from_bytes(octets[at + 1:at + 5], "big"), at + 5


def _subpackets(octets):
    at = 0
    while at < len(octets):
        length, at = _length(octets, at)
        yield octets[at] & 0x80, octets[at] & 0x7F, octets[at + 1:at + length]
        at += length


def _numbers(octets):
    found = []
    while octets:
        size = (int.from_bytes(octets[:2], "big") + 7) // 8
        found.append(int.from_bytes(octets[2:2 + size], "big"))
        octets = octets[2 + size:]
    return found


def signers(packets, line, text, keys, at):
    """Fingerprints of the keys that signed; every packet must hold."""
    found = set()
    for packet in packets:
        signature = PgpSignature(packet)
        key = next((k for k in keys if k["fingerprint"].upper() == signature.fingerprint), None)
        if not key:
            raise Refused(f"key {signature.fingerprint} is not known here")
        if not signature.in_time(key, at):
            raise Refused(f"the signature by {signature.fingerprint} is not valid now")
        if not signature.holds(line.encode() + b"\n" + text, key):
            raise Refused(f"the signature by {signature.fingerprint} does not hold")
        found.add(signature.fingerprint)
    return found


class Roster:
    def __init__(self, anchor, text, signatures):
        self.text, self.signatures = text, signatures
        document = canonical(text, 196608)
        signed = signers(signatures, "MIG Mesh roster 1", text, anchor["roots"], now_ms())
        if len(signed) < anchor["threshold"] or document["mesh"] != anchor["mesh"] or mesh_id(anchor) != anchor["mesh"]:
            raise Refused("roster: not by the roots of this mesh")
        if instant(document["expires"]) <= now_ms():
            raise Refused("roster: has expired")
        self.document, self.version = document, document["version"]
        self.enrollers = {bytes.fromhex(key) for key in document["enrollers"]}
        self.revoked = {bytes.fromhex(node) for node in document["revoked"]}
        self.active = [person for person in document["investigators"] if person["state"] == "active"]

    def certificate(self, tables, signed):
        container = tables.unpack("signed", signed)
        certificate = tables.unpack("certificate", container.body)
        if certificate.enroller not in self.enrollers:
            raise Refused("certificate: its enroller is not in the roster")
        verify(certificate.enroller, "mesh1:cert", container.body, container.signature)
        if certificate.not_before > now_ms() + SKEW_MS or certificate.not_after <= now_ms():
            raise Refused("certificate: its time has not come or is over")
        if H(16, certificate.sign_key) in self.revoked:
            raise Refused("certificate: revoked")
        return certificate

    def action(self, text, signatures):
        """The document, if it is for this mesh, in its time, and signed with enough weight for each operation."""
        action = canonical(text, 65536)
        if action["syntaxversion"] != 3 or action["mesh"] != self.document["mesh"]:
            raise Refused("action: of another mesh or syntax")
        if instant(action["validfrom"]) > now_ms() + SKEW_MS or instant(action["expireafter"]) <= now_ms():
            raise Refused("action: its time has not come or is over")
        if action["rosterversion"] > self.version:
            raise Later
        keys = {key["fingerprint"].upper(): person for person in self.active for key in person["keys"]}
        known = [key for person in self.active for key in person["keys"]]
        people = {keys[signer]["fingerprint"].upper()
                  for signer in signers(signatures, "MIG Mesh action 3", text, known, now_ms())}
        for operation in action["operations"]:
            access = self.document["access"]
            rule = access.get(operation["module"]) or access.get("default")
            weights = {who.upper(): weight for who, weight in rule["weights"].items()} if rule else {}
            weight = sum(weights.get(person, 0) for person in people)
            if not rule or weight < rule["minimumweight"]:
                raise Refused(f"action: weight {weight} does not suffice for {operation['module']}")
        return action


def mesh_id(anchor):
    lines = [f"MIG Mesh roots 1\n{anchor['threshold']}\n"]
    for root in sorted(anchor["roots"], key=lambda root: root["fingerprint"]):
        lines.append(f"{root['fingerprint']}{root['material'].lower()}\n")
    return H(16, "".join(lines).encode()).hex()
