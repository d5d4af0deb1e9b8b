#!/usr/bin/env python3
"""Prints a configuration of 34 regions in five fences, for `azimuth audit residency`.

    Benchmarks/questions/regions.py > /tmp/34.yaml
    time .build/release/azimuth audit residency /tmp/34.yaml
"""

import csv
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 34
UNION = {"AT", "BE", "DE", "ES", "FR", "IE", "IT", "NL", "PL", "SE"}
EUROPE = UNION | {"CH", "GB", "NO"}


def tags(country):
    found = [country.lower()]
    if country in UNION:
        found.append("eu")
    if country in EUROPE:
        found.append("europe")
    return ", ".join(found)


def main():
    with open(ROOT / "Benchmarks/RoutingQuality/azure-regions.csv") as file:
        rows = list(csv.DictReader(file))
    # Spread over the list, which is in the order of names.
    rows = [rows[index * len(rows) // COUNT] for index in range(COUNT)]
    print(f"geo: {{databases: [{ROOT}/geodata/azimuth-city.mmdb]}}\nregions:")
    for row in rows:
        print(f"  {row['name'].lower().replace(' ', '-')}: "
              f"{{location: [{row['lat']}, {row['lon']}], tags: [{tags(row['country'])}]}}")
    print("monitors: {tcp: {type: tcp}}\npools:\n  web:\n    monitor: tcp\n    endpoints:")
    for index, row in enumerate(rows):
        print(f"      {row['name'].lower().replace(' ', '-')}: [198.51.100.{index + 1}:443]")
    print("""policies: {nearest: {type: proximity}}
services:
  web: {policy: nearest, pool: web}
  strict: {policy: nearest, pool: web, on_all_down: fail_closed}
fences:
  eu-data: {clients: {eu: true}, regions: {tags: [eu]}, when_empty: refuse}
  europe: {clients: {country: [GB, CH, NO]}, regions: {tags: [europe]}}
  india: {clients: {country: IN}, regions: {tags: [in]}, services: [strict]}
  us-health: {clients: {country: US}, regions: {tags: [us]}, when_empty: serve_unhealthy_inside}
  swiss-banks: {clients: {country: CH}, regions: {tags: [ch]}, services: [strict]}
dns: {listen: [127.0.0.1:15353]}""")


if __name__ == "__main__":
    main()
