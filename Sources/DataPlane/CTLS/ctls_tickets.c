#include "ctls_internal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/// A ticket is good for so long; then comes a new key. One key back is still known, so that what a
/// key has sealed can be opened for two hours at most.
enum { KEY_LIFE_SECONDS = 3600 };

struct ticket_key {
  unsigned char name[16];
  unsigned char cipher[32];
  unsigned char mac[32];
};

static struct {
  pthread_mutex_t lock;
  struct ticket_key current, previous;
  int key_count;
  int64_t made_at;
} tickets = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (int64_t)time.tv_sec;
}

/// Under the lock.
static int rotate(void) {
  struct ticket_key fresh;
  if (RAND_bytes((unsigned char *)&fresh, sizeof fresh) != 1) return 0;
  // After two lives even the current key is too old to be known.
  int is_late = seconds() - tickets.made_at >= 2 * KEY_LIFE_SECONDS;
  tickets.previous = tickets.current;
  tickets.key_count = tickets.key_count == 0 || is_late ? 1 : 2;
  tickets.current = fresh;
  tickets.made_at = seconds();
  OPENSSL_cleanse(&fresh, sizeof fresh);
  return 1;
}

void az_tls_rotate_ticket_keys(void) {
  pthread_mutex_lock(&tickets.lock);
  rotate();
  pthread_mutex_unlock(&tickets.lock);
}

/// 0: the key is not known; 2: it is, and the client is to get a new ticket.
static int find(const unsigned char name[16], int makes, struct ticket_key *key) {
  int found = 0;
  pthread_mutex_lock(&tickets.lock);
  int is_due = tickets.key_count == 0 || seconds() - tickets.made_at >= KEY_LIFE_SECONDS;
  if (!is_due || rotate()) {
    if (makes || !memcmp(name, tickets.current.name, 16)) {
      *key = tickets.current;
      found = 1;
    } else if (tickets.key_count > 1 && !memcmp(name, tickets.previous.name, 16)) {
      *key = tickets.previous;
      found = 2;
    }
  }
  pthread_mutex_unlock(&tickets.lock);
  return found;
}

static int seal(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac, int makes) {
  struct ticket_key key;
  int found = find(name, makes, &key);
  // Without a key no ticket is made, and none is taken.
  if (!found) return 0;
  if (makes) {
    memcpy(name, key.name, sizeof key.name);
    if (RAND_bytes(iv, 16) != 1) return -1;
  }
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof key.mac),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  int is_set = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, makes) == 1
               && EVP_MAC_CTX_set_params(mac, parameters) == 1;
  OPENSSL_cleanse(&key, sizeof key);
  if (!is_set) return -1;
  // A ticket is to be used once (RFC 8446 §C.4): whoever comes with one gets the next.
  return !makes && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : found;
}

void az_tls_use_tickets(SSL_CTX *ssl) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, seal);
  SSL_CTX_set_timeout(ssl, KEY_LIFE_SECONDS);
}
