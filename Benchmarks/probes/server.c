// What the benchmark checks: accepts connections on one port of every address of loopback, and answers
// each HTTP request with a short 200, for as long as the client keeps the connection.
//
//     cc -O2 -o server server.c
//     ./server PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

static void stop(const char *what) {
  perror(what);
  exit(1);
}

static void accept_all(int listener, int poll) {
  for (;;) {
    int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = connection};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connection, &event) != 0) close(connection);
  }
}

// Requests of the prober come in one piece.
static void serve(int connection) {
  char request[4096];
  ssize_t count = recv(connection, request, sizeof request, 0);
  if (count <= 0) {
    close(connection);
    return;
  }
  if (count >= 4 && memcmp(request + count - 4, "\r\n\r\n", 4) == 0)
    (void)!send(connection, answer, sizeof answer - 1, MSG_NOSIGNAL);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: server PORT\n");
    return 2;
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) stop("bind");
  if (listen(listener, 4096) != 0) stop("listen");

  int poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) stop("epoll_ctl");
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == listener)
        accept_all(listener, poll);
      else
        serve(events[i].data.fd);
    }
  }
}
