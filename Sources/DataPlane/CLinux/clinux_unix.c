#define _GNU_SOURCE 1
#include "clinux_unix.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clinux_tcp.h"

int az_unix_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) > AZ_UNIX_PATH_BYTES) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

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
