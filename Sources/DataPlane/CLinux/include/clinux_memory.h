// Memory settings of glibc that Swift's Glibc module does not show.
#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

#include <malloc.h>

// Tables are large and short-lived while they are compiled: give each a mapping of its own, so
// that it goes back to the system when it is freed. (glibc would raise the threshold by itself
// and keep them in the heap.)
static inline void clinux_map_large_allocations(void) { mallopt(M_MMAP_THRESHOLD, 256 * 1024); }

// Gives free heap memory back to the system.
static inline void clinux_release_free_memory(void) { malloc_trim(0); }

#endif
