/* address: small questions about socket addresses. Used by listen.c and transmit.c. Pure but for
 * address_listen() and address_of_socket(); any thread. */
#ifndef GATEWAY_RUNTIME_ADDRESS_H
#define GATEWAY_RUNTIME_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = INET6_ADDRSTRLEN + 10 };

/* A listening, non-blocking TCP socket at HOST (a name or an address, `::1` or `[::1]`) and PORT;
 * -1 with the reason (a constant text) and errno. Its connections have TCP_NODELAY and
 * SO_KEEPALIVE. */
int address_listen(const char *host, const char *port, int backlog, const char **ret_reason);
/* What the socket FD is bound to; false when it is bound to nothing. */
bool address_of_socket(int fd, struct sockaddr_storage *ret_address);
/* `127.0.0.1:8443` or `[::1]:8443`; `?` for other families. */
void address_text(const struct sockaddr_storage *address, char ret_text[ADDRESS_TEXT]);
unsigned address_port(const struct sockaddr_storage *address);
/* 127.0.0.0/8 and ::1, also inside ::ffff:0:0/96. */
bool address_is_loopback(const struct sockaddr_storage *address);

/* May HOST, the name or address in a partner's URL, be reached at ADDRESS? Never: unspecified,
 * multicast, broadcast and link-local addresses (169.254.0.0/16 holds the clouds' metadata
 * services). Loopback only when HOST says so itself, so that no name can be turned to this
 * machine's own services. */
bool address_fits(const char *host, const struct sockaddr_storage *address);

#endif
