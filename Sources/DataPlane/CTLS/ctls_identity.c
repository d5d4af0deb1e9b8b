#include "ctls_internal.h"

#include <ctype.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Nobody is asked for the password of a key: such a key is unreadable.
static int no_password(char *buffer, int size, int writes, void *context) {
  (void)buffer, (void)size, (void)writes, (void)context;
  return -1;
}

static void add_name(az_tls_identity *identity, const unsigned char *bytes, int length) {
  if (length <= 0 || identity->name_count >= AZ_TLS_NAME_LIMIT) return;
  if (memchr(bytes, 0, (size_t)length)) return;
  char **names = realloc(identity->names, sizeof *names * ((size_t)identity->name_count + 1));
  if (!names) return;
  identity->names = names;
  char *name = strndup((const char *)bytes, (size_t)length);
  if (!name) return;
  for (char *byte = name; *byte; byte++) *byte = (char)tolower((unsigned char)*byte);
  names[identity->name_count++] = name;
}

/// Alternative names; without any, the common name (RFC 6125 §6.4.4).
static void read_names(az_tls_identity *identity) {
  GENERAL_NAMES *names =
      X509_get_ext_d2i(identity->certificate, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS)
      add_name(identity, ASN1_STRING_get0_data(name->d.dNSName),
               ASN1_STRING_length(name->d.dNSName));
  }
  GENERAL_NAMES_free(names);
  if (identity->name_count > 0) return;
  X509_NAME *subject = X509_get_subject_name(identity->certificate);
  int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return;
  unsigned char *text = NULL;
  int length = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  add_name(identity, text, length);
  OPENSSL_free(text);
}

static int read_chain(az_tls_identity *identity, const char *file) {
  BIO *bio = BIO_new_file(file, "r");
  if (!bio) return 0;
  identity->certificate = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
  identity->chain = sk_X509_new_null();
  X509 *next;
  while (identity->certificate && identity->chain
         && (next = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
    if (!sk_X509_push(identity->chain, next)) X509_free(next);
  BIO_free(bio);
  return identity->certificate && identity->chain;
}

static int check(az_tls_identity *identity, const char *certificate_file, const char *key_file) {
  if (!read_chain(identity, certificate_file)) return AZ_TLS_NO_CERTIFICATE;
  BIO *bio = BIO_new_file(key_file, "r");
  if (bio) identity->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
  BIO_free(bio);
  if (!identity->key) return AZ_TLS_NO_KEY;
  if (!X509_check_private_key(identity->certificate, identity->key)) return AZ_TLS_FOREIGN_KEY;
  struct tm end;
  if (ASN1_TIME_to_tm(X509_get0_notAfter(identity->certificate), &end))
    identity->end = (int64_t)timegm(&end);
  read_names(identity);
  return AZ_TLS_OK;
}

az_tls_identity *az_tls_identity_load(const char *certificate_file, const char *key_file,
                                      int *fault) {
  az_tls_prepare();
  az_tls_identity *identity = calloc(1, sizeof *identity);
  *fault = identity ? check(identity, certificate_file, key_file) : AZ_TLS_NO_MEMORY;
  ERR_clear_error();
  if (*fault == AZ_TLS_OK) return identity;
  az_tls_identity_free(identity);
  return NULL;
}

void az_tls_identity_free(az_tls_identity *identity) {
  if (!identity) return;
  X509_free(identity->certificate);
  sk_X509_pop_free(identity->chain, X509_free);
  EVP_PKEY_free(identity->key);
  for (int i = 0; i < identity->name_count; i++) free(identity->names[i]);
  free(identity->names);
  free(identity);
}

int az_tls_identity_name_count(const az_tls_identity *identity) { return identity->name_count; }

const char *az_tls_identity_name(const az_tls_identity *identity, int index) {
  return identity->names[index];
}

int64_t az_tls_identity_end(const az_tls_identity *identity) { return identity->end; }
