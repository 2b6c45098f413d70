#!/usr/bin/env python3
"""Checks the evidence of Custos without any code of Custos.

    verify.py log DIR [--key FILE] [--since FILE]   the log directory (STATE/log)
    verify.py proof FILE [--key FILE]               what `custos audit prove` wrote

Exit 0: intact; 10: tampered; 17: cannot verify. It needs Python 3.9 and its
standard library. It reads a log that nobody writes at the moment: a copy, or
one whose processes have ended. The format stands in the package comment of
audit, in audit/doc.go.
"""

import argparse
import hashlib
import json
import os
import re
import sys

import ed25519
from heads import CannotVerify, Head, Keys, Tampered, Tree, decode64, instance_of, leaf_hash, parse_keys, root_of_path, split_heads
from segments import BROKEN, CLEAN, read_segment

NUMBER = rb"(0|[1-9][0-9]{0,17})"
RECORD = re.compile(rb'\{"v":' + NUMBER + rb',"slot":' + NUMBER + rb',"seq":' + NUMBER + rb',"prev":"(.{64})","kind":"([^"]+)".*\}', re.DOTALL)


class Chain:
    """One slot, checked from its first record to its last."""

    def __init__(self, slot, path, given, instance, since):
        self.slot, self.path, self.given, self.instance = slot, path, given, instance
        self.keys = Keys(given.list[0]) if given else None
        self.rotated = []  # the numbers of the records that replaced the key
        self.next, self.prev, self.tree, self.roots = 1, "0" * 64, Tree(), {}
        self.own, self.since = self.read_head(), since
        self.wanted = {h.size for h in (self.own, since) if h}
        self.base, self.last, self.said, self.turned = 0, None, 0, (0, "0" * 64)

    def read_head(self):
        try:
            with open(os.path.join(self.path, "checkpoint"), encoding="utf-8") as f:
                return Head(f.read())
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise Tampered("slot %02d: the checkpoint is not text" % self.slot) from None

    def bad(self, what):
        raise Tampered("slot %02d, record %d: %s" % (self.slot, self.next, what))

    def run(self):
        names = sorted(n for n in os.listdir(self.path) if n.endswith(".seg"))
        if not names and os.path.exists(os.path.join(self.path, "emergency")):
            self.bad("every segment is missing")
        if 0 in self.wanted:
            self.roots[0] = self.tree.root()
        if names and re.fullmatch(r"[0-9]{16}\.seg", names[0]):
            self.behind_expired(int(names[0][:16]) - 1)
        for i, name in enumerate(names):
            self.segment(name, names[i - 1] if i else "", i == len(names) - 1)
        if self.said < self.base:
            self.bad("records %d to %d are missing: no signed record says that they expired" % (self.said + 1, self.base))
        if self.given and self.next > 1 and len(self.keys.list) < len(self.given.list):
            self.bad("is missing: the key was replaced, which no record says")
        for head in (self.since, self.own):
            if head:
                self.compare(head)

    def segment(self, name, previous, last):
        path = os.path.join(self.path, name)
        if not re.fullmatch(r"[0-9]{16}\.seg", name) or os.path.islink(path):
            self.bad("%s is not a segment" % name)
        first = int(name[:16])
        if first > self.next:
            self.bad("is missing: the next segment begins with %d" % first)
        with open(path, "rb") as f:
            payloads, state = read_segment(f.read())
        if state == BROKEN or not last and (state != CLEAN or not payloads):
            self.bad("broken, and not the last")
        begins = True
        for payload in payloads or []:
            for line in payload[:-1].split(b"\n"):
                if begins:
                    self.begin(line, first, previous)
                    begins = False
                self.record(line)

    def begin(self, line, first, previous):
        """Checks the record that opens a segment."""
        try:
            rec = json.loads(line)
        except ValueError:
            self.bad("not a record")
        self.turned = (self.next - 1, self.prev)
        if self.base and first == self.base + 1:
            previous = self.goes_on(rec)
        self.instance = self.instance or rec.get("instance")
        if rec.get("kind") != ("genesis" if first == 1 else "segment") or rec.get("seq") != first:
            self.bad("does not begin a segment")
        if rec.get("instance") != self.instance or rec.get("previous", "") != previous:
            self.bad("belongs to another instance, or follows another segment")
        if "key" in rec:
            key = decode64(rec["key"])
            if first == 1 and instance_of(key) != self.instance:
                self.bad("names another key")
            self.keys = self.keys or Keys(key)
            if key != self.keys.list[-1]:
                self.bad("names another key")

    def record(self, line):
        m = RECORD.fullmatch(line)
        if m is None or int(m[2]) != self.slot or int(m[3]) != self.next:
            self.bad("not the record that is due")
        if m[4].decode("latin-1") != self.prev:
            self.bad("does not continue the record before it")
        if m[5] == b"key":
            self.rotate(line)
        self.prev = hashlib.sha256(line).hexdigest()
        if m[5] == b"gap":
            self.gap(line)
        if m[5] == b"expired" and self.own and self.next <= self.own.size:
            self.said = max(self.said, self.expired_through(line))
        self.leaf(leaf_hash(line))
        self.next += 1

    def leaf(self, leaf):
        made = self.tree.add(leaf)
        if self.tree.size in self.wanted:
            self.roots[self.tree.size] = self.tree.root()
        return made

    def behind_expired(self, base):
        """Takes the hashes that are left of records that expired."""
        if base == 0 or self.own is None or self.own.size < base:
            return
        try:
            with open(os.path.join(self.path, "tree"), "rb") as f:
                while self.tree.size < base:
                    self.last = f.read(32)
                    if len(self.last) != 32 or any(f.read(32) != h for h in self.leaf(self.last)[1:]):
                        raise Tampered("slot %02d: the hashes of the records that expired are not those that were kept" % self.slot)
        except FileNotFoundError:
            raise Tampered("slot %02d: the hashes of the records that expired are gone" % self.slot) from None
        self.base, self.next = base, base + 1

    def goes_on(self, rec):
        """Checks that the first segment follows the last record that expired."""
        prev = str(rec.get("prev"))
        if not re.fullmatch("[0-9a-f]{64}", prev) or hashlib.sha256(b"\0" + bytes.fromhex(prev)).digest() != self.last:
            self.bad("does not continue the records that expired")
        self.prev = prev
        self.turned = (self.base, prev)
        if self.given and "key" in rec:
            key = decode64(rec["key"])
            if key not in self.given.list:
                self.bad("names another key")
            for rotation in self.given.rotations[: self.given.list.index(key)]:
                self.keys.rotate(rotation)
                self.rotated.append(self.base)
        return rec.get("previous", "")

    def expired_through(self, line):
        through = json.loads(line).get("expired", {}).get("through", 0)
        return through if isinstance(through, int) and through < self.next else 0

    def gap(self, line):
        """Checks what a record says of a log that failed."""
        rec = json.loads(line)
        good = rec.get("last_good") or {}
        if (good.get("seq", 0), good.get("hash")) != self.turned:
            self.bad("names another record than the one that its segment goes on from")
        if self.keys is None:
            return
        cause = hashlib.sha256(rec.get("detail", "").encode()).hexdigest()
        text = "custos gap\ncustos/%s/%02d\n%d\n%s\n%s\n" % (self.instance, self.slot, good["seq"], good["hash"], cause)
        signature = decode64(rec.get("signature", ""))
        if len(signature) != 64 or not ed25519.verify(self.keys.list[-1], text.encode(), signature):
            self.bad("the gap is not signed by the key of this log")

    def rotate(self, line):
        """Follows a record that replaces the key."""
        try:
            rotation = json.loads(line).get("rotation", "")
        except ValueError:
            self.bad("not a record")
        n = len(self.rotated)
        if self.keys is None or self.given and n < len(self.given.rotations) and rotation != self.given.rotations[n]:
            self.bad("replaces the key by another one than the key file")
        try:
            self.keys.rotate(rotation)
        except Tampered as e:
            self.bad(str(e))
        self.rotated.append(self.next)

    def compare(self, head):
        if self.keys is None and head is self.own and self.next - 1 < head.size:
            self.bad("is missing: a signed head counts %d records" % head.size)
        if self.keys is None:
            raise CannotVerify("the log does not name its key: give it with --key")
        signer = self.keys.signer(head)
        late = signer is not None and any(seq <= head.size and i >= signer for i, seq in enumerate(self.rotated))
        if head is self.since and (signer is None or late):
            raise CannotVerify("the earlier head is not signed by a key of this log")
        if signer is None or late or head.slot != self.slot:
            raise Tampered("slot %02d: the checkpoint is not signed by the key of this log" % self.slot)
        if self.next - 1 < head.size:
            self.bad("is missing: a signed head counts %d records" % head.size)
        if self.roots[head.size] != head.root:
            raise Tampered("slot %02d: the records up to %d are not those that were signed" % (self.slot, head.size))


