#!/usr/bin/env python3
"""seeds.py FOLDER: writes inputs to begin with into FOLDER/Packets, FOLDER/Options and so on.

The corpus grew out of these; they are needed again only for a target that changes its input's form.
"""

import itertools
import struct
import sys
from pathlib import Path

MASK = (1 << 64) - 1
A, NS, CNAME, SOA, MX, TXT, AAAA, OPT, TSIG, IXFR, AXFR, ANY, DNAME = 1, 2, 5, 6, 15, 16, 28, 41, 250, 251, 252, 255, 39


def rotate(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def siphash(key, data):
    """SipHash-2-4 of Aumasson and Bernstein, as a number."""
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    padded = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        turn(2)
        v[0] ^= word
    v[2] ^= 0xFF
    turn(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def cookie(address, age=0):
    """A client cookie and the server cookie that the fuzzed server made for it (RFC 9018 §4)."""
    client = b"\x01\x02\x03\x04\x05\x06\x07\x08"
    head = struct.pack(">BxxxI", 1, 1_767_225_600 - age)
    key = struct.pack("<QQ", 1, 2)
    return client + head + struct.pack("<Q", siphash(key, client + head + address))


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def option(code, data=b""):
    return struct.pack(">HH", code, len(data)) + data


def opt(options=b"", size=1232, version=0, flags=0):
    return b"\0" + struct.pack(">HHBBHH", OPT, size, 0, version, flags, len(options)) + options


def query(qname, qtype=A, qclass=1, flags=0x0100, extra=(), questions=1, answers=0):
    head = struct.pack(">HHHHHH", 0x1234, flags, questions, answers, 0, len(extra))
    return head + name(qname) + struct.pack(">HH", qtype, qclass) + b"".join(extra)


def ecs(octets, bits, family=1, scope=0):
    return option(8, struct.pack(">HBB", family, bits, scope) + bytes(octets))


V4, V6 = bytes([10, 1, 2, 3]), bytes.fromhex("20010db8") + bytes(11) + b"\1"
TSIG_RECORD = name("key") + struct.pack(">HHIH", TSIG, 255, 0, 58) + name("hmac-sha256") + bytes(45)
OPTIONS = {
    "none": b"",
    "ecs24": ecs([10, 1, 2], 24),
    "ecs20": ecs([10, 1, 16], 20),
    "ecs0": ecs([], 0),
    "ecs6": ecs(V6[:7], 56, 2),
    "mapped": ecs(bytes(10) + b"\xff\xff" + V4, 128, 2),
    "stray": ecs([10, 1, 3], 23),
    "two": ecs([10, 1, 2], 24) + ecs([10], 8),
    "nsid": option(3),
    "cookie": option(10, b"\1\2\3\4\5\6\7\x08"),
    "valid4": option(10, cookie(V4)),
    "valid6": option(10, cookie(V6)),
    "old": option(10, cookie(V4, 3_000)),
    "stale": option(10, cookie(V4, 4_000)),
    "short": option(10, b"\1\2\3"),
    "keepalive": option(11),
    "padded": option(12, bytes(40)),
    "version": option(19),
    "unknown": option(65001, b"abc"),
    "all": option(3) + ecs([10, 1, 2], 24) + option(10, cookie(V4)) + option(11)
    + option(12, bytes(9)) + option(19),
}
NAMES = ["www.example.org", "wWw.ExAmPlE.oRg", "a.cdn.example.org", "fenced.example.org",
         "example.org", "alias.example.org", "far.example.org", "gone.example.org",
         "chain.example.org", "child.example.org", "x.child.example.org", "big.example.org",
         "x.wild.example.org", "wild.example.org", "no.example.org", "example.net", "",
         "moved.example.org", "x.moved.example.org", "host.moved.example.org",
         "x.steered.example.org", "x.away.example.org", "x.round.example.org",
         "x.long.example.org", "abcdefghijkl.long.example.org", "through.example.org",
         "huge.example.org", "x.wide.example.org", "odd.example.org", "_tcp.example.org",
         "inner.example.org", "x.inner.example.org", "expired.example", "x.expired.example"]


def packets():
    """Packets, without the first byte that says who asks."""
    for qname, qtype in itertools.product(NAMES, [A, NS, CNAME, SOA, TXT, AAAA, DNAME, ANY, 65]):
        yield query(qname, qtype)
        yield query(qname, qtype, extra=[opt(OPTIONS["ecs24"], flags=0x8000)])
    for options in OPTIONS.values():
        yield query("www.example.org", extra=[opt(options)])
        yield query("no.example.org", extra=[opt(options, size=512)])
        yield query("example.net", extra=[opt(options, version=1)])
        yield struct.pack(">HHHHHH", 7, 0, 0, 0, 0, 1) + opt(options)
    for qname in ["id.server", "hostname.bind", "version.bind", "version.server", "other"]:
        for qtype in (TXT, ANY, A):
            yield query(qname, qtype, 3, extra=[opt(OPTIONS["nsid"])])
    for qtype in [41, 249, TSIG, IXFR, AXFR, 253, 254, 128]:
        yield query("example.org", qtype)
        yield query("example.org", qtype, extra=[TSIG_RECORD])
    for flags in [0x8000, 0x2000, 0x2400, 0x2800, 0x3000, 0x0010, 0x0020, 0x0600, 0x000F]:
        yield query("www.example.org", flags=flags, extra=[opt()])
    yield query("www.example.org", extra=[opt(), opt()])
    yield query("www.example.org", extra=[opt(), TSIG_RECORD])
    yield query("www.example.org", extra=[TSIG_RECORD, opt()])
    yield query("www.example.org", questions=2)
    yield query("www.example.org", answers=1, extra=[opt()])
    yield query(".".join(["x" * 63] * 3 + ["y" * 61]))
    yield query(".".join(["x"] * 120) + ".example.org")
    yield query("www.example.org")[:-6] + b"\xc0\x0c" + b"\0\1\0\1"
    yield query("www.example.org")[:11]


def named():
    """Packets to the services that answer names and service bindings."""
    for owner in ["web", "www", "cdn", "x.wild", "own", "", "fixed", "chain", "alias", "svc"]:
        for qtype in (A, CNAME, AAAA, 64, 65, ANY, TXT):
            for options in (b"", OPTIONS["ecs24"]):
                yield query((owner + "." if owner else "") + "example.org", qtype,
                            extra=[opt(options)])


def proxied():
    """Headers of PROXY version 2 and 1 (see HAProxy's specification)."""
    magic = b"\r\n\r\n\0\r\nQUIT\n"
    four = V4 + bytes([192, 0, 2, 1]) + struct.pack(">HH", 40000, 53)
    six = V6 + V6 + struct.pack(">HH", 40000, 53)
    fields = b"\x04\0\3abc" + b"\x02\0\5a.org"
    for command, family in itertools.product([0x20, 0x21, 0x22, 0x11], [0, 0x11, 0x12, 0x21, 0x31]):
        for data in [b"", four, six, four + fields, six + fields, four + b"\3\0\4\0\0\0\0"]:
            yield magic + struct.pack(">BBH", command, family, len(data)) + data + b"rest"
    yield b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 53\r\nrest"
    yield b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 53\r\nrest"
    yield b"PROXY UNKNOWN\r\n"
    yield b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 53"


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def hello(extensions, session=bytes(32), ciphers=b"\x13\1\x13\2", compressions=b"\0"):
    """A ClientHello (RFC 8446 §4.1.2), with its type and length."""
    body = b"\3\3" + bytes(32) + vector(1, session) + vector(2, ciphers) + vector(1, compressions)
    if extensions is not None:
        body += vector(2, b"".join(
            kind.to_bytes(2, "big") + vector(2, data) for kind, data in extensions))
    return b"\1" + vector(3, body)


def hellos():
    """One byte: the size of records; a message. 0: the records themselves."""
    def named(*names):
        return 0, vector(2, b"".join(bytes([kind]) + vector(2, name) for kind, name in names))

    alpn = 16, vector(2, b"\2h2\x08http/1.1")
    texts = [b"www.Example.com", b"a.", b"192.0.2.1", b"2001:db8::1", b"a..b", b"_a-b.c", b"x" * 63]
    lists = [None, [], [alpn], [named()], [named((0, b"a"), (0, b"b"))], [named((1, b"a"), (0, b"b"))],
             [(0xFE0D, bytes(9)), named((0, b"public.example")), (0x0A0A, b"")], [alpn, alpn],
             [(51, bytes(1200)), named((0, b"large.example")), (21, bytes(300))]]
    lists += [[named((0, text)), alpn] for text in texts]
    for extensions in lists:
        for size in (1, 7, 255):
            yield bytes([size]) + hello(extensions)
        message = hello(extensions)
        yield b"\0\x16\3\1" + vector(2, message) + b"\x14\3\3\0\1\1"
        yield b"\0\x16\3\1" + vector(2, message[:9]) + b"\x16\3\3" + vector(2, message[9:])
    yield b"\x20" + hello([alpn], session=bytes(33))
    yield b"\x20" + hello([alpn], ciphers=b"")
    yield b"\x20" + hello([alpn], compressions=b"")
    yield b"\0\x80\x2e\1\3\1\0\x15\0\0\0\x10"
    yield b"\0\x16\3\1\0\0"


RECORDS = {
    1: "192.0.2.1", 2: "ns1", 5: "@", 6: "ns1 mail 1 2 3 4 5", 12: "a.example.", 13: '"a" b',
    15: "10 mx", 16: '"a\\"b" c\\009', 17: "a b", 18: "1 a", 28: "2001:db8::1",
    29: '42 21 54 N 71 6 18 W -24m 30m 10m 2m', 33: "0 5 53 a", 35: '100 10 "u" "s" "!a!b!" .',
    39: "dname", 43: "1 13 2 " + "AB" * 32, 44: "1 1 " + "00" * 20, 48: "257 3 13 AAAA",
    52: "3 1 1 " + "CD" * 32, 61: "AAAA", 64: "1 . alpn=h2,h3 port=53 ipv4hint=192.0.2.1",
    65: "0 other", 99: "spf", 108: "00-00-5e-00-53-2a", 256: '10 1 "https://a"',
    257: '0 issue "ca.example"',
}


def records():
    for kind, text in RECORDS.items():
        head = bytes([kind & 255, 0x80 if kind > 255 else 0])
        yield head + text.encode()
        yield head + b"\\# 3 abcdef"
        yield head + ("( " + text.replace(" ", "\n ") + " )").encode()
    yield b"\1\0a\\.b\\010.c"


def signed(packet, mac=bytes(32), time=1_767_225_600):
    """With TSIG; every MAC is zeros in the fuzzers."""
    data = (name("hmac-sha256") + struct.pack(">HIH", 0, time, 300) + struct.pack(">H", len(mac))
            + mac + packet[:2] + bytes(4))
    record = name("key") + struct.pack(">HHIH", TSIG, 255, 0, len(data)) + data
    count = int.from_bytes(packet[10:12], "big") + 1
    return packet[:10] + struct.pack(">H", count) + packet[12:] + record


def record(owner, kind, data, ttl=60):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def soa(serial):
    return record(b"\xc0\x0c", SOA, b"\0\0" + struct.pack(">5I", serial, 0, 0, 0, 9))


def transfers():
    """Queries of keepers of zones, and what primaries answer."""
    asked = [query("example.org", kind, flags=flags)
             for kind in (AXFR, IXFR, SOA, A) for flags in (0, 0x2000)]
    asked += [query("example.org", IXFR)[:8] + b"\0\1\0\0" + query("example.org", IXFR)[12:] + soa(n)
              for n in (0, 1, 2, 3)]
    for packet in asked:
        for whole in (packet, signed(packet), signed(packet, b""), signed(packet, time=5)):
            for who in (0, 2, 4, 6):
                yield bytes([who]) + whole

    def answer(ident, kind, records, key):
        packet = struct.pack(">HHHHHH", ident, 0x8400, 1, len(records), 0, 0)
        packet += name("example.org") + struct.pack(">HH", kind, 1) + b"".join(records)
        packet = signed(packet) if key else packet
        return struct.pack(">H", len(packet)) + packet

    hosts = [record(b"\1a\xc0\x0c", A, bytes([192, 0, 2, n])) for n in range(4)]
    for key in (False, True):
        who = 4 if key else 0
        yield bytes([1 | who]) + answer(1, SOA, [soa(2)], key)
        for has in (0, 2):
            start = answer(1, SOA, [soa(3)], key)
            kind = AXFR if has else IXFR
            yield bytes([1 | who | has]) + start + answer(2, kind, [soa(3), *hosts, soa(3)], key)
            yield bytes([1 | who | has]) + start + answer(2, kind, [soa(3), *hosts], key) + answer(
                2, kind, [*hosts, soa(3)], key)
        yield bytes([1 | who]) + start + answer(
            2, IXFR, [soa(3), soa(2), hosts[1], soa(3), hosts[2], soa(3)], key)
        yield bytes([1 | who]) + start + answer(2, IXFR, [soa(2)], key)


ZONE = """$TTL 1h
@ SOA ns mail 1 2 3 4 5
@ NS ns
ns 60 IN A 192.0.2.1
"""
ENTRIES = ["$ORIGIN a", "$INCLUDE other", "$INCLUDE other b", "$GENERATE 1-5 h$ A 192.0.2.$",
           "$GENERATE 0-8/2 ${1,3,x}.${0,4,n} CNAME x", "sub NS ns.sub\nns.sub AAAA 2001:db8::1",
           "*.w TXT \"a b\" c ; d", "d DNAME e.", "m MX ( 10 ; x\n m )", "\\046a\\; A 192.0.2.1",
           "u 1w2d TYPE65280 \\# 3 abcdef", "  A 192.0.2.7", "s SRV 0 5 80 x", "c CNAME @",
           "h HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1"]
DATA = [["192.0.2.1", "1.2.3", "01.2.3.4"], ["2001:db8::1", "::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
        ["a.b.", "@", "a", "."], ["x"], ["y.z."], ["10 m", "65535 ."],
        ['"a b" c', 'x"y"', "a\\065", '""'], ["e."]]


def zones():
    for entry in ENTRIES:
        yield b"\0" + (ZONE + entry + "\n").encode()
    yield b"\0" + (ZONE + "\n".join(ENTRIES)).encode()
    for kind, texts in enumerate(DATA):
        for text in texts:
            yield bytes([kind << 1 | 1]) + text.encode()


def main():
    folder = Path(sys.argv[1])
    seeds = {
        "Packets": [bytes([who]) + packet
                    for index, packet in enumerate(packets())
                    for who in (index & 0x3F, (index * 29 + 7) & 0x3F)]
        + [bytes([64 | index & 0x23]) + packet for index, packet in enumerate(named())],
        "Options": [b"\0" + packet for packet in packets()]
        + [bytes([who]) + data for data in OPTIONS.values() for who in (1, 3, 0x81)],
        "Records": list(records()),
        "ProxyHeaders": list(proxied()),
        "ClientHellos": list(hellos()),
        "Transfers": list(transfers()),
        "ZoneTexts": list(zones()),
    }
    for target, inputs in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for index, data in enumerate(inputs):
            (folder / target / f"seed{index:04}").write_bytes(data)


main()
