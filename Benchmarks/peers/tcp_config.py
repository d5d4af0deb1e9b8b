#!/usr/bin/env python3
"""Writes an Azimuth configuration for a TCP proxy bench: one region, one endpoint, no log.

    tcp_config.py PORT BACKEND_PORT > azimuth.yaml
"""
import sys

port, backend = sys.argv[1:3]
print(f"""node: {{id: bench}}
log: {{format: text, level: warning}}
regions:
  here: {{location: [50.11, 8.68]}}
pools:
  web: {{endpoints: {{here: ["127.0.0.1:{backend}"]}}}}
policies:
  nearest: {{type: proximity}}
services:
  web: {{policy: nearest, pool: web, ttl: 60s}}
proxy:
  threads: 1
  access_log: off
  listeners:
    web: {{listen: ["127.0.0.1:{port}"], service: web, max_connections: 100000}}""")
