/// What each metric means: HELP and TYPE of `/metrics`, by name, in one place.
package enum MetricCatalogue {
  package enum Kind: String, Sendable {
    case counter, gauge, histogram, untyped
    /// Always 1; what it tells is in the labels.
    case info
  }

  package struct Entry: Sendable {
    package var kind: Kind
    package var help: String
  }

  /// What is known of a name; a name that is not listed is known by its ending only.
  package static func entry(_ name: String) -> Entry {
    entries[name]
      ?? Entry(
        kind: name.hasSuffix("_total") ? .counter : .untyped, help: "A figure of Azimuth.")
  }

  /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, the names that Prometheus takes; colons are for recording rules
  /// and so not for us.
  package static func isWellFormed(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLetter(first) else { return false }
    return name.utf8.allSatisfy {
      isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
  }

  /// The unit in which a family's figures are, as its name ends; nil: they are counts or shares.
  package static func unit(ofFamily name: String) -> String? {
    ["seconds", "bytes"].first { name.hasSuffix("_\($0)") }
  }

  package static let entries: [String: Entry] = Dictionary(
    counters.map { ($0, Entry(kind: .counter, help: $1)) }
      + gauges.map { ($0, Entry(kind: .gauge, help: $1)) }
      + histograms.map { ($0, Entry(kind: .histogram, help: $1)) }
      + infos.map { ($0, Entry(kind: .info, help: $1)) },
    uniquingKeysWith: { first, _ in first })

  private static let counters: KeyValuePairs = [
    "azimuth_dns_queries_total": "DNS packets received, by transport.",
    "azimuth_dns_answers_total": "DNS answers sent, by response code.",
    "azimuth_dns_steered_total": "Steered DNS answers, by service, policy, region and reason.",
    "azimuth_dns_dropped_total": "DNS packets that got no answer, by reason.",
    "azimuth_dns_truncated_total": "DNS answers that did not fit and were truncated.",
    "azimuth_dns_receive_failures_total": "Errors of the system while receiving DNS packets.",
    "azimuth_dns_cookies_total": "DNS queries with a cookie (RFC 7873), by whether it was valid.",
    "azimuth_dns_rate_limited_total":
      "DNS answers that the rate limit held back, or would have, by kind and what it did.",
    "azimuth_dns_signatures_total":
      "Signatures in answers of signed zones, by whether they were made or had been kept.",
    "azimuth_dns_connections_opened_total": "DNS connections accepted, by transport.",
    "azimuth_dns_accept_pauses_total":
      "Times that accepting DNS connections stopped for want of descriptors or memory.",
    "azimuth_dns_connections_closed_total": "DNS connections that ended, by reason.",
    "azimuth_dnstap_frames_total": "Frames of dnstap sent: one for a query, one for its answer.",
    "azimuth_dnstap_dropped_total": "Frames of dnstap that were sampled and dropped, by reason.",
    "azimuth_samples_dropped_total":
      "Samples of queries and decisions that were dropped for want of room.",
    "azimuth_decision_log_lines_total": "Lines of the decision log.",
    "azimuth_decision_log_dropped_total":
      "Lines of the decision log that were dropped since it could not be written fast enough.",
    "azimuth_decision_log_failed_total":
      "Lines of the decision log that were lost since writing them failed.",
    "azimuth_admin_audit_dropped_total":
      "Lines of the audit log dropped since it was written too slowly, by whether a token came.",
    "azimuth_admin_audit_failed_total":
      "Lines of the audit log that were lost since writing them failed.",
    "azimuth_admin_refused_total":
      "Requests of the admin API that were refused before anything was done, by reason.",
    "azimuth_ecs_sampled_queries_total":
      "DNS queries that were sampled, by whether they had a client subnet (RFC 7871).",
    "azimuth_proxy_repeated_connections_total":
      "Connections that an endpoint reset before it answered, and that went to another one.",
    "azimuth_proxy_accepted_total": "Connections that a listener accepted.",
    "azimuth_proxy_closed_total": "Connections closed, by reason.",
    "azimuth_proxy_bytes_total":
      "Bytes passed on: up is from client to endpoint, down from endpoint to client.",
    "azimuth_proxy_connect_attempts_total": "Attempts to connect to an endpoint.",
    "azimuth_proxy_connect_races_total":
      "Second attempts to connect that began while the first had not been answered yet.",
    "azimuth_proxy_connect_failures_total":
      "Attempts to connect to an endpoint that failed, by reason.",
    "azimuth_proxy_accept_pauses_total":
      "Times that a listener stopped accepting connections, by reason.",
    "azimuth_proxy_log_dropped_total":
      "Lines of the access log that were dropped since it could not be written fast enough.",
    "azimuth_proxy_log_failed_total":
      "Lines of the access log that were lost since writing them failed.",
    "azimuth_proxy_limited_clients_total":
      "Connections closed because their address, prefix, ASN or country had all it may have.",
    "azimuth_proxy_client_table_overflows_total":
      "Connections not counted for their clients and rates forgotten for want of room.",
    "azimuth_proxy_ejections_total":
      "Endpoints left out for a time because connections to them failed, by pool and region.",
    "azimuth_proxy_decisions_total":
      "Decisions for connections, by service, policy, region and reason.",
    "azimuth_proxy_region_connections_total": "Connections made to endpoints, by region.",
    "azimuth_latency_samples_total": "Latency samples that came in, by what became of them.",
    "azimuth_latency_compilations_total": "Times that maps were compiled anew for latencies.",
    "azimuth_events_total": "Events since the start, by kind.",
    "azimuth_webhook_requests_total": "Requests to webhooks, by result.",
    "azimuth_probes_total": "Health checks made, by result.",
    "azimuth_health_transitions_total": "Changes of an endpoint's health.",
    "azimuth_passive_failures_total": "Failures of endpoints that the proxy saw and reported.",
    "azimuth_self_queries_total": "Questions of the node to its own DNS, by what came of them.",
    "azimuth_fleet_reports_written_total": "Health reports that the node has written.",
    "azimuth_fleet_latency_words_written_total":
      "Times that the node has told the others what it has measured.",
    "azimuth_primary_conflicts_total":
      "Times that this node had chosen a primary of its own, and the fleet another one.",
    "azimuth_reloads_total": "Reloads of the configuration, by result.",
    "azimuth_transfers_out_total":
      "Requests for a transfer, by what went out: the whole zone, differences, one SOA, or nothing.",
    "azimuth_transfers_in_total":
      "Checks of a primary, by what came: the whole zone, differences, nothing new, or a failure.",
    "azimuth_notifies_in_total": "NOTIFYs that came, by whether they were heeded.",
    "azimuth_notifies_out_total": "NOTIFYs to secondaries, by whether they were answered.",
    "azimuth_bad_signatures_total": "Messages whose TSIG record was not taken.",
    "azimuth_series_overflow_total":
      "Additions to series beyond the number that there is room for.",
    "process_cpu_seconds_total": "Processor time used, user and system, in seconds.",
  ]

  private static let histograms: KeyValuePairs = [
    "azimuth_probe_duration_seconds": "How long health checks took.",
    "azimuth_proxy_connect_duration_seconds":
      "How long endpoints took to accept a connection, TLS included.",
  ]

  private static let infos: KeyValuePairs = [
    "azimuth_build_info": "Always 1; version and node id are in the labels."
  ]

  private static let gauges: KeyValuePairs = [
    "azimuth_region_load_connections_per_second":
      "New connections a second that fall to a region by the demand measured.",
    "azimuth_region_opening":
      "How many of those that come a region takes because of its load; 1 is all.",
    "azimuth_region_limit_connections_per_second":
      "New connections a second beyond which a region's clients go elsewhere.",
    "azimuth_region_open_connections":
      "Connections that the proxy has open to a region that declares how many it can have.",
    "azimuth_region_reported_load": "How full a region says that it is; 1 is full.",
    "azimuth_event_followers": "Readers, webhooks and files that wait for events.",
    "azimuth_webhook_waiting_events": "Events that a webhook has not taken yet.",
    "azimuth_primary_epoch":
      "The epoch of an active-passive service; which region is its primary is in the labels.",
    "azimuth_latency_networks": "Networks (/24 or /48) of which latencies are known.",
    "azimuth_ecs_resolver_queries":
      "Sampled DNS queries of the most frequent resolvers, by whether they had a client subnet.",
    "azimuth_engine_connected": "1 while a watch of the fleet's store stands.",
    "azimuth_engine_verified":
      "1 once the cluster of the fleet's store has vouched for what is known of it.",
    "azimuth_engine_watch_lag_seconds":
      "Time since the node last saw its own heartbeat on its watch of the fleet's store.",
    "azimuth_config_valid": "1 while what the fleet's store says is in force, 0 if it was refused.",
    "azimuth_config_revision":
      "The store's revision of the newest layer in force; 0 if there is none.",
    "azimuth_rollout_state": "1 for the state of the fleet's rollout; 0 for all: there is none.",
    "azimuth_rollout_step": "The step of the fleet's rollout that began last, from 1; 0: none.",
    "azimuth_rollout_in_force": "1 while this node has the text of a rollout in force.",
    "azimuth_anycast_announced": "1 while routes to the anycast addresses are to lead here.",
    "azimuth_fleet_isolated":
      "1 while the node finds itself cut off: its checks of other regions count for nothing.",
    "azimuth_fleet_frozen":
      "1 while the store is lost and the health of other regions stays as it was.",
    "azimuth_fleet_reports": "Health reports of nodes that live, its own among them.",
    "azimuth_fleet_reports_malformed": "Health reports that are not understood.",
    "azimuth_fleet_watched_endpoints": "Endpoints that the node itself watches.",
    "azimuth_fleet_latency_words":
      "Nodes of which the fleet's store has what they have measured, this one among them.",
    "azimuth_fleet_latency_words_malformed": "Those of them that are not understood.",
    "azimuth_edition": "The number of the edition that serves.",
    "azimuth_revision": "The number of the configuration that serves.",
    "azimuth_ready": "1 once the first round of health checks is complete.",
    "azimuth_region_health":
      "1 for the state that a region is in as a pool sees it, 0 for the others.",
    "azimuth_endpoint_healthy": "1 while health checks find the endpoint healthy.",
    "azimuth_override_conflicts":
      "Targets of which operators have said different things without knowing of each other.",
    "azimuth_overrides_local":
      "Overrides that this node has, and the fleet's store does not have yet.",
    "azimuth_endpoint_override": "1 while an operator's word stands on the endpoint, by state.",
    "azimuth_cohorts": "Groups of clients that share a preference list, by policy.",
    "azimuth_places": "Distinct places in the databases and override prefixes.",
    "azimuth_proxy_connections": "Connections that a listener has open.",
    "azimuth_proxy_held_bytes":
      "Memory in use for what slow peers of the proxy do not take; buffer_memory bounds it.",
    "azimuth_proxy_certificate_expiry_timestamp_seconds":
      "When a certificate of a listener holds no more, in seconds since 1970.",
    "azimuth_zone_serial": "The serial of a zone that has data.",
    "azimuth_zone_expiry_timestamp_seconds":
      "When a zone of a primary is served no longer, in seconds since 1970.",
    "process_max_fds": "File descriptors that may be open.",
    "process_open_fds": "File descriptors that are open.",
    "process_resident_memory_bytes": "Resident memory in bytes.",
    "process_start_time_seconds": "When the process started, in seconds since 1970.",
    "process_virtual_memory_bytes": "Virtual memory in bytes.",
  ]
}
