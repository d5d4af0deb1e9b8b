#include "ctls_internal.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct az_tls_session {
  SSL *ssl;
  az_tls_context *context;
  const char *reason;
  /// What a read met behind the bytes that it gave; 0: nothing.
  long next_result;
  int fd;
  /// A read of the socket has given all that was there.
  int is_drained;
  int is_at_end;
  int is_reset;
  int has_finished;
};

// The socket, without SIGPIPE and with the knowledge of what a short read says.

static int read_socket(BIO *bio, char *bytes, int count) {
  az_tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t result = recv(session->fd, bytes, (size_t)count, 0);
  session->is_drained = result < count;
  if (result > 0) return (int)result;
  if (result == 0) {
    session->is_at_end = 1;
    return 0;
  }
  if (errno == EAGAIN || errno == EINTR) BIO_set_retry_read(bio);
  else session->is_reset = 1;
  return -1;
}

static int write_socket(BIO *bio, const char *bytes, int count) {
  az_tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t result = send(session->fd, bytes, (size_t)count, MSG_NOSIGNAL);
  if (result >= 0) return (int)result;
  if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
  else session->is_reset = 1;
  return -1;
}

static long control_socket(BIO *bio, int command, long number, void *pointer) {
  (void)number, (void)pointer;
  const az_tls_session *session = BIO_get_data(bio);
  if (command == BIO_CTRL_EOF) return session && session->is_at_end;
  return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void) {
  BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "azimuth socket");
  if (!made) return;
  BIO_meth_set_read(made, read_socket);
  BIO_meth_set_write(made, write_socket);
  BIO_meth_set_ctrl(made, control_socket);
  method = made;
}

BIO *az_tls_socket(az_tls_session *session) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_method);
  BIO *bio = method ? BIO_new(method) : NULL;
  if (!bio) return NULL;
  BIO_set_data(bio, session);
  BIO_set_init(bio, 1);
  return bio;
}

static az_tls_session *open_session(az_tls_context *context, int fd) {
  az_tls_session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  session->fd = fd;
  session->reason = "";
  session->ssl = SSL_new(context->ssl);
  BIO *bio = session->ssl ? az_tls_socket(session) : NULL;
  if (!bio) {
    SSL_free(session->ssl);
    free(session);
    ERR_clear_error();
    return NULL;
  }
  SSL_set_bio(session->ssl, bio, bio);
  __atomic_add_fetch(&context->holders, 1, __ATOMIC_RELAXED);
  session->context = context;
  return session;
}

az_tls_session *az_tls_accept(az_tls_context *context, int fd) {
  az_tls_session *session = open_session(context, fd);
  if (session) SSL_set_accept_state(session->ssl);
  return session;
}

az_tls_session *az_tls_connect(az_tls_context *context, int fd, const char *name,
                               const uint8_t *address, size_t address_length) {
  az_tls_session *session = open_session(context, fd);
  if (!session) return NULL;
  SSL_set_connect_state(session->ssl);
  X509_VERIFY_PARAM *wanted = SSL_get0_param(session->ssl);
  int is_set;
  if (name) {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    is_set = SSL_set_tlsext_host_name(session->ssl, name)
             && X509_VERIFY_PARAM_set1_host(wanted, name, 0);
  } else {
    is_set = X509_VERIFY_PARAM_set1_ip(wanted, address, address_length);
  }
  if (is_set) return session;
  ERR_clear_error();
  az_tls_free(session);
  return NULL;
}

void az_tls_free(az_tls_session *session) {
  if (!session) return;
  SSL_free(session->ssl);
  az_tls_context_free(session->context);
  free(session);
}

