#!/usr/bin/env python3
"""Writes an Azimuth configuration for the workload of a DNS bench.

    dns_config.py WORK MMDB PORT > azimuth.yaml

WORK holds regions.json (zone, geo_name, regions: code, lat, lon, a, aaaa) and zone.txt (master file).
"""
import json
import sys

work, mmdb, port = sys.argv[1:4]
world = json.load(open(f"{work}/regions.json"))
regions = world["regions"]

records = []
ttl = 300
for line in open(f"{work}/zone.txt"):
    words = line.split()
    if not words or words[0].startswith("$") or words[1] == "SOA" or words[1] == "NS":
        continue
    if words[0] == "www":
        continue
    records.append(" ".join(words))

print(f"""node: {{id: bench}}
log: {{format: text, level: warning}}
geo: {{databases: ["{mmdb}"]}}
regions:""")
for r in regions:
    print(f"  {r['code']}: {{location: [{r['lat']}, {r['lon']}]}}")
print("pools:\n  web:\n    endpoints:")
for r in regions:
    print(f"      {r['code']}: [\"{r['a']}:80\", \"[{r['aaaa']}]:80\"]")
print(f"""policies:
  nearest: {{type: proximity}}
services:
  web: {{policy: nearest, pool: web, ttl: 60s}}
zones:
  {world['zone']}:
    ttl: {ttl}s
    soa: {{primary: ns1, mailbox: hostmaster, serial: 1}}
    ns: [ns1, ns2]
    steered: {{www: web}}
    records:""")
for record in records:
    print(f"      - \"{record}\"")
print(f"""dns:
  listen: ["127.0.0.1:{port}"]
  threads: 1
  receive_buffer: 4MiB""")
