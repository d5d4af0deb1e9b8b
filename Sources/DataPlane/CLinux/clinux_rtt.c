#include "clinux_tcp.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint32_t az_tcp_lowest_round_trip(int fd) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length)) return 0;
  if (length < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) return 0;
  // All ones before the first round trip was measured.
  return info.tcpi_min_rtt == UINT32_MAX ? 0 : info.tcpi_min_rtt;
}
