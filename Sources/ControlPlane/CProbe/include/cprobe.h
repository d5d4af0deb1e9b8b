#pragma once

#include <stddef.h>
#include <stdint.h>

// The system calls of plain health checks, as few as there can be of them. What fails gives a negative error
// number.

/// What epoll says of a connection.
struct cprobe_event {
  /// As given to ``cprobe_open``; 0: somebody has called ``cprobe_wake``.
  uint64_t id;
  uint8_t is_writable;
  /// Bytes, the end of them, or an error.
  uint8_t is_readable;
  /// Nothing more will come than what is there.
  uint8_t is_ended;
  /// The connection was refused, reset, or could not be made.
  uint8_t is_broken;
};

/// An epoll descriptor which a second one, `wake`, wakes.
int cprobe_make(int *wake);

/// Begins a connection without waiting for it, and has everything that comes of it told once. It will be
/// closed by a reset: half the packets, and nothing waits for a minute on this machine.
///
/// - high, low: the bits of an address; of IPv4 `low` alone.
/// - Returns: the descriptor.
int cprobe_open(int poller, uint64_t high, uint64_t low, int is_ipv6, uint16_t port, uint64_t id);

/// Waits so many milliseconds at the most; below 0: for ever.
///
/// - Returns: how many of `events` there are.
int cprobe_wait(int poller, int milliseconds, struct cprobe_event *events, int capacity);

void cprobe_wake(int wake);

/// Makes ready for the next ``cprobe_wake``.
void cprobe_take_wake(int wake);

/// The pending error of a connection; 0: none.
int cprobe_take_error(int descriptor);

long cprobe_send(int descriptor, const void *bytes, size_t count);

/// 0: the connection has ended.
long cprobe_receive(int descriptor, void *bytes, size_t capacity);
