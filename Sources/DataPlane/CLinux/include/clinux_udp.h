// Batches of datagrams for the DNS listener: recvmmsg, sendmmsg and the control messages that keep
// the address a query came to. Every function that can fail gives -errno.
#ifndef CLINUX_UDP_H
#define CLINUX_UDP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct mmsghdr;

/// Room for one in_pktinfo or in6_pktinfo.
enum { AZ_UDP_CONTROL_BYTES = 64 };

/// Datagrams that are received, answered in place and sent together. Owned by one thread.
typedef struct {
  unsigned capacity;
  /// From one datagram's bytes to the next one's.
  size_t stride;
  size_t receive_bytes;
  /// Whether the destination is kept, for sockets bound to a wildcard address.
  int keeps_destination;
  uint8_t *bytes;
  struct mmsghdr *messages;
  struct iovec *vectors;
  struct sockaddr_storage *sources;
  uint8_t *controls;
  uint32_t *lengths;
  /// How many slots the last receive filled.
  unsigned filled;
} az_udp_batch;

/// An address as numbers in host byte order; IPv4 in the low 32 bits of `low`.
typedef struct {
  uint64_t high;
  uint64_t low;
  uint16_t port;
  uint8_t is_ipv6;
} az_udp_source;

/// A bound socket with SO_REUSEPORT, a receive time-out, and IPV6_V6ONLY where it is IPv6; with
/// packet information if the address is a wildcard. The descriptor or -errno.
///
/// `address` has 4 or 16 bytes in network order. `receive_buffer` in bytes; beyond the system's
/// limit it is granted to the privileged only, others get the limit.
int az_udp_open(const uint8_t *address, int is_ipv6, uint16_t port, int receive_buffer,
                int timeout_ms);
/// Gives a bound socket of another process what az_udp_open gives its own. 0 or -errno.
int az_udp_adopt(int fd, const uint8_t *address, int is_ipv6, int receive_buffer, int timeout_ms);
/// The port a socket is bound to, or -errno.
int az_udp_port(int fd);
/// The receive buffer as the kernel accounts it (twice what was asked), or -errno.
int az_udp_receive_buffer(int fd);
void az_udp_close(int fd);

/// NULL if there is no memory. `stride` is more than `receive_bytes`.
az_udp_batch *az_udp_batch_create(unsigned capacity, size_t stride, size_t receive_bytes,
                                  int keeps_destination);
void az_udp_batch_destroy(az_udp_batch *batch);

/// Waits for at least one datagram and takes as many as there are. Their count, or -errno: EAGAIN
/// after the socket's time-out.
int az_udp_receive(int fd, az_udp_batch *batch);
/// Sends the slots that have a reply. Datagrams that the kernel refuses (no route, port 0) are
/// skipped. How many were sent.
int az_udp_send(int fd, az_udp_batch *batch);
/// After an error that would come at once again.
void az_udp_pause(void);

static inline void *az_udp_bytes(const az_udp_batch *batch, unsigned slot) {
  return batch->bytes + slot * batch->stride;
}

static inline size_t az_udp_length(const az_udp_batch *batch, unsigned slot) {
  return batch->lengths[slot];
}

/// Takes bytes off the front of a datagram, at most as many as it has.
static inline void az_udp_drop_front(az_udp_batch *batch, unsigned slot, size_t count) {
  uint8_t *bytes = az_udp_bytes(batch, slot);
  batch->lengths[slot] -= (uint32_t)count;
  memmove(bytes, bytes + count, batch->lengths[slot]);
}

/// 0: no reply.
static inline void az_udp_set_reply(az_udp_batch *batch, unsigned slot, size_t length) {
  batch->vectors[slot].iov_len = length;
}

/// The address that the datagram in a filled slot was sent to, without the port. 0: it is not known,
/// since the batch does not keep destinations.
int az_udp_destination(const az_udp_batch *batch, unsigned slot, az_udp_source *destination);

static inline az_udp_source az_udp_address6(const uint8_t *bytes) {
  az_udp_source result = {.is_ipv6 = 1};
  for (int i = 0; i < 8; i++) {
    result.high = result.high << 8 | bytes[i];
    result.low = result.low << 8 | bytes[i + 8];
  }
  return result;
}

static inline az_udp_source az_udp_source_of(const az_udp_batch *batch, unsigned slot) {
  const struct sockaddr_storage *source = &batch->sources[slot];
  if (source->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)source;
    return (az_udp_source){.low = ntohl(v4->sin_addr.s_addr), .port = ntohs(v4->sin_port)};
  }
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)source;
  az_udp_source result = az_udp_address6(v6->sin6_addr.s6_addr);
  result.port = ntohs(v6->sin6_port);
  return result;
}

#endif
