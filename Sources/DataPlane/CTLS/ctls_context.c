#include "ctls_internal.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/// Bytes that are read from a socket at once, decrypted or not.
enum { READ_BUFFER_BYTES = 32768 };

static void prepare(void) {
  // No cleaning up at the exit: threads may still be at work.
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_NO_ATEXIT, NULL);
}

void az_tls_prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare);
}

/// How well a certificate's name fits one that is asked for: 2 the same, 1 a wildcard for its first
/// label (RFC 6125 §6.4.3), 0 not at all.
static int fit(const char *name, const char *asked) {
  if (!strcmp(name, asked)) return 2;
  if (name[0] != '*' || name[1] != '.') return 0;
  const char *rest = strchr(asked, '.');
  return rest && rest != asked && !strcmp(name + 1, rest) ? 1 : 0;
}

static int best_fit(const az_tls_identity *identity, const char *asked) {
  int best = 0;
  for (int i = 0; i < identity->name_count && best < 2; i++) {
    int this = fit(identity->names[i], asked);
    if (this > best) best = this;
  }
  return best;
}

static int use(SSL *ssl, const az_tls_identity *identity) {
  return SSL_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1);
}

/// All that fit best, so that a client may choose between an RSA and an ECDSA key of one name; of
/// two of one kind, the first. Without any that fits, the first of all.
static int choose(SSL *ssl, void *argument) {
  const az_tls_context *context = argument;
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  char asked[256];
  size_t length = name ? strlen(name) : 0;
  if (length > 0 && name[length - 1] == '.') length--;
  if (length >= sizeof asked) length = 0;
  for (size_t i = 0; i < length; i++) asked[i] = (char)tolower((unsigned char)name[i]);
  asked[length] = 0;
  int best = 0;
  for (size_t i = 0; length > 0 && i < context->identity_count && best < 2; i++) {
    int this = best_fit(context->identities[i], asked);
    if (this > best) best = this;
  }
  if (best == 0) return use(ssl, context->identities[0]);
  // Backwards: the first of a kind stays.
  for (size_t i = context->identity_count; i-- > 0;)
    if (best_fit(context->identities[i], asked) == best && !use(ssl, context->identities[i]))
      return 0;
  return 1;
}

/// The first of ours that the client knows; none ends the connection (RFC 7301 §3.2).
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned offered_length,
                           void *argument) {
  (void)ssl;
  const az_tls_context *context = argument;
  int result = SSL_select_next_proto((unsigned char **)chosen, length, context->protocols,
                                     context->protocols_length, offered, offered_length);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static az_tls_context *make(const SSL_METHOD *method, const az_tls_rules *rules) {
  az_tls_prepare();
  az_tls_context *context = calloc(1, sizeof *context);
  if (!context) return NULL;
  context->holders = 1;
  context->ssl = SSL_CTX_new(method);
  context->protocols = malloc(rules->protocols_length + 1);
  if (!context->ssl || !context->protocols) {
    az_tls_context_free(context);
    return NULL;
  }
  if (rules->protocols_length > 0)
    memcpy(context->protocols, rules->protocols, rules->protocols_length);
  context->protocols_length = (unsigned)rules->protocols_length;
  SSL_CTX *ssl = context->ssl;
  SSL_CTX_set_min_proto_version(ssl, rules->minimum_version);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers are there only while they hold something.
  SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                            | SSL_MODE_RELEASE_BUFFERS);
  // A record's header and body in one call, and what stands behind them.
  SSL_CTX_set_read_ahead(ssl, 1);
  SSL_CTX_set_default_read_buffer_len(ssl, READ_BUFFER_BYTES);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  return context;
}

static int load_roots(SSL_CTX *ssl, const char *file) {
  if (!file) return SSL_CTX_set_default_verify_paths(ssl);
  return SSL_CTX_load_verify_file(ssl, file);
}

