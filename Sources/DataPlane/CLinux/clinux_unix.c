#define _GNU_SOURCE 1
#include "clinux_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clinux_tcp.h"

static int connect_to(const char *path, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) > AZ_UNIX_PATH_BYTES) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int az_unix_connect(const char *path) { return connect_to(path, SOCK_STREAM | SOCK_NONBLOCK); }

int az_unix_connect_packets(const char *path) { return connect_to(path, SOCK_SEQPACKET); }

/// Closes and removes; -errno of what went wrong before.
static int give_up(int fd, const char *path) {
  int error = errno;
  close(fd);
  if (path) unlink(path);
  return -error;
}

int az_unix_listen(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  // Made under another name, so that nobody meets it before it is as it should be.
  int length = snprintf(address.sun_path, sizeof address.sun_path, "%s.%d", path, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof address.sun_path) return -ENAMETOOLONG;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  unlink(address.sun_path);
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) return give_up(fd, NULL);
  if (chmod(address.sun_path, 0600) || listen(fd, 8) || rename(address.sun_path, path))
    return give_up(fd, address.sun_path);
  return fd;
}

int az_unix_accept(int fd) {
  int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  return connection < 0 ? -errno : connection;
}

int az_unix_peer(int fd, int32_t *process, uint32_t *user) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length)) return -errno;
  *process = credentials.pid;
  *user = credentials.uid;
  return 0;
}

uint32_t az_unix_user(void) { return geteuid(); }

/// Room for the control message of all descriptors that a packet may have.
typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(AZ_UNIX_DESCRIPTORS * sizeof(int))];
} descriptor_space;

static int send_with(int fd, const struct sockaddr_un *to, socklen_t to_length, const void *bytes,
                     size_t count, const int *descriptors, size_t descriptor_count) {
  if (descriptor_count > AZ_UNIX_DESCRIPTORS) return -E2BIG;
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_name = (void *)to, .msg_namelen = to_length};
  descriptor_space space;
  memset(&space, 0, sizeof space);
  if (descriptor_count > 0) {
    size_t size = descriptor_count * sizeof(int);
    message.msg_control = space.bytes;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), descriptors, size);
  }
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return -errno;
  return (size_t)sent == count ? 0 : -EMSGSIZE;
}

int az_unix_send(int fd, const void *bytes, size_t count, const int *descriptors,
                 size_t descriptor_count) {
  return send_with(fd, NULL, 0, bytes, count, descriptors, descriptor_count);
}

ptrdiff_t az_unix_receive(int fd, void *bytes, size_t capacity, int *descriptors,
                          size_t *descriptor_count) {
  struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
  descriptor_space space;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = space.bytes,
      .msg_controllen = sizeof space.bytes};
  size_t limit = *descriptor_count, found = 0;
  *descriptor_count = 0;
  ssize_t received;
  do received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  int is_cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof descriptor);
      if (found < limit && !is_cut) {
        descriptors[found++] = descriptor;
      } else {
        close(descriptor);
        is_cut = 1;
      }
    }
  }
  if (is_cut) {
    for (size_t i = 0; i < found; i++) close(descriptors[i]);
    return -EMSGSIZE;
  }
  *descriptor_count = found;
  return received;
}

int az_unix_notify(const char *path, const void *bytes, size_t count, const int *descriptors,
                   size_t descriptor_count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length == 0 || length > AZ_UNIX_PATH_BYTES) return -ENAMETOOLONG;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  int result = send_with(fd, &address, size, bytes, count, descriptors, descriptor_count);
  close(fd);
  return result;
}

int az_socket_kind(int fd, az_tcp_address *address) {
  int type = 0, listens = 0;
  socklen_t length = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length)) return AZ_SOCKET_OTHER;
  if (az_tcp_local_address(fd, address) || address->port == 0) return AZ_SOCKET_OTHER;
  if (type == SOCK_DGRAM) return AZ_SOCKET_DATAGRAM;
  length = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length)) return AZ_SOCKET_OTHER;
  return type == SOCK_STREAM && listens ? AZ_SOCKET_LISTENING : AZ_SOCKET_OTHER;
}

int az_socket_duplicate(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}

void az_socket_keep_private(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

int az_unix_wait(int fd, int wakeup, int wants_write, int timeout_ms) {
  struct pollfd entries[2] = {
      {.fd = fd, .events = POLLIN | (wants_write ? POLLOUT : 0)},
      {.fd = wakeup, .events = POLLIN},
  };
  if (poll(entries, 2, timeout_ms) <= 0) return 0;
  int found = 0;
  if (entries[0].revents & (POLLIN | POLLHUP | POLLERR)) found |= AZ_UNIX_READABLE;
  if (entries[0].revents & (POLLOUT | POLLHUP | POLLERR)) found |= AZ_UNIX_WRITABLE;
  if (entries[1].revents & POLLIN) {
    az_wakeup_clear(wakeup);
    found |= AZ_UNIX_WOKEN;
  }
  return found;
}
