#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "clinux_tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static socklen_t fill(struct sockaddr_storage *storage, const az_tcp_address *address) {
  memset(storage, 0, sizeof *storage);
  if (!address->is_ipv6) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    v4->sin_addr.s_addr = htonl((uint32_t)address->low);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address->port);
  uint64_t words[2] = {__builtin_bswap64(address->high), __builtin_bswap64(address->low)};
  memcpy(&v6->sin6_addr, words, sizeof words);
  return sizeof *v6;
}

static void read_back(const struct sockaddr_storage *storage, az_tcp_address *address) {
  memset(address, 0, sizeof *address);
  if (storage->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
    address->low = ntohl(v4->sin_addr.s_addr);
    address->port = ntohs(v4->sin_port);
  } else if (storage->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
    uint64_t words[2];
    memcpy(words, &v6->sin6_addr, sizeof words);
    address->high = __builtin_bswap64(words[0]);
    address->low = __builtin_bswap64(words[1]);
    address->port = ntohs(v6->sin6_port);
    address->is_ipv6 = 1;
  }
}

az_tcp_address az_tcp_address_of(const void *sockaddr) {
  az_tcp_address address;
  read_back(sockaddr, &address);
  return address;
}

static int failed(int fd) {
  int error = errno;
  close(fd);
  return -error;
}

static int open_socket(const az_tcp_address *address) {
  int family = address->is_ipv6 ? AF_INET6 : AF_INET;
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

static int bind_socket(const az_tcp_address *address, int shares_port) {
  int fd = open_socket(address), one = 1;
  if (fd < 0) return fd;
  struct sockaddr_storage storage;
  socklen_t length = fill(&storage, address);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)) return failed(fd);
  if (shares_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one)) return failed(fd);
  if (address->is_ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one))
    return failed(fd);
  if (bind(fd, (struct sockaddr *)&storage, length)) return failed(fd);
  return fd;
}

static int set_int(int fd, int level, int name, int value) {
  return value == 0 ? 0 : setsockopt(fd, level, name, &value, sizeof value);
}

static int apply(int fd, const az_tcp_options *options) {
  int keeps_alive = options->keepalive_idle_s != 0;
  return set_int(fd, IPPROTO_TCP, TCP_NODELAY, !options->delays)
      || set_int(fd, SOL_SOCKET, SO_KEEPALIVE, keeps_alive)
      || set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_idle_s)
      || set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->keepalive_interval_s)
      || set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, options->keepalive_probes)
      || set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->user_timeout_ms)
      || set_int(fd, SOL_SOCKET, SO_MARK, (int)options->mark);
}

int az_tcp_listen(const az_tcp_address *address, int backlog, const az_tcp_options *options) {
  int fd = bind_socket(address, 1);
  if (fd < 0) return fd;
  if (apply(fd, options)) return failed(fd);
  if (set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, options->fast_open_queue)) return failed(fd);
  if (listen(fd, backlog)) return failed(fd);
  return fd;
}

int az_tcp_listen_alone(const az_tcp_address *address, int backlog) {
  int fd = bind_socket(address, 0);
  if (fd < 0) return fd;
  if (listen(fd, backlog)) return failed(fd);
  return fd;
}

int az_tcp_adopt(int fd, int backlog, const az_tcp_options *options) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) return -errno;
  if (apply(fd, options)) return -errno;
  if (set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, options->fast_open_queue)) return -errno;
  return listen(fd, backlog) ? -errno : 0;
}

int az_tcp_probe_bind(const az_tcp_address *address) {
  int fd = bind_socket(address, 0);
  if (fd < 0) return fd;
  close(fd);
  return 0;
}

int az_tcp_accept(int listener, az_tcp_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  storage.ss_family = AF_UNSPEC;
  int fd = accept4(listener, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  read_back(&storage, peer);
  return fd;
}

int az_tcp_connect(const az_tcp_address *address, const az_tcp_address *source,
                   const az_tcp_options *options) {
  int fd = open_socket(address);
  if (fd < 0) return fd;
  struct sockaddr_storage storage;
  if (apply(fd, options)) return failed(fd);
  if (source && source->is_ipv6 == address->is_ipv6) {
    socklen_t source_length = fill(&storage, source);
    // The port is chosen at connect, by both ends: else 28,000 connections would be the most.
    if (set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)) return failed(fd);
    if (bind(fd, (struct sockaddr *)&storage, source_length)) return failed(fd);
  }
  socklen_t length = fill(&storage, address);
  if (connect(fd, (struct sockaddr *)&storage, length) && errno != EINPROGRESS) return failed(fd);
  return fd;
}

