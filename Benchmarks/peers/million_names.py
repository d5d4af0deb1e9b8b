#!/usr/bin/env python3
"""Writes a zone of a million names as a master file, and a configuration of Azimuth that serves it.

    million_names.py FOLDER [NAMES] [PORT]

FOLDER/million.zone can be served by any other server as the zone million.example.
"""
import os
import random
import sys

folder = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
port = sys.argv[3] if len(sys.argv) > 3 else "5300"

# The same names each time, as irregular as hosts are, and not in order.
source = random.Random(1)
letters = "abcdefghijklmnopqrstuvwxyz0123456789"
os.makedirs(folder, exist_ok=True)
with open(f"{folder}/million.zone", "w") as zone:
    zone.write("$ORIGIN million.example.\n$TTL 300\n")
    zone.write("@ SOA ns1 hostmaster 1 7200 3600 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n")
    for index in range(count):
        name = "".join(source.choices(letters, k=source.randint(3, 10)))
        zone.write(f"{name}-{index:x} A 10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}\n")
with open(f"{folder}/azimuth.yaml", "w") as config:
    config.write(f"""node: {{id: bench}}
log: {{level: warning}}
zones:
  million.example: {{file: million.zone}}
dns: {{listen: ["127.0.0.1:{port}"], threads: 1}}
admin: {{listen: "127.0.0.1:{int(port) + 1}"}}
""")
