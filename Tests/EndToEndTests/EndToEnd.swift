import Testing

/// The program as a person meets it: started as a process, asked over sockets.
///
/// One test runs after the other, since they time each other's work. The program is the one that
/// was built beside these tests; ports are free ones; everything stays on loopback.
@Suite(.serialized) enum EndToEnd {}

/// What mostly waits: for leases, elections, bake times, a region that fills or empties. It times
/// nothing shorter than seconds, and so goes on, one after the other too, beside `EndToEnd`.
@Suite(.serialized) enum EndToEndWaiting {}