static int digest_file(EVP_MD_CTX *digest, const char *file) {
  BIO *bio = BIO_new_file(file, "r");
  if (!bio) return 0;
  unsigned char bytes[4096];
  int count, is_good = 1;
  while (is_good && (count = BIO_read(bio, bytes, sizeof bytes)) > 0)
    is_good = EVP_DigestUpdate(digest, bytes, (size_t)count);
  BIO_free(bio);
  return is_good;
}

/// Sessions that began with another scope, or other roots of clients, are not taken up again.
static int set_scope(SSL_CTX *ssl, const az_tls_rules *rules) {
  unsigned char value[SHA256_DIGEST_LENGTH];
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  int is_good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL)
                && EVP_DigestUpdate(digest, rules->scope, rules->scope_length)
                && (!rules->roots_file || digest_file(digest, rules->roots_file))
                && EVP_DigestFinal_ex(digest, value, NULL);
  EVP_MD_CTX_free(digest);
  return is_good && SSL_CTX_set_session_id_context(ssl, value, sizeof value);
}

static int set_clients(SSL_CTX *ssl, const az_tls_rules *rules) {
  if (rules->clients == AZ_TLS_CLIENTS_OFF) return AZ_TLS_OK;
  if (!rules->roots_file || !load_roots(ssl, rules->roots_file)) return AZ_TLS_NO_ROOTS;
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(rules->roots_file);
  if (!names) return AZ_TLS_NO_ROOTS;
  SSL_CTX_set_client_CA_list(ssl, names);
  int mode = SSL_VERIFY_PEER;
  if (rules->clients == AZ_TLS_CLIENTS_REQUIRED) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ssl, mode, NULL);
  return AZ_TLS_OK;
}

static az_tls_context *finished(az_tls_context *context, int *fault) {
  ERR_clear_error();
  if (*fault == AZ_TLS_OK) return context;
  az_tls_context_free(context);
  return NULL;
}

az_tls_context *az_tls_server(const az_tls_rules *rules, az_tls_identity *const *identities,
                              size_t count, int *fault) {
  az_tls_context *context = make(TLS_server_method(), rules);
  az_tls_identity **own = malloc(sizeof *own * count);
  if (!context || !own) {
    for (size_t i = 0; i < count; i++) az_tls_identity_free(identities[i]);
    free(own);
    az_tls_context_free(context);
    *fault = AZ_TLS_NO_MEMORY;
    return NULL;
  }
  memcpy(own, identities, sizeof *own * count);
  context->identities = own;
  context->identity_count = count;
  SSL_CTX_set_cert_cb(context->ssl, choose, context);
  if (context->protocols_length > 0)
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, context);
  az_tls_use_tickets(context->ssl);
  *fault = set_clients(context->ssl, rules);
  if (*fault == AZ_TLS_OK && !set_scope(context->ssl, rules)) *fault = AZ_TLS_NO_MEMORY;
  return finished(context, fault);
}

az_tls_context *az_tls_client(const az_tls_rules *rules, az_tls_identity *identity, int *fault) {
  az_tls_context *context = make(TLS_client_method(), rules);
  if (!context) {
    az_tls_identity_free(identity);
    *fault = AZ_TLS_NO_MEMORY;
    return NULL;
  }
  *fault = AZ_TLS_OK;
  SSL_CTX *ssl = context->ssl;
  if (identity
      && !SSL_CTX_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1))
    *fault = AZ_TLS_FOREIGN_KEY;
  az_tls_identity_free(identity);
  if (rules->verifies) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (!load_roots(ssl, rules->roots_file)) *fault = AZ_TLS_NO_ROOTS;
  }
  if (context->protocols_length > 0
      && SSL_CTX_set_alpn_protos(ssl, context->protocols, context->protocols_length))
    *fault = AZ_TLS_BAD_PROTOCOLS;
  return finished(context, fault);
}

void az_tls_context_free(az_tls_context *context) {
  if (!context || __atomic_sub_fetch(&context->holders, 1, __ATOMIC_ACQ_REL) > 0) return;
  SSL_CTX_free(context->ssl);
  for (size_t i = 0; i < context->identity_count; i++)
    az_tls_identity_free(context->identities[i]);
  free(context->identities);
  free(context->protocols);
  free(context);
}
