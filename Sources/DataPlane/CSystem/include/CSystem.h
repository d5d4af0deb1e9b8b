// The system calls of the data plane, in a form that Swift can read.
#if __has_include("csystem_tcp.h")
#include "csystem_tcp.h"
#endif
#if __has_include("csystem_udp.h")
#include "csystem_udp.h"
#endif
