// Counts allocations of a program that it is preloaded into, to show that the road makes none.
//
//     cc -O2 -shared -fPIC -o malloc-count.so malloc-count.c -ldl
//     LD_PRELOAD=./malloc-count.so ResponderRoad steered-subnet 100000
//
// On SIGUSR1, and at the end, writes `allocations N frees N` to standard error: send it to a
// server before and after a load, or compare two counts of queries; the difference is what the
// queries cost.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static _Atomic unsigned long allocations, frees;
static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);

// What dlsym itself asks for while the real functions are not known yet.
static char early[65536];
static _Atomic size_t early_used;

static void *early_allocate(size_t size) {
  size_t start = atomic_fetch_add(&early_used, (size + 15) & ~(size_t)15);
  return start + size <= sizeof early ? early + start : NULL;
}

static int is_early(const void *p) {
  return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static char *number(char *end, unsigned long value) {
  do {
    *--end = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  return end;
}

static void report(int signal) {
  (void)signal;
  int saved = errno;
  char line[96];
  char *start = line + sizeof line;
  *--start = '\n';
  start = number(start, atomic_load(&frees));
  start -= 7;
  memcpy(start, " frees ", 7);
  start = number(start, atomic_load(&allocations));
  start -= 12;
  memcpy(start, "allocations ", 12);
  if (write(2, start, (size_t)(line + sizeof line - start)) < 0) errno = 0;
  errno = saved;
}

static void resolve(void) {
  static _Thread_local int is_resolving;
  if (real_malloc != NULL || is_resolving) return;
  is_resolving = 1;
  real_calloc = dlsym(RTLD_NEXT, "calloc");
  real_realloc = dlsym(RTLD_NEXT, "realloc");
  real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
  real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
  real_free = dlsym(RTLD_NEXT, "free");
  real_malloc = dlsym(RTLD_NEXT, "malloc");
  is_resolving = 0;
}

__attribute__((constructor)) static void begin(void) {
  resolve();
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = report;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
}

__attribute__((destructor)) static void end(void) { report(0); }

void *malloc(size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  resolve();
  return real_malloc == NULL ? early_allocate(size) : real_malloc(size);
}

void *calloc(size_t count, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  resolve();
  // The early bytes are zero and are given out once.
  return real_calloc == NULL ? early_allocate(count * size) : real_calloc(count, size);
}

void *realloc(void *p, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  resolve();
  if (is_early(p)) {
    void *moved = malloc(size);
    size_t rest = (size_t)(early + sizeof early - (char *)p);
    return moved == NULL ? NULL : memcpy(moved, p, size < rest ? size : rest);
  }
  return real_realloc == NULL ? early_allocate(size) : real_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  resolve();
  return real_aligned_alloc == NULL ? NULL : real_aligned_alloc(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  resolve();
  return real_posix_memalign == NULL ? ENOMEM : real_posix_memalign(p, alignment, size);
}

void free(void *p) {
  if (p == NULL || is_early(p)) return;
  atomic_fetch_add_explicit(&frees, 1, memory_order_relaxed);
  resolve();
  if (real_free != NULL) real_free(p);
}
