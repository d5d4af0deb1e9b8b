#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "clinux_process.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int64_t az_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return -errno;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit)) return -errno;
  }
  return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int az_thread_give_way(int nice) {
  // For Linux a thread is a process to these.
  id_t thread = (id_t)syscall(SYS_gettid);
  errno = 0;
  int now = getpriority(PRIO_PROCESS, thread);
  if (errno) return -errno;
  return setpriority(PRIO_PROCESS, thread, now + nice) ? -errno : 0;
}
