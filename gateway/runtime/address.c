/* address: see address.h. */
#include "gateway/runtime/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_at(const struct addrinfo *at, int backlog)
{
    int on = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* Accepted sockets inherit these two. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

int address_listen(const char *host, const char *port, int backlog, const char **ret_reason)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char bare[256];
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    snprintf(bare, sizeof bare, "%.*s", (int)(bracketed ? length - 2 : length), host + bracketed);
    int failed = getaddrinfo(bare, port, &hints, &found);
    errno = 0;
    if (failed != 0) {
        *ret_reason = gai_strerror(failed);
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        fd = open_at(at, backlog);
    int reason = errno;
    freeaddrinfo(found);
    errno = reason;
    if (fd < 0)
        *ret_reason = strerrordesc_np(reason);
    return fd;
}

bool address_of_socket(int fd, struct sockaddr_storage *ret_address)
{
    socklen_t size = sizeof *ret_address;
    return getsockname(fd, (struct sockaddr *)ret_address, &size) == 0;
}

void address_text(const struct sockaddr_storage *address, char ret_text[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(ret_text, ADDRESS_TEXT, "[%s]:%u", host, ntohs(six->sin6_port));
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(ret_text, ADDRESS_TEXT, "%s:%u", host, ntohs(four->sin_port));
    } else {
        snprintf(ret_text, ADDRESS_TEXT, "?");
    }
}

unsigned address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

bool address_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    if (address->ss_family != AF_INET6)
        return false;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}

/* ::ffff:a.b.c.d is judged as a.b.c.d. */
static bool four_of(const struct sockaddr_storage *address, uint32_t *ret_four)
{
    if (address->ss_family == AF_INET) {
        *ret_four = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);
        return true;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(six))
        return false;
    uint32_t four;
    memcpy(&four, &six->s6_addr[12], sizeof four);
    *ret_four = ntohl(four);
    return true;
}

static bool is_never_a_partner(const struct sockaddr_storage *address)
{
    uint32_t four;
    if (four_of(address, &four))
        return four >> 24 == 0 || four >> 16 == 0xa9fe || four >> 28 >= 0xe;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_UNSPECIFIED(six) || IN6_IS_ADDR_MULTICAST(six) || IN6_IS_ADDR_LINKLOCAL(six);
}

bool address_fits(const char *host, const struct sockaddr_storage *address)
{
    if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
        return false;
    if (is_never_a_partner(address))
        return false;
    return !address_is_loopback(address) || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}
