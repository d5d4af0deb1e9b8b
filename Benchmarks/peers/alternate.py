#!/usr/bin/env python3
"""Loads DNS servers in turn, round after round, and prints what each does on one core.

    alternate.py --load ./dns_load --queries FILE --rounds 7 \\
      --server NAME PORT COMMAND --server NAME PORT COMMAND [--kind cookies=none --kind cookies=full]

All servers are started (in the foreground, on CPU 0) and stay; one at a time is loaded from CPU 1, so that each
round compares neighbours in time. For each kind of load (options of dns_load) there is a table: answers a
second, their ratio to the first server's in the same round, CPU time of the server for each answer. Medians.
Needs root for the priorities. Repeat a run in which the machine was not quiet: "others" is the share of the two
CPUs that went to neither server nor generator.
"""
import argparse
import os
import re
import shlex
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

SERVER_CPU, LOAD_CPU = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")


def processes(parent):
    """The process and all below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry))
            except OSError:
                pass
    found, waiting = [], [parent]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_seconds(identifiers):
    """User and system time of processes."""
    user = system = 0
    for identifier in identifiers:
        try:
            fields = open(f"/proc/{identifier}/stat").read().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        except OSError:
            pass
    return user / TICKS, system / TICKS


def busy_seconds():
    """Of the two CPUs."""
    busy = 0
    for line in open("/proc/stat"):
        fields = line.split()
        if fields[0] in (f"cpu{SERVER_CPU}", f"cpu{LOAD_CPU}"):
            values = [int(field) for field in fields[1:9]]
            busy += sum(values[:3]) + values[5] + values[6]
    return busy / TICKS


def set_session_priority(identifier, nice):
    """Between sessions: with sched_autogroup a process's own priority counts only within its session."""
    try:
        with open(f"/proc/{identifier}/autogroup", "w") as file:
            file.write(str(nice))
    except OSError:
        pass


def give_priority(identifier):
    """On the server's CPU, within its session and between sessions."""
    set_session_priority(identifier, -20)
    for thread in os.listdir(f"/proc/{identifier}/task"):
        os.sched_setaffinity(int(thread), {SERVER_CPU})
        try:
            # Threads that give way to the others shall go on doing so.
            if os.getpriority(os.PRIO_PROCESS, int(thread)) <= 0:
                os.setpriority(os.PRIO_PROCESS, int(thread), -20)
        except PermissionError:
            pass


def question(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


class Server:
    def __init__(self, name, port, command, first_line):
        self.name, self.port = name, int(port)
        self.log = open(f"/tmp/alternate-{name}.log", "w")
        began = time.monotonic()
        self.process = subprocess.Popen(
            shlex.split(command), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CPU}))
        self.wait(first_line)
        self.start_seconds = time.monotonic() - began
        time.sleep(1)
        for identifier in processes(self.process.pid):
            give_priority(identifier)
        self.memory = sum(self.resident(i) for i in processes(self.process.pid))

    @staticmethod
    def resident(identifier):
        """MiB, shared pages by their share."""
        try:
            return int(re.search(r"Pss: +(\d+)", open(f"/proc/{identifier}/smaps_rollup").read())[1]) / 1024
        except (OSError, TypeError):
            return 0

    def wait(self, first_line):
        """For the first answer."""
        name, kind, code = first_line.split()
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.settimeout(0.05)
        asker.connect(("127.0.0.1", self.port))
        while True:
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended; see {self.log.name}")
            try:
                asker.send(question(name, int(kind)))
                if asker.recv(4096)[3] & 15 == int(code):
                    return
            except OSError:
                time.sleep(0.05)

    def stop(self):
        for identifier in reversed(processes(self.process.pid)):
            try:
                os.kill(identifier, signal.SIGTERM)
            except OSError:
                pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def measure(server, options, kind, seed):
    identifiers = processes(server.process.pid)
    before, busy = cpu_seconds(identifiers), busy_seconds()
    load = subprocess.run(
        [options.load, str(server.port), options.queries, str(options.seconds), f"cpu={LOAD_CPU}",
         f"seed={seed}"] + kind.split(),
        capture_output=True, text=True, preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
    if load.returncode != 0:
        sys.exit(f"{server.name}: {load.stderr}")
    after, busy = cpu_seconds(identifiers), busy_seconds() - busy
    result = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", load.stdout)}
    # The server's time includes the warm-up of 0.4 s and of the cookies; so does what is divided by.
    answers = result["qps"] * (options.seconds + 0.4)
    result["user"] = (after[0] - before[0]) / answers * 1e6
    result["system"] = (after[1] - before[1]) / answers * 1e6
    used = sum(after) - sum(before)
    result["others"] = max(0, busy - used - options.seconds - 0.4) / (2 * (options.seconds + 0.4))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--load", required=True)
    parser.add_argument("--queries", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--server", nargs=3, action="append", required=True, metavar=("NAME", "PORT", "COMMAND"))
    parser.add_argument("--kind", action="append", default=[])
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CPU})
    set_session_priority("self", -20)
    first_line = open(options.queries).readline()
    servers = []
    try:
        for name, port, command in options.server:
            servers.append(Server(name, port, command, first_line))
            print(f"{name}: first answer after {servers[-1].start_seconds:.2f} s, "
                  f"{servers[-1].memory:.0f} MiB", flush=True)
        for kind in options.kind or ["cookies=none"]:
            compare(servers, options, kind)
    finally:
        for server in servers:
            server.stop()
        set_session_priority("self", 0)


def compare(servers, options, kind):
    runs = {server.name: [] for server in servers}
    for number in range(options.rounds):
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            runs[server.name].append(measure(server, options, kind, number + 1))
            print(f"  {number + 1} {server.name}: {runs[server.name][-1]}", file=sys.stderr, flush=True)
    print(f"\n{kind}, {options.rounds} rounds of {options.seconds:g} s\n")
    print("| server | answers/s | of the first | CPU µs/answer | user | system | lost | wrong | bytes | others |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    first = runs[servers[0].name]
    for server in servers:
        own = runs[server.name]
        middle = {key: statistics.median(run[key] for run in own) for key in own[0]}
        ratio = statistics.median(a["qps"] / b["qps"] for a, b in zip(own, first))
        cpu = statistics.median(run["user"] + run["system"] for run in own)
        lost = sum(run["lost"] for run in own) / sum(run["sent"] for run in own)
        print(f"| {server.name} | {middle['qps']:,.0f} | {ratio:.3f} | {cpu:.3f} | {middle['user']:.3f} | "
              f"{middle['system']:.3f} | {lost:.4%} | {sum(run['wrong'] for run in own):.0f} | "
              f"{middle['bytes']:.0f} | {middle['others']:.1%} |", flush=True)


if __name__ == "__main__":
    main()
