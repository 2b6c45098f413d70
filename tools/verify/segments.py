"""Segment files: header, frames and what a crash may leave behind the last.

    header  "CUSTOSLG" | u32 version | u32 CRC-32C of both
    frame   u32 length | u32 CRC-32C of length and payload | payload | zeros to a multiple of 8
"""

import struct

from heads import CannotVerify

MAX_PAYLOAD = 4 << 20
CLEAN, TORN, BROKEN = "clean", "torn", "broken"


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def frame_at(data, at):
    """The payload of the frame at an offset and where the next begins, or None."""
    if at + 8 > len(data):
        return None
    size, crc = struct.unpack_from("<II", data, at)
    end = at + 8 + size
    if not 0 < size <= MAX_PAYLOAD or end > len(data) or data[end - 1] != 0x0A:
        return None
    if crc32c(data[at : at + 4] + data[at + 8 : end]) != crc:
        return None
    following = end + -end % 8
    return None if any(data[end:following]) else (data[at + 8 : end], following)


def tail_at(data, at):
    """Classifies what lies behind the last whole frame."""
    last = len(data.rstrip(b"\0")) - 1
    if last < at:
        return CLEAN
    size = struct.unpack_from("<I", data.ljust(at + 4, b"\0"), at)[0]
    if last >= at + 8 + (size if 0 < size <= MAX_PAYLOAD else MAX_PAYLOAD):
        return BROKEN
    mark = data.find(b'{"v":', at + 1)
    while mark >= 0:
        start = mark - 8
        if start > at and start % 8 == 0 and frame_at(data, start):
            return BROKEN
        mark = data.find(b'{"v":', mark + 1)
    return TORN


def read_segment(data):
    """Returns the payloads of a segment and the state of its end; no payloads
    and the state of the whole where its header is broken."""
    header = data[:16]
    if len(header) < 16 or header[:8] != b"CUSTOSLG" or struct.unpack("<I", header[12:])[0] != crc32c(header[:12]):
        return None, tail_at(data, 0)
    if struct.unpack("<I", header[8:12])[0] != 1:
        raise CannotVerify("a segment of a format that this version does not know")
    payloads, at = [], 16
    while (found := frame_at(data, at)) is not None:
        payloads.append(found[0])
        at = found[1]
    return payloads, tail_at(data, at)
