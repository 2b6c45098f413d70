"""Merkle trees (RFC 6962), signed checkpoints (C2SP tlog-checkpoint) and keys."""

import base64
import binascii
import hashlib

import ed25519

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32


class Tampered(Exception):
    """What was checked is not what was signed."""


class CannotVerify(Exception):
    """There is no finding: something is missing or cannot be read."""


def decode64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Tampered("not base64: %r" % text[:40]) from None


def leaf_hash(record):
    """The leaf of a record: the entry of the tree is the record's hash."""
    return hashlib.sha256(b"\0" + hashlib.sha256(record).digest()).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The root of the leaves that came by, with one hash a level in memory."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, record):
        node, level = leaf_hash(record), 0
        while self.size >> level & 1:
            node = node_hash(self.peaks[level], node)
            level += 1
        self.peaks[level : level + 1] = [node]
        self.size += 1

    def root(self):
        root = None
        for level, peak in enumerate(self.peaks):
            if self.size >> level & 1:
                root = peak if root is None else node_hash(peak, root)
        return root if root is not None else hashlib.sha256(b"").digest()


def root_of_path(record, index, size, path):
    """The root that a path leads to (RFC 9162, 2.1.3.2); None: it cannot."""
    node, last = leaf_hash(record), size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def instance_of(key):
    number = int.from_bytes(hashlib.sha256(key).digest()[:10], "big")
    return "i_" + "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


def key_hash(name, key):
    return hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]


def parse_key(text):
    """Reads a public key as `custos audit key publish` writes it."""
    try:
        name, digest, body = text.strip().split("+", 2)
        raw = base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise CannotVerify("not a public log key") from None
    key = raw[1:]
    if len(raw) != 33 or raw[0] != 1 or key_hash(name, key).hex() != digest or name != "custos/" + instance_of(key):
        raise CannotVerify("not a public log key")
    return key


class Head:
    """A checkpoint: origin, size and root, and whether a key signed them."""

    def __init__(self, text):
        body, _, signatures = text.partition("\n\n")
        lines = body.split("\n")
        if len(lines) != 3 or not lines[0].startswith("custos/") or not lines[1].isdigit():
            raise Tampered("not a checkpoint")
        self.origin, self.size, self.root = lines[0], int(lines[1]), decode64(lines[2])
        self.instance, _, slot = self.origin[len("custos/") :].partition("/")
        if not slot.isdigit():
            raise Tampered("not a checkpoint of a Custos log")
        self.slot = int(slot)
        self.body, self.signatures = body + "\n", signatures.split("\n")

    def signed_by(self, key):
        for line in self.signatures:
            dash, _, rest = line.partition(" ")
            name, _, raw = rest.partition(" ")
            if dash != "\u2014" or name != self.origin:
                continue
            raw = decode64(raw)
            if raw[:4] == key_hash(name, key) and ed25519.verify(key, self.body.encode(), raw[4:]):
                return True
        return False


def split_heads(text):
    """Takes apart what `custos audit checkpoint` writes."""
    blocks = text.removesuffix("\n").split("\n\n")
    if len(blocks) % 2:
        raise CannotVerify("not a file of checkpoints")
    try:
        return [Head(blocks[i] + "\n\n" + blocks[i + 1] + "\n") for i in range(0, len(blocks), 2)]
    except Tampered as e:
        raise CannotVerify("the earlier head: %s" % e) from None
