#define _GNU_SOURCE
#include "cprobe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int cprobe_make(int *wake) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) return -errno;
  *wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
  if (*wake < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, *wake, &event) != 0) {
    int error = errno;
    if (*wake >= 0) close(*wake);
    close(poller);
    return -error;
  }
  return poller;
}

static socklen_t fill(struct sockaddr_storage *storage, uint64_t high, uint64_t low, int is_ipv6,
                      uint16_t port) {
  memset(storage, 0, sizeof *storage);
  if (!is_ipv6) {
    struct sockaddr_in *address = (struct sockaddr_in *)storage;
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    address->sin_addr.s_addr = htonl((uint32_t)low);
    return sizeof *address;
  }
  struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(port);
  for (int i = 0; i < 8; i++) {
    address->sin6_addr.s6_addr[i] = (uint8_t)(high >> (56 - 8 * i));
    address->sin6_addr.s6_addr[8 + i] = (uint8_t)(low >> (56 - 8 * i));
  }
  return sizeof *address;
}

int cprobe_open(int poller, uint64_t high, uint64_t low, int is_ipv6, uint16_t port, uint64_t id) {
  struct sockaddr_storage address;
  socklen_t length = fill(&address, high, low, is_ipv6, port);
  int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  struct epoll_event event = {
      .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = id};
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
      (connect(fd, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS) ||
      epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int cprobe_wait(int poller, int milliseconds, struct cprobe_event *events, int capacity) {
  struct epoll_event found[256];
  int count = epoll_wait(poller, found, capacity < 256 ? capacity : 256, milliseconds);
  for (int i = 0; i < count; i++) {
    uint32_t mask = found[i].events;
    events[i].id = found[i].data.u64;
    events[i].is_writable = (mask & EPOLLOUT) != 0;
    events[i].is_readable = (mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    events[i].is_ended = (mask & (EPOLLRDHUP | EPOLLHUP)) != 0;
    events[i].is_broken = (mask & EPOLLERR) != 0;
  }
  return count < 0 ? 0 : count;
}

void cprobe_wake(int wake) {
  uint64_t one = 1;
  (void)!write(wake, &one, sizeof one);
}

void cprobe_take_wake(int wake) {
  uint64_t count;
  (void)!read(wake, &count, sizeof count);
}

int cprobe_take_error(int descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

long cprobe_send(int descriptor, const void *bytes, size_t count) {
  ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

long cprobe_receive(int descriptor, void *bytes, size_t capacity) {
  ssize_t received = recv(descriptor, bytes, capacity, 0);
  return received < 0 ? -errno : received;
}
