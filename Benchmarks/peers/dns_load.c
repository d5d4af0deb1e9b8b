// Asks a DNS server over UDP as fast as it answers, with a bounded number of questions under way, from
// many source addresses of 127/8, and prints how many answers came each second.
//
//   cc -O2 -Wall -Wextra -Werror -o dns_load Benchmarks/peers/dns_load.c
//   dns_load PORT QUERIES SECONDS [cookies=none|client|full] [sources=N] [window=N] [cpu=N] [seed=N]
//
// QUERIES has lines "name type rcode". Every packet is built before the run, and groups of equal size go out
// with one system call (UDP_SEGMENT), so that the server is what is measured. Answers are checked: id, question,
// rcode. With cookies=client each question has a client cookie (RFC 7873); with cookies=full, also the server
// cookie, which each source fetches first (zeros if the server gives none).
//
// Output: qps=… sent=… received=… lost=… wrong=… bytes=… without=…
// (bytes: of an answer, mean; without: sources that got no server cookie)
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GROUP = 16, BATCH = 128, PACKET = 384, REPLY = 1536, CLIENT_COOKIE = 8, SERVER_COOKIE = 16 };
enum cookies { NONE, CLIENT, FULL };

struct packet {
  uint8_t bytes[PACKET];
  uint16_t length, question_length;
  uint8_t code;
  uint32_t source;
};

static struct packet *packets;
static uint32_t packet_count;
static uint8_t (*server_cookies)[SERVER_COOKIE];  // by source
static uint32_t *sources, source_count = 1024;
static enum cookies cookies = NONE;
static struct sockaddr_in server;
static int fd;

static uint64_t state = 1;

static uint64_t random64(void) {  // SplitMix64
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(2);
}

static uint8_t *put16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return at + 2;
}

/// The OPT record, with the cookies that are wanted.
static uint8_t *put_opt(uint8_t *at, const struct packet *packet) {
  static const uint8_t head[] = {0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0};
  memcpy(at, head, sizeof head);
  at += sizeof head;
  const unsigned length = cookies == NONE ? 0 : CLIENT_COOKIE + (cookies == FULL ? SERVER_COOKIE : 0);
  at = put16(at, length == 0 ? 0 : length + 4);
  if (length == 0) return at;
  at = put16(put16(at, 10), length);
  memcpy(at, &sources[packet->source], 4);  // any eight bytes that are the source's own
  memset(at + 4, 0x5A, 4);
  at += CLIENT_COOKIE;
  if (cookies == FULL) {
    memcpy(at, server_cookies[packet->source], SERVER_COOKIE);
    at += SERVER_COOKIE;
  }
  return at;
}

static void build(struct packet *packet, const char *name, int type, int code, uint32_t source) {
  uint8_t *at = packet->bytes;
  memset(at, 0, 12);
  at[5] = at[11] = 1;
  at += 12;
  while (*name != 0) {
    size_t length = strcspn(name, ".");
    *at++ = (uint8_t)length;
    memcpy(at, name, length);
    at += length;
    name += length + (name[length] == '.');
  }
  *at++ = 0;
  at = put16(put16(at, (unsigned)type), 1);
  packet->question_length = (uint16_t)(at - packet->bytes - 12);
  packet->code = (uint8_t)code;
  packet->source = source;
  packet->length = (uint16_t)(put_opt(at, packet) - packet->bytes);
}

static void read_queries(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) die(path);
  char name[256];
  int type, code;
  uint32_t capacity = 0;
  while (fscanf(file, "%255s %d %d", name, &type, &code) == 3) {
    if (packet_count == capacity) {
      capacity = capacity == 0 ? 4096 : 2 * capacity;
      packets = realloc(packets, capacity * sizeof *packets);
      if (packets == NULL) die("realloc");
    }
    // A group leaves from one source.
    uint32_t source = packet_count / GROUP % source_count;
    build(&packets[packet_count++], name, type, code, source);
  }
  fclose(file);
  if (packet_count == 0) { fprintf(stderr, "no queries in %s\n", path); exit(2); }
}

