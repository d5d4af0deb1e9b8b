import Testing

/// The program as a person meets it: started as a process, asked over sockets.
///
/// One test runs after the other, since they time each other's work. The program is the one that
/// was built beside these tests; ports are free ones; everything stays on loopback.
@Suite(.serialized) enum EndToEnd {}
