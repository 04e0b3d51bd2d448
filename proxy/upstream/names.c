/* Looking at names ahead of time. */
#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <green.h>

#include "observe/error_log.h"

#define PATIENCE GREEN_S(10)

int names_use_servers(const struct conf *conf)
{
    char *list = NULL;
    size_t size = 0;
    if (!conf->name_server_count)
        return 0;
    FILE *out = open_memstream(&list, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < conf->name_server_count; i++)
        fprintf(out, "%s%s", i ? "," : "", conf->name_servers[i].written);
    int r = fclose(out) == 0 ? green_dns_servers(list) : -ENOMEM;
    free(list);
    return r;
}

static void check_server(const struct conf_server *s)
{
    green_address_t address;
    green_dns_answer_t *answer;
    if (green_address_parse(&address, s->host, s->port) == 0)
        return;
    int r = green_resolve(s->host, s->port, AF_UNSPEC, &answer, green_in(PATIENCE));
    if (r == 0)
        green_dns_release(answer);
    else if (r != -ECANCELED)
        error_log(LOG_LEVEL_WARNING,
                  "%s:%d: the server name '%s' does not resolve: %s; trying again with each request",
                  s->origin.file, s->origin.line, s->host, green_strerror(r));
}

void *names_check(void *arg)
{
    const struct conf *conf = arg;
    for (size_t i = 0; i < conf->upstream_count && !green_cancelled(); i++)
        for (size_t k = 0; k < conf->upstreams[i].server_count && !green_cancelled(); k++)
            check_server(&conf->upstreams[i].servers[k]);
    return NULL;
}