def check_log(path, keys, since):
    try:
        slots = sorted(int(n) for n in os.listdir(path) if re.fullmatch(r"[0-9]{2,4}", n))
    except OSError as e:
        raise CannotVerify(str(e)) from None
    heads = {}
    for head in since:
        if keys is not None and head.instance != keys.instance:
            raise CannotVerify("the earlier head is not signed by this key")
        heads[head.slot] = head
    if not slots:
        raise CannotVerify("there is no log in %s" % path)
    instance = None
    for slot in range(max(slots + list(heads)) + 1):
        if slot not in slots:
            raise Tampered("slot %02d is missing" % slot)
        chain = Chain(slot, os.path.join(path, "%02d" % slot), keys, instance, heads.get(slot))
        chain.run()
        instance = chain.instance
        signed = chain.own.size if chain.own else 0
        print("slot %02d  intact  %d records, %d signed" % (slot, chain.next - 1, signed))


def check_proof(path, given):
    try:
        with open(path, encoding="utf-8") as f:
            proof = json.load(f)
        records, hashes, text = proof["records"], proof["hashes"], proof["checkpoint"]
        if proof["custos_proof"] != 1:
            raise CannotVerify("not a proof of a format that this version knows")
        keys = embedded(proof["key"], given)
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CannotVerify("not a proof: %s" % e) from None
    head = Head(text)
    signer = keys.signer(head)
    if signer is None:
        raise Tampered("the head is not signed by this key")
    if signer + 1 < len(keys.list):
        raise CannotVerify("the head is signed by a key that was replaced: ask for a new proof")
    first = None
    for rec in records:
        line = rec["line"].encode()
        m = RECORD.fullmatch(line)
        if m is None or int(m[2]) != head.slot or not 1 <= int(m[3]) <= head.size:
            raise Tampered("not a record that the head counts")
        if any(not 0 <= i < len(hashes) for i in rec["path"]):
            raise Tampered("a path leads nowhere")
        path_hashes = [decode64(hashes[i]) for i in rec["path"]]
        if root_of_path(line, int(m[3]) - 1, head.size, path_hashes) != head.root:
            raise Tampered("record %d is not among those that were signed" % int(m[3]))
        said = json.loads(line)
        if first is not None and said.get("admission") != int(first["seq"]) and not answers_for(said, first):
            raise Tampered("record %d belongs to another call" % int(m[3]))
        first = first or said
        print(line.decode())
    if first is None:
        raise Tampered("it holds no record")
    print("the proof holds: key sha256:%s" % hashlib.sha256(keys.list[-1]).hexdigest())