// MARK: - Sending and receiving

static uint32_t *question_of;  // by id; UINT32_MAX: none is under way
static uint64_t sent, received, lost, wrong, received_bytes, without_cookie;
static uint32_t under_way, next_packet;
static uint16_t next_id;

/// Sends `count` packets, in groups of one size and source.
static void send_packets(unsigned count) {
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH][GROUP];
  static union {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(2)];
    struct cmsghdr align;
  } controls[BATCH];
  unsigned message_count = 0;
  while (count > 0) {
    struct packet *first = &packets[next_packet];
    unsigned group = 0;
    do {
      struct packet *packet = &packets[next_packet];
      uint16_t id = next_id++;
      if (question_of[id] != UINT32_MAX) { lost++; under_way--; }
      question_of[id] = next_packet;
      put16(packet->bytes, id);
      vectors[message_count][group++] = (struct iovec){packet->bytes, packet->length};
      next_packet = next_packet + 1 == packet_count ? 0 : next_packet + 1;
      count--;
      under_way++;
    } while (count > 0 && group < GROUP && packets[next_packet].source == first->source &&
             packets[next_packet].length == first->length);
    struct msghdr *header = &messages[message_count].msg_hdr;
    *header = (struct msghdr){.msg_name = &server, .msg_namelen = sizeof server,
                              .msg_iov = vectors[message_count], .msg_iovlen = group,
                              .msg_control = &controls[message_count],
                              .msg_controllen = sizeof controls[0].bytes};
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    *control = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
                                .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = sources[first->source]};
    memcpy(CMSG_DATA(control), &info, sizeof info);
    control = CMSG_NXTHDR(header, control);
    *control = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(2)};
    memcpy(CMSG_DATA(control), &first->length, 2);
    sent += group;
    if (++message_count == BATCH || count == 0) {
      for (unsigned done = 0; done < message_count;) {
        int result = sendmmsg(fd, messages + done, message_count - done, 0);
        if (result > 0) done += (unsigned)result;
        else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS) die("sendmmsg");
      }
      message_count = 0;
    }
  }
}

/// The server cookie of an answer whose last record is OPT with a cookie as its last option.
static void keep_cookie(const uint8_t *reply, size_t length, uint32_t source) {
  const size_t whole = 4 + CLIENT_COOKIE + SERVER_COOKIE;
  for (size_t at = 12; at + whole <= length; at++) {
    const uint8_t want[] = {0, 10, 0, CLIENT_COOKIE + SERVER_COOKIE};
    if (memcmp(reply + at, want, 4) == 0 && memcmp(reply + at + 4, &sources[source], 4) == 0) {
      memcpy(server_cookies[source], reply + at + 4 + CLIENT_COOKIE, SERVER_COOKIE);
      return;
    }
  }
  without_cookie++;
}

static unsigned receive_packets(int is_fetching) {
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  static uint8_t buffers[BATCH][REPLY];
  for (unsigned slot = 0; slot < BATCH; slot++) {
    vectors[slot] = (struct iovec){buffers[slot], REPLY};
    messages[slot].msg_hdr = (struct msghdr){.msg_iov = &vectors[slot], .msg_iovlen = 1};
  }
  int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
  for (int slot = 0; slot < count; slot++) {
    const uint8_t *reply = buffers[slot];
    size_t length = messages[slot].msg_len;
    if (length < 12) { wrong++; continue; }
    uint16_t id = (uint16_t)(reply[0] << 8 | reply[1]);
    uint32_t question = question_of[id];
    if (question == UINT32_MAX) continue;
    question_of[id] = UINT32_MAX;
    under_way--;
    received++;
    received_bytes += length;
    struct packet *packet = &packets[question];
    if (length < 12u + packet->question_length || (reply[2] & 0x82) != 0x80 || (reply[3] & 15) != packet->code ||
        memcmp(reply + 12, packet->bytes + 12, packet->question_length) != 0) wrong++;
    if (is_fetching) keep_cookie(reply, length, packet->source);
  }
  return count > 0 ? (unsigned)count : 0;
}

