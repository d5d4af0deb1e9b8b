#ifndef CTLS_H
#define CTLS_H

#include <stddef.h>
#include <stdint.h>

/// What an operation on a session answers in place of a count of bytes.
enum {
  /// Nothing happens before the socket can be read, or written.
  AZ_TLS_WANTS_READ = -1,
  AZ_TLS_WANTS_WRITE = -2,
  /// The peer has sent close_notify: its stream is whole.
  AZ_TLS_ENDED = -3,
  /// The peer has sent FIN without it.
  AZ_TLS_TRUNCATED = -4,
  /// The connection is gone.
  AZ_TLS_RESET = -5,
  /// A rule was broken, or a certificate is not good: az_tls_reason says which.
  AZ_TLS_BROKEN = -6,
};

/// What is wrong with files, or with names.
enum {
  AZ_TLS_OK = 0,
  AZ_TLS_NO_CERTIFICATE = 1,
  AZ_TLS_NO_KEY = 2,
  AZ_TLS_FOREIGN_KEY = 3,
  AZ_TLS_NO_ROOTS = 4,
  AZ_TLS_BAD_PROTOCOLS = 5,
  AZ_TLS_NO_MEMORY = 6,
};

/// Whether clients show certificates.
enum { AZ_TLS_CLIENTS_OFF = 0, AZ_TLS_CLIENTS_OPTIONAL = 1, AZ_TLS_CLIENTS_REQUIRED = 2 };

typedef struct az_tls_identity az_tls_identity;
typedef struct az_tls_context az_tls_context;
typedef struct az_tls_session az_tls_session;

/// A chain of certificates, its first one's own first, and their key; NULL: `fault` says why.
az_tls_identity *az_tls_identity_load(const char *certificate_file, const char *key_file,
                                      int *fault);
void az_tls_identity_free(az_tls_identity *identity);
/// Names of its first certificate, in lower case.
int az_tls_identity_name_count(const az_tls_identity *identity);
const char *az_tls_identity_name(const az_tls_identity *identity, int index);
/// Seconds since 1970 after which the first certificate holds no more.
int64_t az_tls_identity_end(const az_tls_identity *identity);

typedef struct {
  /// 0x0303 or 0x0304.
  int minimum_version;
  /// Names of ALPN (RFC 7301 §3.1), each behind its length.
  const uint8_t *protocols;
  size_t protocols_length;
  /// PEM; NULL: of a server, none; of a client, those of the system.
  const char *roots_file;
  /// Of a server: AZ_TLS_CLIENTS_….
  int clients;
  /// Of a client: whether the server has to prove its name.
  int verifies;
  /// Sessions are resumed only where this is the same.
  const uint8_t *scope;
  size_t scope_length;
} az_tls_rules;

/// Takes over the identities (at least one), even if it fails; `fault` says why it does.
az_tls_context *az_tls_server(const az_tls_rules *rules, az_tls_identity *const *identities,
                              size_t count, int *fault);
/// The same for connections to servers; `identity` may be NULL.
az_tls_context *az_tls_client(const az_tls_rules *rules, az_tls_identity *identity, int *fault);
/// Sessions keep what they need.
void az_tls_context_free(az_tls_context *context);
/// The key that tickets are made with is new from now on; the one before is still known.
void az_tls_rotate_ticket_keys(void);

/// A session on a connected non-blocking socket, which stays its owner's; NULL: no memory.
az_tls_session *az_tls_accept(az_tls_context *context, int fd);
/// `name` is asked for and has to be proven; without one, `address` (4 or 16 bytes) has to be.
az_tls_session *az_tls_connect(az_tls_context *context, int fd, const char *name,
                               const uint8_t *address, size_t address_length);
void az_tls_free(az_tls_session *session);
/// 0: done.
long az_tls_handshake(az_tls_session *session);
/// Up to `capacity` bytes, over as many records as there are.
long az_tls_read(az_tls_session *session, void *bytes, size_t capacity);
/// As many bytes as the socket takes; a retry begins with the first that was not taken, and is no
/// shorter.
long az_tls_write(az_tls_session *session, const void *bytes, size_t count);
/// Sends close_notify. 0: done.
long az_tls_finish(az_tls_session *session);
/// Whether a read may give more before epoll says so.
int az_tls_has_more(const az_tls_session *session);
/// Why it is broken; lives for ever.
const char *az_tls_reason(const az_tls_session *session);

/// 0x0303 or 0x0304.
int az_tls_version(const az_tls_session *session);
/// Lives for ever.
const char *az_tls_cipher(const az_tls_session *session);
/// What the client asked for, or NULL; lives as long as the session.
const char *az_tls_server_name(const az_tls_session *session);
/// Lives as long as the session.
const uint8_t *az_tls_protocol(const az_tls_session *session, size_t *length);
int az_tls_is_resumed(const az_tls_session *session);
/// Whether the peer has shown a certificate; it is good, or there would be no session.
int az_tls_has_certificate(const az_tls_session *session);
/// The common name in that certificate; its length, 0 if there is none.
size_t az_tls_common_name(const az_tls_session *session, char *name, size_t capacity);

#endif
