#ifndef CTLS_INTERNAL_H
#define CTLS_INTERNAL_H

#include "ctls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/// Names that one certificate is known to be for, at most.
enum { AZ_TLS_NAME_LIMIT = 256 };

struct az_tls_identity {
  X509 *certificate;
  STACK_OF(X509) * chain;
  EVP_PKEY *key;
  char **names;
  int name_count;
  int64_t end;
};

struct az_tls_context {
  SSL_CTX *ssl;
  az_tls_identity **identities;
  size_t identity_count;
  uint8_t *protocols;
  unsigned protocols_length;
  /// Its maker, and every session: az_tls_context_free takes one away.
  int holders;
};

/// Once, before anything else of OpenSSL.
void az_tls_prepare(void);
/// Calls that make tickets with keys that change (RFC 5077 §5.5).
void az_tls_use_tickets(SSL_CTX *ssl);
/// The socket of a session as OpenSSL wants it.
BIO *az_tls_socket(az_tls_session *session);

#endif
