#!/usr/bin/env python3
"""Writes queries for the zone of million_names.py, and configurations of Knot, NSD and gdnsd that serve it.

    million_peers.py FOLDER

FOLDER is what million_names.py has written. Prints the options of alternate.py for the three servers. Each has one
thread for UDP, minimal answers, no rate limits and no log of queries. Nine of ten queries are for one of the
names, drawn evenly, the rest for names that do not exist; they stand in groups of 16 of one length, which leave
with one call of the system.
"""
import os
import random
import shutil
import sys

COUNT, GROUP = 400_000, 16
ZONE = "million.example"

folder = os.path.abspath(sys.argv[1])
source = random.Random(2)
names = [line.split(" ", 1)[0] for line in open(f"{folder}/million.zone")][4:]
by_length = {}
for name in source.sample(names, min(len(names), COUNT)):
    is_there = source.random() < 0.9
    label = name if is_there else name.replace("-", "x", 1)
    by_length.setdefault(len(label), []).append(f"{label}.{ZONE} 1 {0 if is_there else 3}\n")
groups = [lines[start:start + GROUP] for lines in by_length.values()
          for start in range(0, len(lines) - GROUP + 1, GROUP)]
source.shuffle(groups)
with open(f"{folder}/queries.txt", "w") as queries:
    # The first query is what a server is asked to see whether it answers.
    queries.writelines(line for group in groups for line in sorted(group, key=lambda line: line.endswith("3\n")))


def write(path, text):
    os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
    with open(f"{folder}/{path}", "w") as file:
        file.write(text)


write("knot/knot.conf", f"""server:
    listen: 127.0.0.1@15411
    rundir: {folder}/knot
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}/knot
template:
  - id: default
    storage: {folder}
    journal-content: none
    zonefile-sync: -1
zone:
  - domain: {ZONE}
    file: million.zone
""")
write("nsd/nsd.conf", f"""server:
    ip-address: 127.0.0.1@15412
    server-count: 1
    username: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd/pid"
    xfrdfile: "{folder}/nsd/xfrd.state"
    zonelistfile: "{folder}/nsd/zone.list"
    minimal-responses: yes
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {ZONE}
    zonefile: million.zone
""")
write("gdnsd/config", f"""options => {{
  listen => {{ 127.0.0.1:15413 => {{ udp_threads = 1, tcp_threads = 1 }} }}
  run_dir = {folder}/gdnsd/run
  state_dir = {folder}/gdnsd/state
}}
""")
for name in ("run", "state", "zones"):
    os.makedirs(f"{folder}/gdnsd/{name}", exist_ok=True)
# gdnsd knows the zone by the file's name, and has no relative origin.
shutil.copyfile(f"{folder}/million.zone", f"{folder}/gdnsd/zones/{ZONE}")
print(f'--server knot 15411 "knotd -c {folder}/knot/knot.conf" \\')
print(f'--server nsd 15412 "nsd -d -c {folder}/nsd/nsd.conf" \\')
print(f'--server gdnsd 15413 "gdnsd -c {folder}/gdnsd start"')
