#include <maxminddb.h>

/* memfd_create(2); glibc shows it only under _GNU_SOURCE, which Swift's Glibc module lacks. */
extern int memfd_create(const char *name, unsigned int flags);
enum { AZIMUTH_MFD_CLOEXEC = 0x0001 };
