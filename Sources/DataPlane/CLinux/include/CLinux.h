// Calls of Linux and its C library in a form that Swift can read.
#include "clinux_memory.h"
#include "clinux_process.h"
#include "clinux_tcp.h"
#include "clinux_udp.h"
#include "clinux_unix.h"
