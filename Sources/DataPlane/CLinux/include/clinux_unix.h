// Stream sockets of the file system, for dnstap. Every function that can fail gives -errno.
#ifndef CLINUX_UNIX_H
#define CLINUX_UNIX_H

#include <stddef.h>

/// The longest path of a socket, bytes.
enum { AZ_UNIX_PATH_BYTES = 107 };

/// A non-blocking connection to the stream socket at `path`. The descriptor, or -errno.
int az_unix_connect(const char *path);

/// What az_unix_wait found.
enum { AZ_UNIX_READABLE = 1, AZ_UNIX_WRITABLE = 2, AZ_UNIX_WOKEN = 4 };

/// Waits until the socket can be read (the peer's end counts too) or, if `wants_write`, written,
/// until the eventfd `wakeup` is signalled (it is cleared then; -1: none), or until the time is
/// over. The bits above, 0 after the time.
int az_unix_wait(int fd, int wakeup, int wants_write, int timeout_ms);

#endif
