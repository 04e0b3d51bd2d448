/* What an address is called: in the hosts file, which c-ares reads only for names, and as a question to the DNS. */
#include "../core/internal.h"
#include "dns_hosts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS "/etc/hosts"
#define SPACE " \t\r\n"

static bool same(const green_address_t *address, const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    if (address->any.sa_family == AF_INET)
        return inet_pton(AF_INET, text, bytes) == 1 &&
               memcmp(bytes, &address->in.sin_addr, sizeof address->in.sin_addr) == 0;
    return inet_pton(AF_INET6, text, bytes) == 1 &&
           memcmp(bytes, &address->in6.sin6_addr, sizeof address->in6.sin6_addr) == 0;
}

int green__dns_hosts_name(const char *path, const green_address_t *address, char name[DNS_NAME_SIZE])
{
    FILE *file = fopen(path ? path : HOSTS, "re");
    if (!file)
        return GREEN_EAI_NONAME;
    char *line = NULL, *rest;
    size_t size = 0;
    int r = GREEN_EAI_NONAME;
    while (r < 0 && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "#")] = 0;
        const char *text = strtok_r(line, SPACE, &rest);
        if (!text || !same(address, text))
            continue;
        text = strtok_r(NULL, SPACE, &rest);
        if (text && green__dns_name_canonical(text, name) == 0)
            r = 0;
    }
    free(line);
    fclose(file);
    return r;
}

char *green__dns_reverse_name(const green_address_t *address, char name[DNS_NAME_SIZE])
{
    char *at = name;
    if (address->any.sa_family == AF_INET) {
        const unsigned char *bytes = (const unsigned char *)&address->in.sin_addr;
        sprintf(name, "%d.%d.%d.%d.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
        return name;
    }
    const unsigned char *bytes = address->in6.sin6_addr.s6_addr;
    for (int i = 15; i >= 0; i--)
        at += sprintf(at, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
    strcpy(at, "ip6.arpa");
    return name;
}
