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

from heads import CannotVerify, Head, Tampered, Tree, decode64, instance_of, parse_key, root_of_path, split_heads
from segments import BROKEN, CLEAN, read_segment

NUMBER = rb"(0|[1-9][0-9]{0,17})"
RECORD = re.compile(rb'\{"v":' + NUMBER + rb',"slot":' + NUMBER + rb',"seq":' + NUMBER + rb',"prev":"(.{64})","kind":"([^"]+)".*\}', re.DOTALL)


class Chain:
    """One slot, checked from its first record to its last."""

    def __init__(self, slot, path, key, instance, since):
        self.slot, self.path, self.key, self.instance = slot, path, key, instance
        self.next, self.prev, self.tree, self.roots = 1, "0" * 64, Tree(), {}
        self.own, self.since = self.read_head(), since
        self.wanted = {h.size for h in (self.own, since) if h}

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
        for i, name in enumerate(names):
            self.segment(name, names[i - 1] if i else "", i == len(names) - 1)
        for head in (self.own, self.since):
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
        self.instance = self.instance or rec.get("instance")
        if rec.get("kind") != ("genesis" if first == 1 else "segment") or rec.get("seq") != first:
            self.bad("does not begin a segment")
        if rec.get("instance") != self.instance or rec.get("previous", "") != previous:
            self.bad("belongs to another instance, or follows another segment")
        if first == 1 and "key" in rec:
            key = decode64(rec["key"])
            if instance_of(key) != self.instance or self.key not in (None, key):
                self.bad("names another key")
            self.key = key

    def record(self, line):
        m = RECORD.fullmatch(line)
        if m is None or int(m[2]) != self.slot or int(m[3]) != self.next:
            self.bad("not the record that is due")
        if m[4].decode("latin-1") != self.prev:
            self.bad("does not continue the record before it")
        self.prev = hashlib.sha256(line).hexdigest()
        self.tree.add(line)
        if self.next in self.wanted:
            self.roots[self.next] = self.tree.root()
        self.next += 1

    def compare(self, head):
        if self.next - 1 < head.size:
            self.bad("is missing: a signed head counts %d records" % head.size)
        if self.key is None:
            raise CannotVerify("the log does not name its key: give it with --key")
        if head is self.since and not head.signed_by(self.key):
            raise CannotVerify("the earlier head is not signed by the key of this log")
        if head.slot != self.slot or head.instance != self.instance or not head.signed_by(self.key):
            raise Tampered("slot %02d: the checkpoint is not signed by the key of this log" % self.slot)
        if self.roots[head.size] != head.root:
            raise Tampered("slot %02d: the records up to %d are not those that were signed" % (self.slot, head.size))


def check_log(path, key, since):
    try:
        slots = sorted(int(n) for n in os.listdir(path) if re.fullmatch(r"[0-9]{2,4}", n))
    except OSError as e:
        raise CannotVerify(str(e)) from None
    heads = {}
    for head in since:
        if key is not None and not head.signed_by(key):
            raise CannotVerify("the earlier head is not signed by this key")
        heads[head.slot] = head
    if not slots:
        raise CannotVerify("there is no log in %s" % path)
    instance = None
    for slot in range(max(slots + list(heads)) + 1):
        if slot not in slots:
            raise Tampered("slot %02d is missing" % slot)
        chain = Chain(slot, os.path.join(path, "%02d" % slot), key, instance, heads.get(slot))
        chain.run()
        instance = chain.instance
        signed = chain.own.size if chain.own else 0
        print("slot %02d  intact  %d records, %d signed" % (slot, chain.next - 1, signed))


def check_proof(path, key):
    try:
        with open(path, encoding="utf-8") as f:
            proof = json.load(f)
        records, hashes, text = proof["records"], proof["hashes"], proof["checkpoint"]
        if proof["custos_proof"] != 1:
            raise CannotVerify("not a proof of a format that this version knows")
        key = key or parse_key(proof["key"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CannotVerify("not a proof: %s" % e) from None
    head = Head(text)
    if not head.signed_by(key) or head.instance != instance_of(key):
        raise Tampered("the head is not signed by this key")
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
        if first is not None and json.loads(line).get("admission") != first:
            raise Tampered("record %d belongs to another call" % int(m[3]))
        first = first or int(m[3])
        print(line.decode())
    if first is None:
        raise Tampered("it holds no record")
    print("the proof holds: key sha256:%s" % hashlib.sha256(key).hexdigest())


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["log", "proof"])
    parser.add_argument("path")
    parser.add_argument("--key")
    parser.add_argument("--since")
    args = parser.parse_args(argv)
    try:
        key, since = None, []
        if args.key:
            with open(args.key, encoding="utf-8") as f:
                key = parse_key(f.read())
        if args.since:
            with open(args.since, encoding="utf-8") as f:
                since = split_heads(f.read())
        if args.what == "log":
            check_log(args.path, key, since)
        else:
            check_proof(args.path, key)
    except Tampered as e:
        print("TAMPERED: %s" % e, file=sys.stderr)
        return 10
    except (CannotVerify, OSError, UnicodeDecodeError) as e:
        print("cannot verify: %s" % e, file=sys.stderr)
        return 17
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
