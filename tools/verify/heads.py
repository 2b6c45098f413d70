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

    def add(self, leaf):
        """Takes the next leaf and returns the hashes that it completes."""
        node, level, made = leaf, 0, [leaf]
        while self.size >> level & 1:
            node = node_hash(self.peaks[level], node)
            made.append(node)
            level += 1
        self.peaks[level : level + 1] = [node]
        self.size += 1
        return made

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
    """Reads a verifier key of signed notes whose name is that of its instance."""
    try:
        name, digest, body = text.strip().split("+", 2)
        raw = base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise CannotVerify("not a public log key") from None
    key = raw[1:]
    if len(raw) != 33 or raw[0] != 1 or key_hash(name, key).hex() != digest or name != "custos/" + instance_of(key):
        raise CannotVerify("not a public log key")
    return key


def signed_by(lines, name, body, key):
    """Reports whether one of the signature lines of a note is by a key."""
    for line in lines:
        dash, _, rest = line.partition(" ")
        found, _, raw = rest.partition(" ")
        if dash != "\u2014" or found != name:
            continue
        raw = decode64(raw)
        if raw[:4] == key_hash(name, key) and ed25519.verify(key, body.encode(), raw[4:]):
            return True
    return False


class Keys:
    """The keys of an instance: the first, and each that replaced the one before."""

    def __init__(self, first):
        self.list, self.rotations = [first], []
        self.instance = instance_of(first)

    def rotate(self, rotation):
        """Follows one rotation, which the old key and the new one signed."""
        body, _, signatures = rotation.partition("\n\n")
        lines = body.split("\n")
        if len(lines) != 4 or lines[:3] != ["custos-key/v1", self.instance, str(len(self.list))]:
            raise Tampered("not a rotation of the key of this log")
        key = decode64(lines[3])
        for by in (self.list[-1], key):
            if len(by) != 32 or not signed_by(signatures.split("\n"), "custos/" + self.instance, body + "\n", by):
                raise Tampered("a rotation that the key before it, or the new one, did not sign")
        if key in self.list:
            raise Tampered("a rotation that returns to an earlier key")
        self.list.append(key)
        self.rotations.append(rotation)

    def extends(self, other):
        return self.list[: len(other.list)] == other.list

    def signer(self, head):
        """Which of the keys signed a head, the newest first; None: none did."""
        for i in reversed(range(len(self.list))):
            if head.instance == self.instance and head.signed_by(self.list[i]):
                return i
        return None


def parse_keys(text):
    """Reads public keys as `custos audit key publish` writes them."""
    blocks = text.removesuffix("\n").split("\n\n")
    keys = Keys(parse_key(blocks[0]))
    if len(blocks) % 2 == 0:
        raise CannotVerify("a rotation of the public log key ends early")
    try:
        for i in range(1, len(blocks), 2):
            keys.rotate(blocks[i] + "\n\n" + blocks[i + 1] + "\n")
    except Tampered as e:
        raise CannotVerify("the public log key: %s" % e) from None
    return keys


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
        return signed_by(self.signatures, self.origin, self.body, key)


def split_heads(text):
    """Takes apart what `custos audit checkpoint` writes."""
    blocks = text.removesuffix("\n").split("\n\n")
    if len(blocks) % 2:
        raise CannotVerify("not a file of checkpoints")
    try:
        return [Head(blocks[i] + "\n\n" + blocks[i + 1] + "\n") for i in range(0, len(blocks), 2)]
    except Tampered as e:
        raise CannotVerify("the earlier head: %s" % e) from None
