/* address: see address.h. */
#include "gateway/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

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
        strcpy(ret_text, "?");
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
