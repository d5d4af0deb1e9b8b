#define _GNU_SOURCE 1
#include "clinux_udp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int fail(int fd) {
  int error = errno;
  if (fd >= 0) close(fd);
  return -error;
}

static int is_wildcard(const uint8_t *address, int is_ipv6) {
  for (int i = 0; i < (is_ipv6 ? 16 : 4); i++) {
    if (address[i] != 0) return 0;
  }
  return 1;
}

/// Datagrams are never cut smaller, here or on the way, for a path MTU that somebody tells us by
/// ICMP: such messages are easily forged, and whoever can make us send fragments can replace all
/// but the first (RFC 9715 §3.1). OMIT ignores them for good; kernels without it get DONT.
static void ignore_path_mtu(int fd, int is_ipv6) {
  int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  int name = is_ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
  int omit = is_ipv6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
  int dont = is_ipv6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
  if (setsockopt(fd, level, name, &omit, sizeof omit) != 0)
    setsockopt(fd, level, name, &dont, sizeof dont);
}

/// Options that the socket must have; 0 or -1.
static int set_options(int fd, const uint8_t *address, int is_ipv6, int timeout_ms) {
  int one = 1;
  struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) return -1;
  ignore_path_mtu(fd, is_ipv6);
  if (!is_wildcard(address, is_ipv6)) return 0;
  // Replies must leave from the address that was asked (RFC 2181 §4).
  return is_ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one)
                 : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
}

/// Options that must be set before the socket is bound; 0 or -1.
static int set_binding_options(int fd, int is_ipv6) {
  int one = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) return -1;
  return is_ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) : 0;
}

static void set_receive_buffer(int fd, int byte_count) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &byte_count, sizeof byte_count) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &byte_count, sizeof byte_count);
  }
}

int az_udp_adopt(int fd, const uint8_t *address, int is_ipv6, int receive_buffer, int timeout_ms) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) return -errno;
  if (set_options(fd, address, is_ipv6, timeout_ms) != 0) return -errno;
  set_receive_buffer(fd, receive_buffer);
  return 0;
}

int az_udp_open(const uint8_t *address, int is_ipv6, uint16_t port, int receive_buffer,
                int timeout_ms) {
  int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(fd);
  if (set_binding_options(fd, is_ipv6) != 0) return fail(fd);
  if (set_options(fd, address, is_ipv6, timeout_ms) != 0) return fail(fd);
  set_receive_buffer(fd, receive_buffer);
  struct sockaddr_storage storage;
  memset(&storage, 0, sizeof storage);
  socklen_t length;
  if (is_ipv6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address, 16);
    length = sizeof *v6;
  } else {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, address, 4);
    length = sizeof *v4;
  }
  if (bind(fd, (struct sockaddr *)&storage, length) != 0) return fail(fd);
  return fd;
}

int az_udp_port(int fd) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  if (getsockname(fd, (struct sockaddr *)&storage, &length) != 0) return -errno;
  return storage.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&storage)->sin6_port)
                                       : ntohs(((struct sockaddr_in *)&storage)->sin_port);
}

int az_udp_receive_buffer(int fd) {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) != 0 ? -errno : bytes;
}

void az_udp_close(int fd) { close(fd); }

static void arm(az_udp_batch *batch, unsigned slot) {
  struct msghdr *header = &batch->messages[slot].msg_hdr;
  header->msg_namelen = sizeof batch->sources[slot];
  header->msg_controllen = batch->keeps_destination ? AZ_UDP_CONTROL_BYTES : 0;
  batch->vectors[slot].iov_len = batch->receive_bytes;
}