int az_tcp_local_address(int fd, az_tcp_address *address) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  if (getsockname(fd, (struct sockaddr *)&storage, &length)) return -errno;
  read_back(&storage, address);
  return 0;
}

int az_tcp_take_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? errno : error;
}

ptrdiff_t az_tcp_receive(int fd, void *bytes, size_t count) {
  ptrdiff_t result;
  do result = recv(fd, bytes, count, 0);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ptrdiff_t az_tcp_send(int fd, const void *bytes, size_t count) {
  ptrdiff_t result;
  do result = send(fd, bytes, count, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ptrdiff_t az_tcp_peek(int fd, void *bytes, size_t count) {
  ptrdiff_t result;
  do result = recv(fd, bytes, count, MSG_PEEK);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ptrdiff_t az_tcp_drop(int fd, size_t count) {
  ptrdiff_t result;
  do result = recv(fd, NULL, count, MSG_TRUNC);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int az_tcp_shutdown_write(int fd) { return shutdown(fd, SHUT_WR) ? -errno : 0; }

void az_tcp_close(int fd) { close(fd); }

void az_tcp_reset(int fd) {
  struct linger hard = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
}

int az_pipe_create(int *read_end, int *write_end, int capacity) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC)) return -errno;
  *read_end = ends[0];
  *write_end = ends[1];
  // Refused beyond what the user may hold in pipes: then it is what it is.
  fcntl(ends[1], F_SETPIPE_SZ, capacity);
  return fcntl(ends[1], F_GETPIPE_SZ);
}

ptrdiff_t az_splice(int from, int to, size_t count) {
  ptrdiff_t result;
  do result = splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int az_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int az_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int az_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) ? -errno : 0;
}

int az_epoll_remove(int epoll, int fd) {
  struct epoll_event event = {0};
  return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event) ? -errno : 0;
}

int az_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
  int count;
  do count = epoll_wait(epoll, events, capacity, timeout_ms);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int az_wakeup_create(void) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

void az_wakeup_signal(int fd) {
  // Fails only when the counter is full: then the reader has been woken already.
  (void)eventfd_write(fd, 1);
}

void az_wakeup_clear(int fd) {
  eventfd_t value;
  (void)eventfd_read(fd, &value);
}

void az_wakeup_wait(int fd, int timeout_ms) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  if (poll(&entry, 1, timeout_ms) > 0) az_wakeup_clear(fd);
}

int az_log_open(const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  return fd < 0 ? -errno : fd;
}

int az_log_is_gone(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

int az_log_write(int fd, const void *bytes, size_t count, ptrdiff_t *written) {
  *written = 0;
  while ((size_t)*written < count) {
    ssize_t result = write(fd, (const char *)bytes + *written, count - (size_t)*written);
    if (result < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return -errno;
      // Standard output may have been made non-blocking by whoever shares it.
      struct pollfd entry = {.fd = fd, .events = POLLOUT};
      (void)poll(&entry, 1, 1000);
      continue;
    }
    *written += result;
  }
  return 0;
}

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t az_monotonic_ns(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t az_wall_clock_ns(void) { return read_clock(CLOCK_REALTIME); }

struct thread_start {
  void (*body)(void *);
  void *context;
};

static void *run_thread(void *argument) {
  struct thread_start start = *(struct thread_start *)argument;
  free(argument);
  start.body(start.context);
  return NULL;
}

int az_thread_start(const char *name, void (*body)(void *), void *context, uint64_t *thread) {
  struct thread_start *start = malloc(sizeof *start);
  if (!start) return -ENOMEM;
  *start = (struct thread_start){body, context};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t id;
  int error = pthread_create(&id, NULL, run_thread, start);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error) {
    free(start);
    return -error;
  }
  pthread_setname_np(id, name);
  *thread = (uint64_t)id;
  return 0;
}

void az_thread_join(uint64_t thread) { pthread_join((pthread_t)thread, NULL); }
