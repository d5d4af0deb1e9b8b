#!/usr/bin/env python3
"""Measures what a large zone takes: time to load and memory.

    zone_load.py AZIMUTH FOLDER [PORT]

FOLDER is what million_names.py has written. Prints the time of `azimuth check`, the time from the start of
`azimuth serve` to its first right answer, its memory then and after three reloads of a changed file, beside
that of the same server with a zone of three records.
"""
import os
import signal
import socket
import struct
import subprocess
import sys
import time

program, folder = sys.argv[1:3]
port = int(sys.argv[3]) if len(sys.argv) > 3 else 5300


def ask(name):
    query = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0)
    for label in name.split("."):
        query += bytes([len(label)]) + label.encode()
    query += b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.05)
        client.sendto(query, ("127.0.0.1", port))
        try:
            reply = client.recv(512)
        except OSError:
            return False
        return reply[3] & 15 == 0 and reply[7] == 1


def memory(process):
    """Resident KiB."""
    with open(f"/proc/{process.pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def serve(config, name):
    """The process once it answers, and after how many seconds that was."""
    start = time.monotonic()
    process = subprocess.Popen([program, "serve", config])
    while not ask(name):
        if process.poll() is not None or time.monotonic() - start > 60:
            process.kill()
            sys.exit(f"the server does not answer on port {port}: is that the one of {config}?")
        time.sleep(0.005)
    return process, time.monotonic() - start


def settled(process):
    """Memory once it has stopped changing."""
    last = 0
    while abs(memory(process) - last) > 256:
        last = memory(process)
        time.sleep(1)
    return memory(process)


with open(f"{folder}/million.zone") as zone:
    lines = zone.readlines()
names = len(lines) - 4
last = lines[-1].split()[0] + ".million.example"
with open(f"{folder}/small.zone", "w") as zone:
    zone.writelines(lines[:5])
with open(f"{folder}/azimuth.yaml") as config:
    text = config.read()
with open(f"{folder}/small.yaml", "w") as config:
    config.write(text.replace("million.zone", "small.zone"))

start = time.monotonic()
subprocess.run([program, "check", f"{folder}/azimuth.yaml"], check=True, stdout=subprocess.DEVNULL)
print(f"check: {time.monotonic() - start:.2f} s")
process, _ = serve(f"{folder}/small.yaml", "ns1.million.example")
small = settled(process)
process.terminate()
process.wait()
process, seconds = serve(f"{folder}/azimuth.yaml", last)
large = settled(process)
print(f"serve: first right answer after {seconds:.2f} s")
print(f"memory: {large} KiB resident, with three records {small} KiB")
print(f"{(large - small) * 1024 / names:.0f} bytes a name, its record among them, for {names} names")
for _ in range(3):
    os.utime(f"{folder}/million.zone")
    process.send_signal(signal.SIGHUP)
    time.sleep(5)
print(f"after three reloads: {settled(process)} KiB")
process.terminate()
process.wait()