/// Questions that have been under way for long are given up.
static void give_up(void) {
  for (unsigned id = 0; id < 65536; id++) {
    if (question_of[id] != UINT32_MAX) { question_of[id] = UINT32_MAX; lost++; under_way--; }
  }
}

static void run(double seconds, unsigned window) {
  uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), last = now_ns();
  for (uint64_t now = last; now < end; now = now_ns()) {
    if (receive_packets(0) > 0) last = now;
    if (under_way + window / 2 <= window) send_packets(window - under_way);
    if (now - last > 250000000) { give_up(); last = now; }
  }
}

/// One question of each source, with its client cookie alone, for the server cookie.
static void fetch_cookies(void) {
  cookies = CLIENT;
  for (uint32_t source = 0; source < source_count; source++) {
    struct packet *packet = &packets[source * GROUP % packet_count];
    packet->length = (uint16_t)(put_opt(packet->bytes + 12 + packet->question_length, packet) - packet->bytes);
    next_packet = (uint32_t)(packet - packets);
    send_packets(1);
    for (uint64_t end = now_ns() + 1000000000; under_way > 0 && now_ns() < end;) receive_packets(1);
    if (under_way > 0) { fprintf(stderr, "no answer\n"); exit(2); }
  }
  cookies = FULL;
  for (uint32_t index = 0; index < packet_count; index++) {
    struct packet *packet = &packets[index];
    packet->length = (uint16_t)(put_opt(packet->bytes + 12 + packet->question_length, packet) - packet->bytes);
  }
  next_packet = 0;
}

int main(int argc, char **argv) {
  if (argc < 4) { fprintf(stderr, "dns_load PORT QUERIES SECONDS [key=value]...\n"); return 2; }
  unsigned window = 128;
  int cpu = -1;
  enum cookies wanted = NONE;
  for (int index = 4; index < argc; index++) {
    const char *value = strchr(argv[index], '=');
    if (value++ == NULL) { fprintf(stderr, "what is %s?\n", argv[index]); return 2; }
    if (strncmp(argv[index], "cookies", 7) == 0) wanted = *value == 'n' ? NONE : *value == 'c' ? CLIENT : FULL;
    else if (strncmp(argv[index], "sources", 7) == 0) source_count = (uint32_t)atoi(value);
    else if (strncmp(argv[index], "window", 6) == 0) window = (unsigned)atoi(value);
    else if (strncmp(argv[index], "cpu", 3) == 0) cpu = atoi(value);
    else if (strncmp(argv[index], "seed", 4) == 0) state = strtoull(value, NULL, 10);
    else { fprintf(stderr, "what is %s?\n", argv[index]); return 2; }
  }
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
  }
  sources = calloc(source_count, sizeof *sources);
  server_cookies = calloc(source_count, sizeof *server_cookies);
  question_of = malloc(65536 * sizeof *question_of);
  if (sources == NULL || server_cookies == NULL || question_of == NULL) die("malloc");
  memset(question_of, 0xFF, 65536 * sizeof *question_of);
  for (uint32_t index = 0; index < source_count; index++) {
    // 127.1.0.1 and up: nothing of the machine's own.
    sources[index] = htonl(0x7F010001u + (uint32_t)(random64() % 0xFDFFFE));
  }
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  cookies = wanted;
  read_queries(argv[2]);
  if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0) die("socket");
  int room = 4 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  struct sockaddr_in any = {.sin_family = AF_INET};
  if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0) die("bind");
  if (wanted == FULL) fetch_cookies();
  run(0.4, window);
  sent = received = lost = wrong = received_bytes = 0;
  uint64_t start = now_ns();
  run(atof(argv[3]), window);
  double seconds = (double)(now_ns() - start) / 1e9;
  printf("qps=%.0f sent=%lu received=%lu lost=%lu wrong=%lu bytes=%.1f without=%lu\n", (double)received / seconds, sent,
         received, lost, wrong, received > 0 ? (double)received_bytes / (double)received : 0, without_cookie);
  return 0;
}