static const char *reason_of(az_tls_session *session) {
  long verdict = SSL_get_verify_result(session->ssl);
  unsigned long error = ERR_peek_error();
  // The first error is the cause; a verdict names what is wrong with a certificate.
  if (verdict != X509_V_OK && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return X509_verify_cert_error_string(verdict);
  const char *text = ERR_reason_error_string(error);
  return text ? text : "no reason given";
}

/// What an operation met that has not succeeded.
static long failed(az_tls_session *session, int result) {
  long answer;
  switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: answer = AZ_TLS_WANTS_READ; break;
    case SSL_ERROR_WANT_WRITE: answer = AZ_TLS_WANTS_WRITE; break;
    case SSL_ERROR_ZERO_RETURN: answer = AZ_TLS_ENDED; break;
    default:
      if (session->is_reset) {
        answer = AZ_TLS_RESET;
      } else if (session->is_at_end) {
        answer = AZ_TLS_TRUNCATED;
      } else {
        answer = AZ_TLS_BROKEN;
        session->reason = reason_of(session);
      }
  }
  ERR_clear_error();
  return answer;
}

long az_tls_handshake(az_tls_session *session) {
  int result = SSL_do_handshake(session->ssl);
  return result == 1 ? 0 : failed(session, result);
}

long az_tls_read(az_tls_session *session, void *bytes, size_t capacity) {
  if (session->next_result != 0) {
    long result = session->next_result;
    // Of these two the next read may know more.
    if (result == AZ_TLS_WANTS_READ || result == AZ_TLS_WANTS_WRITE) session->next_result = 0;
    return result;
  }
  size_t done = 0;
  while (done < capacity) {
    size_t count = 0;
    int result = SSL_read_ex(session->ssl, (char *)bytes + done, capacity - done, &count);
    if (result == 1) {
      done += count;
      if (session->is_drained && !SSL_has_pending(session->ssl)) break;
      continue;
    }
    long met = failed(session, result);
    if (done == 0) return met;
    if (met != AZ_TLS_WANTS_READ) session->next_result = met;
    break;
  }
  return (long)done;
}

int az_tls_has_more(const az_tls_session *session) {
  return session->next_result != 0 || !session->is_drained || session->is_at_end
         || SSL_has_pending(session->ssl);
}

long az_tls_write(az_tls_session *session, const void *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    size_t written = 0;
    int result =
        SSL_write_ex(session->ssl, (const char *)bytes + done, count - done, &written);
    if (result == 1) {
      done += written;
      continue;
    }
    long met = failed(session, result);
    // What a retry meets is met again; a failure behind bytes that were taken is one.
    if (done == 0 || (met != AZ_TLS_WANTS_READ && met != AZ_TLS_WANTS_WRITE)) return met;
    break;
  }
  return (long)done;
}

long az_tls_finish(az_tls_session *session) {
  // A second call would wait for the peer's.
  if (session->has_finished) return 0;
  int result = SSL_shutdown(session->ssl);
  if (result >= 0) session->has_finished = 1;
  if (result >= 0) return 0;
  return failed(session, result);
}

const char *az_tls_reason(const az_tls_session *session) { return session->reason; }

int az_tls_version(const az_tls_session *session) { return SSL_version(session->ssl); }

const char *az_tls_cipher(const az_tls_session *session) { return SSL_get_cipher(session->ssl); }

const char *az_tls_server_name(const az_tls_session *session) {
  return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

const uint8_t *az_tls_protocol(const az_tls_session *session, size_t *length) {
  const unsigned char *name = NULL;
  unsigned count = 0;
  SSL_get0_alpn_selected(session->ssl, &name, &count);
  *length = count;
  return name;
}

int az_tls_is_resumed(const az_tls_session *session) {
  return SSL_session_reused(session->ssl);
}

int az_tls_has_certificate(const az_tls_session *session) {
  return SSL_get0_peer_certificate(session->ssl) != NULL;
}

size_t az_tls_common_name(const az_tls_session *session, char *name, size_t capacity) {
  X509 *certificate = SSL_get0_peer_certificate(session->ssl);
  if (!certificate || capacity == 0) return 0;
  X509_NAME *subject = X509_get_subject_name(certificate);
  int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return 0;
  unsigned char *text = NULL;
  int length = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  if (length < 0) return 0;
  size_t count = (size_t)length < capacity ? (size_t)length : capacity;
  memcpy(name, text, count);
  OPENSSL_free(text);
  return count;
}
