import Testing

/// A bad document and its faults, each as it is printed, less the file's name.
struct BadDocument: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var text: String
  var faults: [String]

  init(_ description: String, _ text: String, _ faults: String...) {
    testDescription = description
    self.text = text
    self.faults = faults
  }
}

@Suite("A bad document is refused with all its faults, by line")
struct RefusedDocuments {
  @Test("of form", arguments: formFaults)
  func form(_ document: BadDocument) { check(document) }

  @Test("of single values", arguments: valueFaults)
  func values(_ document: BadDocument) { check(document) }

  @Test("of references", arguments: referenceFaults)
  func references(_ document: BadDocument) { check(document) }

  @Test("of zones", arguments: zoneFaults)
  func zones(_ document: BadDocument) { check(document) }

  private func check(_ document: BadDocument) {
    #expect(faults(of: document.text) == document.faults.map { "a.yaml\($0)" })
  }
}

private let formFaults: [BadDocument] = [
  BadDocument("an empty file", "", ":1: is empty; wants a mapping such as {log: {level: debug}}"),
  BadDocument(
    "comments alone", "# nothing yet\n",
    ":1: is empty; wants a mapping such as {log: {level: debug}}"),
  BadDocument(
    "nothing, in a word", "\nnull\n", ":2: is empty; wants a mapping such as {log: {level: debug}}"),
  BadDocument(
    "a list", "- a\n", ":1: wants a mapping such as {log: {level: debug}}, found a list"),
  BadDocument(
    "keys that are nothing", "log: {}\nregions:\n  \"\": {}\n  ~: {}\n  null: {}\n",
    ":3: regions: has a key without a name",
    ":4: regions: has the key ~, which is nothing in YAML; if it is a name, quote it: \"~\"",
    ":5: regions: has the key null, which is nothing in YAML; if it is a name, quote it: \"null\""),
  BadDocument(
    "a broken flow", "log: {format: json\nnode: {id: a}\n",
    ":2: is no YAML: did not find expected ',' or '}' while parsing a flow mapping that began on line 1"
  ),
  BadDocument(
    "a tab", "log:\n\tformat: json\n",
    ":2: is no YAML: found character that cannot start any token while scanning for the next token; quote it; indent with spaces, not tabs"
  ),
  BadDocument("two documents", "log: {}\n---\nlog: {}\n", ":2: holds more than one YAML document"),
  BadDocument("an undefined alias", "log: *nothing\n", ":1: is no YAML: found undefined alias"),
  BadDocument(
    "a control character", "log: {}\n# \u{1}\n",
    ":2: is no YAML: control characters are not allowed"),
  BadDocument(
    "duplicate keys, with the other faults",
    """
    log: {format: json}
    regions:
      a: {}
      "a": {}
      a: {}
    dns: {treads: 1}
    log: {}
    """, ":4: regions.a: duplicate key, already on line 3",
    ":5: regions.a: duplicate key, already on line 3",
    #":6: dns.treads: unknown key; did you mean "threads"?"#,
    ":7: log: duplicate key, already on line 1"),
  BadDocument(
    "unknown keys",
    """
    regoins: {}
    regions:
      tokyo: {locaton: [1, 2], zzzzzz: 1}
    """, #":1: regoins: unknown key; did you mean "regions"?"#,
    #":3: regions.tokyo.locaton: unknown key; did you mean "location"?"#,
    ":3: regions.tokyo.zzzzzz: unknown key; known: location, tags, dial, capacity, stability"),
  BadDocument("a mapping as a key", "? {a: b}\n: c\n", ":1: wants plain keys"),
  BadDocument(
    "a name that is none", "regions: {\"a b\": {}}\n",
    ":1: regions.a b: wants a name of 1 to 63 letters, digits, '-', '_' and '.', the first a letter or digit"
  ),
  BadDocument(
    "variables and files",
    """
    node: {id: "${NOWHERE}"}
    admin: {token: "${file:/nowhere/token}"}
    dns: {threads: "${x", max_udp_size: "${a:b}", listen: "${HOST:-nothing}"}
    """,
    ":1: node.id: the environment variable NOWHERE is not set; set it, or give a default: ${NOWHERE:-…}",
    ":2: admin.token: /nowhere/token cannot be read: there is no such file",
    #":3: dns.listen: wants an address with port, such as 127.0.0.1:53 or "[::1]:53", found the value of "${HOST:-nothing}""#,
    #":3: dns.threads: "${" has no "}"; write $${ for the characters themselves"#,
    #":3: dns.max_udp_size: wants ${NAME}, ${NAME:-default} or ${file:path}, found "${a:b}""#),
]

private let valueFaults: [BadDocument] = [
  BadDocument(
    "types",
    """
    log: [json]
    node: {id: [a]}
    dns:
      threads: many
      client_subnet: yes
      listen: {a: b}
      tcp: 3
    health: {max_concurrent_checks: 0, jitter: 60%}
    """, ":1: log: wants a mapping, found a list",
    ":2: node.id: wants a name of letters, digits, '-', '_' and '.', found a list",
    #":4: dns.threads: wants a whole number from 1 to 256, found "many""#,
    #":5: dns.client_subnet: wants true or false, found "yes""#,
    #":6: dns.listen: wants an address with port, such as 127.0.0.1:53 or "[::1]:53", found a mapping"#,
    #":7: dns.tcp: wants a mapping, found "3""#,
    #":8: health.max_concurrent_checks: wants a whole number from 1 to 65536, found "0""#,
    #":8: health.jitter: wants a share from 0% to 50%, found "60%""#),
  BadDocument(
    "choices", "log: {format: jsn, level: loud}\n",
    #":1: log.format: wants one of text, json, found "jsn"; did you mean "json"?"#,
    #":1: log.level: wants one of trace, debug, info, notice, warning, error, critical, found "loud""#
  ),
  BadDocument(
    "durations and sizes",
    """
    health: {first_round_deadline: 5}
    dns: {receive_buffer: 4MB, tcp: {idle_timeout: 5 minutes}}
    monitors:
      a: {type: tcp, interval: 1s, timeout: 2s, fast_interval: 3s}
      b: {type: tcp, interval: 1ms}
    """,
    #":1: health.first_round_deadline: wants a duration from 0s to 10m, found "5"; a duration needs its unit: 5s or 5ms"#,
    #":2: dns.receive_buffer: wants a size from 64KiB to 1GiB, such as 64KiB or 4MiB, found "4MB""#,
    #":2: dns.tcp.idle_timeout: wants a duration from 100ms to 1h, found "5 minutes""#,
    ":4: monitors.a.fast_interval: is longer than the interval of 1s",
    ":4: monitors.a.timeout: is longer than the interval of 1s",
    #":5: monitors.b.interval: wants a duration from 100ms to 1h, found "1ms""#),
  BadDocument(
    "places and tags",
    """
    regions:
      a: {location: [91, 181]}
      b: {location: tokyo}
      c: {tags: [eu, "no tag"]}
    """, #":2: regions.a.location[0]: wants a latitude from -90 to 90, found "91""#,
    #":2: regions.a.location[1]: wants a longitude from -180 to 180, found "181""#,
    #":3: regions.b.location: wants [latitude, longitude] in degrees, such as [35.68, 139.69], found "tokyo""#,
    #":4: regions.c.tags[1]: wants a tag of letters, digits, '-', '_' and '.', found "no tag""#),
  BadDocument(
    "monitors",
    """
    monitors:
      a: {path: /}
      b: {type: htp}
      c: {type: tcp, path: /}
      d: {type: http, path: healthz, tls: {}, expect: {status: [99, 300-200]}}
      e: {type: http, method: HEAD, headers: {"X Y": 1, Z: "a\\r\\nb"}, expect: {body: ok}}
      f: {type: https, tls: {roots: /nowhere.pem}, expect: {degraded: 204}}
    """,
    ":2: monitors.a.type: is missing; wants one of tcp, http, https, dns, grpc, agent, command, calculated",
    #":3: monitors.b.type: wants one of tcp, http, https, dns, grpc, agent, command, calculated, found "htp"; did you mean "http"?"#,
    ":4: monitors.c.path: unknown key; known: type, interval, send, expect, tls, port, rise, fall, fast_interval, timeout, proxy_protocol",
    #":5: monitors.d.path: wants a path that starts with / and has no spaces, found "healthz""#,
    #":5: monitors.d.expect.status[0]: wants status codes such as 200 or 200-299, found "99""#,
    #":5: monitors.d.expect.status[1]: wants status codes such as 200 or 200-299, found "300-200""#,
    ":5: monitors.d.tls: unknown key; known: type, interval, method, path, host, headers, expect, port, rise, fall, fast_interval, timeout, proxy_protocol",
    ":6: monitors.e.headers.X Y: is no header name",
    #":6: monitors.e.headers.Z: wants a header value on one line, found "a\r\nb""#,
    ":6: monitors.e.expect.body: a HEAD request gets no body",
    ":7: monitors.f.expect.degraded: 204 would be healthy and degraded at once",
    ":7: monitors.f.tls.roots: /nowhere.pem cannot be read: there is no such file"),
  BadDocument(
    "pools",
    """
    regions: {a: {}}
    pools:
      none: {}
      empty: {endpoints: {}}
      bad:
        endpoints:
          a: [192.0.2.1, "192.0.2.1:0", {check: "1.2.3.4:5"}, {address: "[::1]:1", weight: -1}]
      twice: {endpoints: {a: [192.0.2.1:80, 192.0.2.1:80]}}
      blank: {endpoints: {a: []}, panic_threshold: 2}
    """,
    ":3: pools.none.endpoints: is missing; wants a mapping from region to addresses with ports",
    ":4: pools.empty.endpoints: wants at least one region",
    #":7: pools.bad.endpoints.a[0]: wants an address with port, such as 192.0.2.1:80 or "[2001:db8::1]:80", found "192.0.2.1""#,
    ":7: pools.bad.endpoints.a[1]: port 0 cannot be connected to",
    ":7: pools.bad.endpoints.a[2].address: is missing; wants an address with port, such as 192.0.2.1:80",
    #":7: pools.bad.endpoints.a[3].weight: wants a whole number from 0 to 1000, found "-1""#,
    #":8: pools.twice.endpoints.a[1]: "192.0.2.1:80" stands twice in this region"#,
    #":9: pools.blank.panic_threshold: wants a share from 0% to 100%, found "2""#,
    ":9: pools.blank.endpoints.a: wants at least one endpoint, such as 192.0.2.1:80"),
  BadDocument(
    "files",
    """
    geo:
      databases: [/nowhere/city.mmdb]
      overrides: [/]
    """, ":2: geo.databases[0]: /nowhere/city.mmdb cannot be read: there is no such file",
    ":3: geo.overrides[0]: / cannot be read: it is a folder"),
  BadDocument(
    "listeners in conflict",
    """
    dns: {listen: [127.0.0.1:53, "[::1]:0", "[::1]:0"]}
    admin: {listen: 127.0.0.1:8000}
    services: {}
    proxy:
      listeners:
        a: {listen: [0.0.0.0:8000], service: x}
        b: {connect_timeout: 9s}
    """, #":6: proxy.listeners.a.service: there is no service "x""#,
    ":6: proxy.listeners.a.listen[0]: 0.0.0.0:8000 is taken by admin.listen on line 2",
    ":7: proxy.listeners.b.service: is missing; wants the name of a service; or give server_names",
    ":7: proxy.listeners.b.listen: is missing; wants addresses with ports, such as [127.0.0.1:8000]",
    ":7: proxy.listeners.b.connect_timeout: one attempt may take 9s, longer than the connect_budget of 5s for all of them"
  ),
  BadDocument(
    "a token", "admin: {token: \"a b\"}\n",
    #":1: admin.token: wants a token of printable ASCII, no spaces, found something else, which is not shown"#
  ),
]

private let referenceFaults: [BadDocument] = [
  BadDocument(
    "a steered service where there are no policies",
    """
    regions: {t: {}}
    pools: {p: {endpoints: {t: ["192.0.2.1:80"]}}}
    services: {web: {policy: none, pool: p}}
    zones: {example.org: {soa: {primary: ns1}, steered: {www: web}}}
    """, ":3: services.web.policy: there is no policy \"none\""),
  BadDocument(
    "names that do not exist",
    """
    regions: {tokyo: {location: [1, 2]}}
    monitors: {web: {type: tcp}}
    pools: {web: {monitor: wbe, endpoints: {tokio: [192.0.2.1:80]}}}
    policies:
      near: {type: proximity, regions: [tokoy], bias: {x: 1}}
      pair: {type: failover, order: [tokyo, naer]}
    services:
      web: {policy: neer, pool: web}
      region: {policy: tokyo, pool: webs}
      backup: {policy: near, pool: web, on_all_down: {backup: kyoto}}
      last: {policy: near, pool: web, on_all_down: fail_opn}
    fences:
      eu: {clients: {continent: EU}, regions: {tags: [eu]}, services: [wob]}
    """, #":3: pools.web.monitor: there is no monitor "wbe"; did you mean "web"?"#,
    #":3: pools.web.endpoints.tokio: there is no region "tokio"; did you mean "tokyo"?"#,
    #":5: policies.near.regions[0]: there is no region "tokoy"; did you mean "tokyo"?"#,
    #":5: policies.near.bias.x: there is no region "x"; known: tokyo"#,
    #":6: policies.pair.order[1]: there is no region or policy "naer"; did you mean "near"?"#,
    #":8: services.web.policy: there is no policy "neer"; did you mean "near"?"#,
    #":9: services.region.policy: "tokyo" is a region, a policy is wanted; define one such as {type: failover, order: [tokyo]}"#,
    #":9: services.region.pool: there is no pool "webs"; did you mean "web"?"#,
    #":10: services.backup.on_all_down.backup: there is no region "kyoto"; known: tokyo"#,
    #":11: services.last.on_all_down: wants fail_open, fail_closed, last_good, nodata or {backup: region}, found "fail_opn"; did you mean "fail_open"?"#,
    #":13: fences.eu.regions.tags[0]: no region carries the tag "eu""#,
    #":13: fences.eu.services[0]: there is no service "wob"; did you mean "web"?"#),
  BadDocument(
    "policies in circles",
    """
    regions: {r: {}}
    policies:
      a: {type: failover, order: [r, b]}
      b: {type: all, of: [c]}
      c: {type: weighted, shares: {a: 1}}
      d: {type: failover, order: [d]}
      e: {type: failover, order: [a]}
    """, ":3: policies.a: policies in a circle: a → b → c → a",
    ":6: policies.d: policies in a circle: d → d"),
  BadDocument(
    "a region without location",
    """
    regions: {a: {}, b: {location: [1, 2]}}
    policies:
      near: {type: proximity, regions: [b, a, b]}
    """, #":3: policies.near.regions[2]: "b" stands twice in this list"#,
    #":3: policies.near.regions[1]: region "a" has no location, which proximity measures"#),
  BadDocument(
    "no region with a location",
    """
    regions: {a: {}}
    policies:
      near: {type: proximity}
    """, ":3: policies.near: wants at least one region with a location"),
  BadDocument(
    "policies that are none",
    """
    regions: {a: {}, both: {}}
    policies:
      both: a
      none: {order: [a]}
      typo: {type: falover, order: [a]}
      empty: {type: failover, order: []}
      bare: {type: failover}
      weights: {type: weighted, shares: {a: 0}}
      stray: {type: all, of: [a], shares: {}}
      rules:
        type: geo
        rules:
          - {use: a}
          - {country: Japan, use: a}
          - {asn: 64500}
          - {prefix: 192.0.2.1/24, continent: XX, subdivision: CA, use: a}
          - {eu: false, use: a}
    """,
    ":3: policies.both: a region has this name already; regions and policies share their names",
    ":4: policies.none.type: is missing; wants one of proximity, latency, geo, failover, weighted, hash, all, primary, home",
    #":5: policies.typo.type: wants one of proximity, latency, geo, failover, weighted, hash, all, primary, home, found "falover"; did you mean "failover"?"#,
    ":6: policies.empty.order: wants at least one region or policy",
    ":7: policies.bare.order: is missing; wants a list of regions and policies",
    ":8: policies.weights.shares: wants at least one weight above 0; 0 is standby",
    ":9: policies.stray.shares: unknown key; known: type, of",
    ":10: policies.rules.default: is missing; wants the region or policy of all other clients",
    ":13: policies.rules.rules[0]: names no clients; wants at least one of prefix, asn, country, subdivision, continent, eu, unknown",
    #":14: policies.rules.rules[1].country: wants a country of two letters such as JP, found "Japan""#,
    ":15: policies.rules.rules[2].use: is missing; wants the region or policy of these clients",
    #":16: policies.rules.rules[3].prefix: wants a prefix such as 192.0.2.0/24, no bits set behind its length, found "192.0.2.1/24""#,
    #":16: policies.rules.rules[3].subdivision: wants a subdivision such as US-CA, found "CA""#,
    #":16: policies.rules.rules[3].continent: wants one of AF, AN, AS, EU, NA, OC, SA, found "XX""#,
    ":17: policies.rules.rules[4]: matches no client"),
  BadDocument(
    "a service without endpoints",
    """
    regions: {a: {}, b: {}, c: {}}
    pools: {web: {endpoints: {a: 192.0.2.1:80}}}
    policies: {one: {type: failover, order: [b, two]}, two: c, three: {type: all, of: [a, b]}}
    services:
      web: {policy: one, pool: web}
      fine: {policy: three, pool: web}
      backup: {policy: three, pool: web, on_all_down: {backup: b}}
    """, #":5: services.web.pool: pool "web" has no endpoint in any region of policy "one" (b, c)"#,
    #":7: services.backup.on_all_down: pool "web" has no endpoint in the backup region "b""#),
  BadDocument(
    "fences",
    """
    regions: {a: {tags: [eu]}}
    fences:
      one: {clients: {continent: EU}, regions: {tags: [ue]}}
      two: {clients: {}, regions: {}}
      three: {}
    """, #":3: fences.one.regions.tags[0]: no region carries the tag "ue"; did you mean "eu"?"#,
    ":4: fences.two.clients: names no clients; wants at least one of prefix, asn, country, subdivision, continent, eu, unknown",
    ":4: fences.two.regions.tags: is missing; wants the tags of the regions inside",
    ":5: fences.three.clients: is missing; wants whom the fence is for, such as {continent: EU}",
    ":5: fences.three.regions: is missing; wants {tags: […]}"),
]

private let zoneFaults: [BadDocument] = [
  BadDocument(
    "files",
    """
    zones:
      example.org: {file: /nowhere/example.org.zone}
      example.com: {file: /etc/hostname, soa: {primary: ns1}, ns: [ns1]}
    """,
    ":2: zones.example.org.file: /nowhere/example.org.zone cannot be read: there is no such file",
    ":3: zones.example.com.soa: stands in the zone file",
    ":3: zones.example.com.ns: stands in the zone file"),
  BadDocument(
    "names",
    """
    zones:
      example..org: {soa: {primary: ns1}}
      Example.com.: {soa: {primary: "ns 1"}}
      example.com: {soa: {mailbox: "host.master@example.com"}, ns: [a..b]}
      münchen.de: {soa: {primary: ns1}}
    """, #":2: zones.example..org: "example..org" is no domain name: it has an empty label"#,
    #":3: zones.Example.com..soa.primary: "ns 1" is no domain name: it contains a space or control character"#,
    ":4: zones.example.com: the zone is already on line 3",
    ":4: zones.example.com.soa.primary: is missing; wants the name of the primary server",
    #":4: zones.example.com.soa.mailbox: wants the mailbox as a domain name, found "host.master@example.com"; write host\.master.example.com."#,
    #":4: zones.example.com.ns[0]: "a..b" is no domain name: it has an empty label"#,
    #":5: zones.münchen.de: "münchen.de" is no domain name: it contains letters outside ASCII; write the xn-- form"#
  ),
  BadDocument(
    "owners",
    """
    regions: {a: {}}
    pools: {web: {endpoints: {a: 192.0.2.1:80}}}
    policies: {p: a}
    services: {web: {policy: p, pool: web}}
    zones:
      example.org:
        soa: {primary: ns1}
        steered:
          www: web
          WWW.example.org.: web
          www.example.com.: web
          mail: wbe
        records:
          - "www CNAME other"
          - "www A 192.0.2.1"
          - "www TXT fine"
          - "@ CNAME other"
          - "@ NS ns9"
          - "alias CNAME other"
          - "alias TXT no"
          - "text TXT a"
          - "text CNAME other"
          - "text TXT a"
          - "a.example.net. A 192.0.2.1"
          - "a..b A 192.0.2.1"
    """,
    ":10: zones.example.org.steered.WWW.example.org.: WWW.example.org. is steered already on line 9",
    ":11: zones.example.org.steered.www.example.com.: www.example.com. is outside the zone example.org.",
    #":12: zones.example.org.steered.mail: there is no service "wbe"; did you mean "web"?"#,
    ":14: zones.example.org.records[0]: no CNAME may stand at a steered name (line 10)",
    ":15: zones.example.org.records[1]: no record may stand beside a CNAME (line 14)",
    ":15: zones.example.org.records[1]: www.example.org. is steered (line 10); its addresses are its service's",
    ":16: zones.example.org.records[2]: no record may stand beside a CNAME (line 14)",
    ":17: zones.example.org.records[3]: no CNAME may stand at the zone's own name",
    #":18: zones.example.org.records[4]: the zone's NS stands under "ns""#,
    ":20: zones.example.org.records[6]: no record may stand beside a CNAME (line 19)",
    ":22: zones.example.org.records[8]: no CNAME may stand beside another record (line 21)",
    ":23: zones.example.org.records[9]: the record stands here twice",
    ":23: zones.example.org.records[9]: no record may stand beside a CNAME (line 22)",
    ":24: zones.example.org.records[10]: a.example.net. is outside the zone example.org.",
    #":25: zones.example.org.records[11]: "a..b" is no domain name: it has an empty label"#),
  BadDocument(
    "records",
    """
    zones:
      example.org:
        ttl: 300
        soa: {primary: ns1, serial: -1, refresh: 100ms, retry: 1500ms}
        records:
          - "www"
          - "www A"
          - "www 5x A 192.0.2.1"
          - "www 300 192.0.2.1"
          - {name: www, type: "A B", ttl: 300}
          - [www, A, 192.0.2.1]
          - "w\\\\999 A 192.0.2.1"
    """,
    #":3: zones.example.org.ttl: wants a duration from 0s to 24855d, found "300"; a duration needs its unit: 300s or 300ms"#,
    #":4: zones.example.org.soa.serial: wants a whole number from 0 to 4294967295, found "-1""#,
    #":4: zones.example.org.soa.refresh: wants a duration from 1s to 24855d, found "100ms""#,
    #":4: zones.example.org.soa.retry: wants whole seconds, found "1500ms""#,
    #":6: zones.example.org.records[0]: wants owner [ttl] type data, such as "www 300 A 192.0.2.1""#,
    ":7: zones.example.org.records[1]: wants data behind the type A",
    #":8: zones.example.org.records[2]: "5x" is no TTL; wants seconds or units such as 300, 5m, 1h"#,
    #":9: zones.example.org.records[3]: wants owner [ttl] type data, such as "www 300 A 192.0.2.1"; "192.0.2.1" is no type"#,
    #":10: zones.example.org.records[4].type: wants a type such as A, TXT or TYPE65280, found "A B""#,
    ":10: zones.example.org.records[4].data: is missing; wants the record's data",
    #":10: zones.example.org.records[4].ttl: wants a duration from 0s to 24855d, found "300"; a duration needs its unit: 300s or 300ms"#,
    #":11: zones.example.org.records[5]: wants a record such as "www 300 A 192.0.2.1", found a list"#,
    #":12: zones.example.org.records[6]: "w\999" is no domain name: an escape wants three digits up to 255, such as \032"#
  ),
]
