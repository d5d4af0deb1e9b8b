// What the process and its threads may take of the machine.
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <stdint.h>

/// Raises the limit of open descriptors to the hard limit. What is in force then, or -errno.
int64_t az_raise_descriptor_limit(void);
/// Lets the calling thread give way to others by so much more: 0...19. 0 or -errno.
int az_thread_give_way(int nice);

#endif
