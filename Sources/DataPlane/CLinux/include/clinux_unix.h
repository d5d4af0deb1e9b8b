// Sockets of the file system: streams for dnstap, packets with descriptors for those who hand their
// sockets over. Every function that can fail gives -errno.
#ifndef CLINUX_UNIX_H
#define CLINUX_UNIX_H

#include <stddef.h>
#include <stdint.h>

#include "clinux_tcp.h"

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

/// Descriptors that one packet may carry.
enum { AZ_UNIX_DESCRIPTORS = 64 };

/// A listening socket for packets (SOCK_SEQPACKET) at `path`, which is its owner's only (mode 0600)
/// before anybody can find it. It takes the place of what is there. The descriptor, or -errno.
int az_unix_listen(const char *path);
/// Waits for nobody. The connection, or -errno.
int az_unix_accept(int fd);
/// A connection for packets. The descriptor, or -errno.
int az_unix_connect_packets(const char *path);
/// Who is at the other end. 0 or -errno.
int az_unix_peer(int fd, int32_t *process, uint32_t *user);
/// The user that this process acts as.
uint32_t az_unix_user(void);
/// Sends a packet with descriptors, whole or not at all. 0 or -errno.
int az_unix_send(int fd, const void *bytes, size_t count, const int *descriptors,
                 size_t descriptor_count);
/// Receives a packet; a longer one, or one with more descriptors, is an error, and its descriptors
/// are closed. Its length (0: the end), or -errno.
ptrdiff_t az_unix_receive(int fd, void *bytes, size_t capacity, int *descriptors,
                          size_t *descriptor_count);
/// Sends a datagram with descriptors to `path`; '@' in front: a name of the abstract kind. 0 or
/// -errno.
int az_unix_notify(const char *path, const void *bytes, size_t count, const int *descriptors,
                   size_t descriptor_count);

/// What a descriptor is, if it is a bound socket of the Internet.
enum { AZ_SOCKET_OTHER = 0, AZ_SOCKET_DATAGRAM = 1, AZ_SOCKET_LISTENING = 2 };
int az_socket_kind(int fd, az_tcp_address *address);
/// A second descriptor for the same socket, or -errno.
int az_socket_duplicate(int fd);
/// Programs that this one starts do not get the descriptor.
void az_socket_keep_private(int fd);

#endif
