#!/usr/bin/env python3
"""Writes a configuration that steers one name by the shipped geodata, with all that guards against abuse or without.

    abuse_config.py on|off PORT > azimuth.yaml
    abuse_config.py queries > queries.txt

Run at the root of the repository. "on": cookies, rate limits that hold for loopback too but are never reached, an
identity for NSID. The queries: four of five are for the steered name, the rest for static names and for none.
"""
import os
import random
import sys

REGIONS = {
    "tokyo": (35.68, 139.69), "singapore": (1.35, 103.82), "frankfurt": (50.11, 8.68), "saopaulo": (-23.55, -46.63),
    "virginia": (39.04, -77.49), "california": (37.35, -121.95), "johannesburg": (-26.2, 28.05),
    "sydney": (-33.87, 151.21), "dublin": (53.35, -6.26), "mumbai": (19.08, 72.88),
}
# All names have one length, so that whole groups of queries leave at once.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NAMES = [f"s{first}{second}" for first in DIGITS for second in DIGITS][:1000]


def configuration(is_on, port):
    geodata = os.path.abspath("geodata")
    lines = ["node: {id: bench}", "log: {level: warning}",
             f"geo: {{databases: [{geodata}/azimuth-city.mmdb]}}", "regions:"]
    lines += [f"  {name}: {{location: [{place[0]}, {place[1]}]}}" for name, place in REGIONS.items()]
    lines += ["pools:", "  web:", "    endpoints:"]
    lines += [f"      {name}: [\"198.18.{number}.10:80\", \"[2001:db8:{number:x}::10]:80\"]"
              for number, name in enumerate(REGIONS)]
    lines += ["policies: {nearest: {type: proximity}}", "services: {web: {policy: nearest, pool: web, ttl: 60s}}",
              "zones:", "  example.org:", "    soa: {primary: ns1, serial: 1}", "    ns: [ns1]",
              "    steered: {www: web}", "    records:"]
    lines += [f"      - {name} A 203.0.113.{number % 254 + 1}" for number, name in enumerate(NAMES)]
    lines += ["      - ns1 A 192.0.2.1", "admin: {listen: off}", "dns:", f"  listen: [\"127.0.0.1:{port}\"]",
              "  threads: 1"]
    if is_on:
        lines += ["  identity: bench-1", "  cookies: {secret: 000102030405060708090a0b0c0d0e0f}",
                  "  rate_limit: {answers: 1000000, nxdomain: 1000000, errors: 1000000, exempt: []}"]
    else:
        lines += ["  cookies: off", "  rate_limit: off"]
    return lines


def queries():
    generator = random.Random(1)
    for _ in range(100_000):
        share = generator.random()
        if share < 0.8:
            yield f"www.example.org {generator.choice((1, 28))} 0"
        elif share < 0.9:
            yield f"{generator.choice(NAMES)}.example.org 1 0"
        else:
            yield f"x{generator.choice(DIGITS)}{generator.choice(DIGITS)}.example.org 1 3"


if __name__ == "__main__":
    if sys.argv[1] == "queries":
        print("\n".join(queries()))
    else:
        print("\n".join(configuration(sys.argv[1] == "on", sys.argv[2])))