az_udp_batch *az_udp_batch_create(unsigned capacity, size_t stride, size_t receive_bytes,
                                  int keeps_destination) {
  az_udp_batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL) return NULL;
  batch->capacity = capacity;
  batch->stride = stride;
  batch->receive_bytes = receive_bytes;
  batch->keeps_destination = keeps_destination;
  batch->bytes = aligned_alloc(64, (capacity * stride + 63) / 64 * 64);
  batch->messages = calloc(capacity, sizeof *batch->messages);
  batch->vectors = calloc(capacity, sizeof *batch->vectors);
  batch->sources = calloc(capacity, sizeof *batch->sources);
  batch->controls = calloc(capacity, AZ_UDP_CONTROL_BYTES);
  batch->lengths = calloc(capacity, sizeof *batch->lengths);
  if (batch->bytes == NULL || batch->lengths == NULL || batch->messages == NULL || batch->vectors == NULL ||
      batch->sources == NULL || batch->controls == NULL) {
    az_udp_batch_destroy(batch);
    return NULL;
  }
  memset(batch->bytes, 0, capacity * stride);
  for (unsigned slot = 0; slot < capacity; slot++) {
    struct msghdr *header = &batch->messages[slot].msg_hdr;
    batch->vectors[slot].iov_base = batch->bytes + slot * stride;
    header->msg_iov = &batch->vectors[slot];
    header->msg_iovlen = 1;
    header->msg_name = &batch->sources[slot];
    header->msg_control = keeps_destination ? batch->controls + slot * AZ_UDP_CONTROL_BYTES : NULL;
    arm(batch, slot);
  }
  return batch;
}

void az_udp_batch_destroy(az_udp_batch *batch) {
  free(batch->bytes);
  free(batch->messages);
  free(batch->vectors);
  free(batch->sources);
  free(batch->controls);
  free(batch->lengths);
  free(batch);
}

int az_udp_receive(int fd, az_udp_batch *batch) {
  for (unsigned slot = 0; slot < batch->filled; slot++) arm(batch, slot);
  batch->filled = 0;
  int count = recvmmsg(fd, batch->messages, batch->capacity, MSG_WAITFORONE, NULL);
  if (count < 0) return -errno;
  batch->filled = (unsigned)count;
  for (int slot = 0; slot < count; slot++) batch->lengths[slot] = batch->messages[slot].msg_len;
  return count;
}

int az_udp_destination(const az_udp_batch *batch, unsigned slot, az_udp_source *destination) {
  struct msghdr *header = &batch->messages[slot].msg_hdr;
  if (!batch->keeps_destination) return 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      const struct in_pktinfo *info = (const struct in_pktinfo *)CMSG_DATA(c);
      *destination = (az_udp_source){.low = ntohl(info->ipi_addr.s_addr)};
      return 1;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      const struct in6_pktinfo *info = (const struct in6_pktinfo *)CMSG_DATA(c);
      *destination = az_udp_address6(info->ipi6_addr.s6_addr);
      return 1;
    }
  }
  return 0;
}

/// The received control message as the one to send with: the same address, any interface.
static void keep_destination(struct msghdr *header) {
  size_t length = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
      info->ipi_ifindex = 0;
      info->ipi_spec_dst = info->ipi_addr;
      length = CMSG_SPACE(sizeof *info);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
      // Link-local addresses mean nothing without their interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
      length = CMSG_SPACE(sizeof *info);
    }
  }
  header->msg_controllen = length;
}

/// Sends the slots from `first` to `end`; how many were sent.
static int send_run(int fd, az_udp_batch *batch, unsigned first, unsigned end) {
  int total = 0;
  int retries = 0;
  while (first < end) {
    int sent = sendmmsg(fd, batch->messages + first, end - first, 0);
    if (sent > 0) {
      total += sent;
      first += (unsigned)sent;
      retries = 0;
    } else if (errno == EINTR) {
      continue;
    } else if ((errno == ENOBUFS || errno == EAGAIN) && retries < 3) {
      retries++;
      az_udp_pause();
    } else {
      first++;
      retries = 0;
    }
  }
  return total;
}

int az_udp_send(int fd, az_udp_batch *batch) {
  int total = 0;
  unsigned slot = 0;
  while (slot < batch->filled) {
    unsigned end = slot;
    while (end < batch->filled && batch->vectors[end].iov_len > 0) {
      if (batch->keeps_destination) keep_destination(&batch->messages[end].msg_hdr);
      end++;
    }
    if (end > slot) total += send_run(fd, batch, slot, end);
    slot = end + 1;
  }
  return total;
}

void az_udp_pause(void) {
  struct timespec pause = {0, 1000000};
  nanosleep(&pause, NULL);
}