def answers_for(said, admission):
    """Whether a record is a person's answer that an admission rests on."""
    answer, rests = said.get("approval") or {}, admission.get("approval") or {}
    return said.get("kind") == "approval" and answer.get("by") and "id" in rests and answer.get("id") == rests["id"]


def embedded(text, given):
    """The keys of a proof where they go on from those that are known, else those."""
    try:
        keys = parse_keys(text)
    except CannotVerify:
        if given is None:
            raise
        return given
    return keys if given is None or keys.extends(given) else given


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["log", "proof"])
    parser.add_argument("path")
    parser.add_argument("--key")
    parser.add_argument("--since")
    args = parser.parse_args(argv)
    try:
        keys, since = None, []
        if args.key:
            with open(args.key, encoding="utf-8") as f:
                keys = parse_keys(f.read())
        if args.since:
            with open(args.since, encoding="utf-8") as f:
                since = split_heads(f.read())
        if args.what == "log":
            check_log(args.path, keys, since)
        else:
            check_proof(args.path, keys)
    except Tampered as e:
        print("TAMPERED: %s" % e, file=sys.stderr)
        return 10
    except (CannotVerify, OSError, UnicodeDecodeError) as e:
        print("cannot verify: %s" % e, file=sys.stderr)
        return 17
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
