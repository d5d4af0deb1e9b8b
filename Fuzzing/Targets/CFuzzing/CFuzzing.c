#include "CFuzzing.h"

#include <errno.h>
#include <stddef.h>

static unsigned long count;

unsigned long allocations_made(void) { return count; }

#ifndef CHECKS_ADDRESSES
// In front of glibc's, so that the road can be seen to ask for nothing.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count++;
  return __libc_calloc(number, size);
}

void *realloc(void *p, size_t size) {
  count++;
  return __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size) {
  count++;
  *p = __libc_memalign(alignment, size);
  return *p == NULL ? ENOMEM : 0;
}
#endif
