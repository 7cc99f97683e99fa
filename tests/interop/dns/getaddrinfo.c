/* Prints the addresses of argv[1], as getaddrinfo(3) finds them: by the C library that it is linked with. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

int main(int argc, char **argv) {
  struct addrinfo hints, *found, *one;
  int code;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  code = getaddrinfo(argv[argc - 1], 0, &hints, &found);
  if (code != 0) {
    puts(gai_strerror(code));
    return 1;
  }
  for (one = found; one != 0; one = one->ai_next) {
    char text[64];
    getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
    puts(text);
  }
  return 0;
}
