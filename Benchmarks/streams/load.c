// What thousands of TCP connections do to those who ask over UDP: the latency of UDP alone, then
// while connections are opened, with all of them idle, and with slow readers too.
//
//     cc -O2 -o load load.c
//     ./load PORT SERVER_PID IDLE SLOW SECONDS
//
// One process holds the connections, from many addresses of 127.1.0.0/16, and reads a little now
// and then; the other asks over UDP at a fixed rate. A latency is from just before the query is
// sent to the kernel's own time of the answer's arrival, so that the generator's own delays are
// not counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 2000, PER_SOURCE = 50, BATCH = 100, BIG_QUERIES = 40, SLOW_READ = 512 };

static uint16_t port;

static void stop(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct sockaddr_in server(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// `www` (A) or `big` (TXT) of example.org, behind its length. How many bytes.
static size_t make_query(uint8_t *bytes, uint16_t id, int is_big) {
  static const char name[] = "\7example\3org";
  uint8_t *next = bytes + 2;
  uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
  memcpy(next, head, 12);
  memcpy(next + 12, is_big ? "\3big" : "\3www", 4);
  memcpy(next + 16, name, sizeof name);
  next += 16 + sizeof name;
  uint8_t tail[4] = {0, is_big ? 16 : 1, 0, 1};
  memcpy(next, tail, 4);
  size_t count = (size_t)(next + 4 - bytes) - 2;
  bytes[0] = (uint8_t)(count >> 8);
  bytes[1] = (uint8_t)count;
  return count + 2;
}

// The connections.

static int open_connection(int number, int receive_buffer) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0) stop("socket");
  struct sockaddr_in from = {.sin_family = AF_INET}, to = server();
  from.sin_addr.s_addr = htonl(0x7F010000u + 1 + (uint32_t)(number / PER_SOURCE));
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (bind(fd, (struct sockaddr *)&from, sizeof from)) stop("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) stop("connect");
  return fd;
}

/// Each has asked once and been answered.
static void open_idle(int count) {
  uint8_t query[64], answer[512];
  size_t length = make_query(query, 1, 0);
  for (int first = 0; first < count; first += BATCH) {
    int fds[BATCH], end = count - first < BATCH ? count - first : BATCH;
    for (int i = 0; i < end; i++) {
      fds[i] = open_connection(first + i, 0);
      if (send(fds[i], query, length, MSG_NOSIGNAL) < 0) stop("send");
    }
    for (int i = 0; i < end; i++)
      if (recv(fds[i], answer, sizeof answer, 0) <= 0) stop("an idle connection was closed");
  }
}

static void open_slow(int count, int first, int *fds) {
  uint8_t query[64];
  size_t length = make_query(query, 2, 1);
  for (int i = 0; i < count; i++) {
    fds[i] = open_connection(first + i, 4096);
    for (int j = 0; j < BIG_QUERIES; j++)
      if (send(fds[i], query, length, MSG_NOSIGNAL) < 0) stop("send");
  }
}

/// Opens what it is told to, says when it has, and ends with its parent.
static void hold_connections(int orders, int reports, int idle, int slow) {
  int *fds = calloc((size_t)slow + 1, sizeof *fds), is_slow = 0;
  char order, bytes[SLOW_READ];
  for (;;) {
    struct pollfd entry = {.fd = orders, .events = POLLIN};
    if (poll(&entry, 1, 100) > 0) {
      if (read(orders, &order, 1) != 1) exit(0);
      if (order == 'i') open_idle(idle);
      if (order == 's') open_slow(slow, idle, fds), is_slow = 1;
      if (write(reports, &order, 1) != 1) exit(1);
    }
    for (int i = 0; is_slow && i < slow; i++) {
      ssize_t count = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) stop("a slow reader was closed");
    }
  }
}

// UDP.

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static uint64_t sent_ns[65536], latency_ns[65536];
static size_t answered;

static void take_answers(int fd) {
  for (;;) {
    uint8_t bytes[512];
    char control[128];
    struct iovec vector = {bytes, sizeof bytes};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control};
    if (recvmsg(fd, &header, MSG_DONTWAIT) < 12) return;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_type != SO_TIMESTAMPNS) continue;
      struct timespec time;
      memcpy(&time, CMSG_DATA(c), sizeof time);
      uint64_t arrived = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
      latency_ns[answered++] = arrived - sent_ns[bytes[0] << 8 | bytes[1]];
    }
  }
}

/// Until the time is over, or until a report comes (which is taken), whichever is wanted.
static void measure(const char *label, double seconds, int reports) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  struct sockaddr_in to = server();
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) stop("connect");
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  size_t count = 0, wanted = (size_t)(seconds * RATE);
  if (wanted > 65536) wanted = 65536;
  answered = 0;
  uint64_t next = now_ns();
  while (count < wanted) {
    struct pollfd entry = {.fd = reports, .events = POLLIN};
    if (reports >= 0 && poll(&entry, 1, 0) > 0) break;
    uint64_t now = now_ns();
    if (now < next) {
      struct timespec rest = {0, (long)(next - now)};
      nanosleep(&rest, NULL);
    }
    next += 1000000000u / RATE;
    uint8_t query[64];
    size_t length = make_query(query, (uint16_t)count, 0);
    sent_ns[count++] = now_ns();
    if (send(fd, query + 2, length - 2, 0) < 0) stop("send");
    take_answers(fd);
  }
  usleep(500000);
  take_answers(fd);
  close(fd);
  if (reports >= 0) {
    char report;
    if (read(reports, &report, 1) != 1) exit(1);
  }
  if (answered == 0) stop("no answer by UDP");
  qsort(latency_ns, answered, sizeof *latency_ns, by_value);
  printf("%-22s %6zu queries  lost %zu  p50 %6.1f  p99 %6.1f  p99.9 %7.1f  most %8.1f us\n", label,
         count, count - answered, latency_ns[answered / 2] / 1e3,
         latency_ns[answered * 99 / 100] / 1e3, latency_ns[answered * 999 / 1000] / 1e3,
         latency_ns[answered - 1] / 1e3);
  fflush(stdout);
}

/// VmRSS, KiB.
static long resident(const char *pid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE *file = fopen(path, "r");
  long result = -1;
  while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &result);
  if (file) fclose(file);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: load PORT PID IDLE SLOW SECONDS\n"), 2;
  port = (uint16_t)atoi(argv[1]);
  int idle = atoi(argv[3]), slow = atoi(argv[4]), orders[2], reports[2];
  double seconds = atof(argv[5]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (pipe(orders) || pipe(reports)) stop("pipe");
  pid_t holder = fork();
  if (holder == 0) {
    close(orders[1]);
    hold_connections(orders[0], reports[1], idle, slow);
  }
  close(reports[1]);
  measure("alone", 1, -1);
  measure("alone", seconds, -1);
  long before = resident(argv[2]);
  if (write(orders[1], "i", 1) != 1) stop("write");
  measure("while they connect", 30, reports[0]);
  long with_idle = resident(argv[2]);
  measure("with idle ones", seconds, -1);
  if (write(orders[1], "s", 1) != 1) stop("write");
  measure("while slow ones come", 30, reports[0]);
  measure("with slow readers too", seconds, -1);
  long with_slow = resident(argv[2]);
  printf("resident %ld KiB; %.2f KiB for each of %d idle connections; %.1f for each of %d slow ones\n",
         before, (double)(with_idle - before) / (idle ? idle : 1), idle,
         (double)(with_slow - with_idle) / (slow ? slow : 1), slow);
  close(orders[1]);
  int status;
  waitpid(holder, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
