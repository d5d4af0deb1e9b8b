// The system calls of the TCP proxy, in a form that Swift reads without unions, varargs and macros.
// Every function that can fail gives -errno.
#ifndef CLINUX_TCP_H
#define CLINUX_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/// An address and a port in host byte order; IPv4 in the low 32 bits of `low`.
typedef struct {
  uint64_t high;
  uint64_t low;
  uint16_t port;
  uint8_t is_ipv6;
} az_tcp_address;

/// What a sockaddr_in or sockaddr_in6 says; all zeros of another family.
az_tcp_address az_tcp_address_of(const void *sockaddr);

/// Options of a socket (tcp(7), socket(7)); 0: the system's own value. Accepted sockets inherit
/// those of their listener.
typedef struct {
  int keepalive_idle_s;
  int keepalive_interval_s;
  int keepalive_probes;
  int user_timeout_ms;
  /// Of a listener: connections that may wait with data in their SYN (RFC 7413 §4.1.2).
  int fast_open_queue;
  uint32_t mark;
  /// Nagle's algorithm stays on.
  uint8_t delays;
} az_tcp_options;

/// A non-blocking listener with SO_REUSEPORT; IPv6 only where the address is IPv6. The descriptor,
/// or -errno.
int az_tcp_listen(const az_tcp_address *address, int backlog, const az_tcp_options *options);
/// The same without SO_REUSEPORT: nobody else can listen there.
int az_tcp_listen_alone(const az_tcp_address *address, int backlog);
/// Gives a listener of another process these options. 0 or -errno.
int az_tcp_adopt(int fd, int backlog, const az_tcp_options *options);
/// Whether somebody else listens there: binds without SO_REUSEPORT and closes. 0 or -errno.
int az_tcp_probe_bind(const az_tcp_address *address);
/// A non-blocking connection and who opened it.
int az_tcp_accept(int listener, az_tcp_address *peer);
/// A non-blocking socket whose connection is under way (or complete): EPOLLOUT or EPOLLERR tell.
/// From `source` (its port is not looked at), unless that is NULL.
int az_tcp_connect(const az_tcp_address *address, const az_tcp_address *source,
                   const az_tcp_options *options);
/// The address a socket is bound to.
int az_tcp_local_address(int fd, az_tcp_address *address);
/// Takes the pending error of a socket: an errno, 0 if there is none.
int az_tcp_take_error(int fd);
/// The lowest round trip of a connection so far, microseconds; 0: none was measured.
uint32_t az_tcp_lowest_round_trip(int fd);
ptrdiff_t az_tcp_receive(int fd, void *bytes, size_t count);
/// Without SIGPIPE.
ptrdiff_t az_tcp_send(int fd, const void *bytes, size_t count);
/// As az_tcp_receive, but leaves the bytes in the socket.
ptrdiff_t az_tcp_peek(int fd, void *bytes, size_t count);
/// Takes up to `count` bytes that were peeked at from the socket, without copying them.
ptrdiff_t az_tcp_drop(int fd, size_t count);
int az_tcp_shutdown_write(int fd);
void az_tcp_close(int fd);
/// Closes with a reset (SO_LINGER on, 0 s): what is unsent is dropped and the peer learns it.
void az_tcp_reset(int fd);

/// A non-blocking pipe that holds up to `capacity` bytes; how many it does hold, or -errno.
int az_pipe_create(int *read_end, int *write_end, int capacity);
/// Moves up to `count` bytes between a socket and a pipe without copying them; what recv and send
/// would return. For threads of az_thread_start: splice has no flag against SIGPIPE, which they
/// block.
ptrdiff_t az_splice(int from, int to, size_t count);

int az_epoll_create(void);
int az_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);
int az_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data);
int az_epoll_remove(int epoll, int fd);
/// Waits again after EINTR with the same time-out.
int az_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms);
/// `epoll_event` is packed: read by these.
static inline uint32_t az_epoll_mask(const struct epoll_event *event) { return event->events; }
static inline uint64_t az_epoll_data(const struct epoll_event *event) { return event->data.u64; }

/// A non-blocking eventfd, to wake a thread that waits.
int az_wakeup_create(void);
void az_wakeup_signal(int fd);
void az_wakeup_clear(int fd);
/// Waits until the eventfd is signalled or the time is over.
void az_wakeup_wait(int fd, int timeout_ms);

/// Opens for appending, made if absent (mode 0640).
int az_log_open(const char *path);
/// Whether the file has no name any more: somebody has deleted it.
int az_log_is_gone(int fd);
/// Writes all; 0 or -errno, and how much was written.
int az_log_write(int fd, const void *bytes, size_t count, ptrdiff_t *written);

uint64_t az_monotonic_ns(void);
uint64_t az_wall_clock_ns(void);

/// Starts a thread that blocks all signals (they are the main thread's). 0 or -errno.
int az_thread_start(const char *name, void (*body)(void *), void *context, uint64_t *thread);
void az_thread_join(uint64_t thread);

#endif
