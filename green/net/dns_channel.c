/*
 * The channel: c-ares says which of its sockets it wants to hear of (a uv_poll_t each) and until when it can
 * wait (one uv_timer_t); the loop's callbacks hand events back to it. Handles are active only while queries
 * are on their way, because c-ares closes its sockets after the last one.
 */
#include "dns_channel.h"
#include "dns_answer.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS_MAX    16
#define DNS_PORT       53
#define CLASS_INTERNET 1
#define ALIASES_MAX    16

struct dns_channel {
    struct list link; /* in resolver->channels */
    struct dns_resolver *resolver;
    ares_channel ares;
    uv_timer_t timer;
    struct list watches; /* struct watch, one for each socket */
    size_t pending;
    bool retired; /* goes when nothing is pending */
};

struct watch {
    struct list link;
    uv_poll_t poll;
    struct dns_channel *channel;
    ares_socket_t fd;
};

/* --- sockets and time --- */

static void free_watch(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct watch, poll));
}

static void free_channel(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct dns_channel, timer));
}

/* libuv must let go of a socket before it is closed, or it finds a stranger under its number. */
static void unwatch(struct watch *w)
{
    list_remove(&w->link);
    uv_close((uv_handle_t *)&w->poll, free_watch);
}

static void destroy(struct dns_channel *ch)
{
    list_remove(&ch->link);
    ares_destroy(ch->ares); /* ends what is pending, and through on_socket_state() the watches */
    while (!list_empty(&ch->watches))
        unwatch(CONTAINER_OF(ch->watches.next, struct watch, link));
    uv_close((uv_handle_t *)&ch->timer, free_channel);
}

static void on_timer(uv_timer_t *timer);

/* After each call into c-ares, and never inside one: what next? */
static void settle(struct dns_channel *ch)
{
    if (ch->retired && !ch->pending) {
        destroy(ch);
        return;
    }
    struct timeval buffer, *left = ares_timeout(ch->ares, NULL, &buffer);
    if (!left) {
        uv_timer_stop(&ch->timer);
        return;
    }
    uv_update_time(green_uv_loop()); /* an embedded loop's clock may be far behind */
    uv_timer_start(&ch->timer, on_timer, (uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000 + 1,
                   0);
}

static void on_timer(uv_timer_t *timer)
{
    struct dns_channel *ch = CONTAINER_OF(timer, struct dns_channel, timer);
    ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(ch);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = CONTAINER_OF(poll, struct watch, poll);
    struct dns_channel *ch = w->channel;
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE; /* c-ares finds out what is wrong by trying */
    ares_process_fd(ch->ares, events & UV_READABLE ? w->fd : ARES_SOCKET_BAD,
                    events & UV_WRITABLE ? w->fd : ARES_SOCKET_BAD);
    settle(ch);
}

/* c-ares wants to hear of a socket, or closes it next. There is nobody to tell when a watch cannot be made:
 * the query then ends by its timeout. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *ch = arg;
    struct watch *w = NULL;
    for (struct list *node = ch->watches.next; node != &ch->watches && !w; node = node->next)
        if (CONTAINER_OF(node, struct watch, link)->fd == fd)
            w = CONTAINER_OF(node, struct watch, link);
    if (!readable && !writable) {
        if (w)
            unwatch(w);
        return;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return;
        if (uv_poll_init(green_uv_loop(), &w->poll, fd) < 0) {
            free(w);
            return;
        }
        w->channel = ch;
        w->fd = fd;
        list_push(&ch->watches, &w->link);
    }
    uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* --- making channels --- */

static int error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
        return GREEN_EAI_NONAME;
    case ARES_ENODATA:
        return GREEN_EAI_NODATA;
    case ARES_ETIMEOUT:
    case ARES_ESERVFAIL:
    case ARES_ECONNREFUSED: /* c-ares 1.18 says this, too, after nothing but SERVFAIL and REFUSED */
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return GREEN_EAI_AGAIN;
    case ARES_EBADNAME:
        return GREEN_EAI_BADNAME;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return GREEN_EAI_FAIL;
    }
}

static int open_ares(struct dns_resolver *resolver, struct dns_channel *ch)
{
    struct ares_options options = {
        .timeout = (int)(resolver->patience / GREEN_MS(1)),
        .tries = resolver->tries,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = ch,
        .resolvconf_path = (char *)resolver->resolv_conf.path,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE; /* its size stays 0: one cache is enough */
#endif
    int status = ares_init_options(&ch->ares, &options, mask);
    if (status != ARES_SUCCESS)
        return error_of(status);
    if (resolver->servers) {
        status = ares_set_servers_ports_csv(ch->ares, resolver->servers);
        if (status != ARES_SUCCESS)
            ares_destroy(ch->ares);
    }
    return error_of(status);
}

static int open_channel(struct dns_resolver *resolver)
{
    struct dns_channel *ch = calloc(1, sizeof *ch);
    if (!ch)
        return -ENOMEM;
    ch->resolver = resolver;
    list_init(&ch->watches);
    green__dns_file_reading(&resolver->resolv_conf);
    int r = open_ares(resolver, ch);
    if (r < 0) {
        free(ch);
        return r;
    }
    uv_timer_init(green_uv_loop(), &ch->timer);
    list_push(&resolver->channels, &ch->link);
    resolver->channel = ch;
    return 0;
}

static void retire(struct dns_resolver *resolver)
{
    struct dns_channel *ch = resolver->channel;
    resolver->channel = NULL;
    if (!ch)
        return;
    ch->retired = true;
    if (!ch->pending)
        destroy(ch);
}

/* c-ares reads resolv.conf once for each channel, so a changed file wants a new one. */
bool green__dns_resolver_changed(struct dns_resolver *resolver, green_time now)
{
    if (!resolver->channel || !green__dns_file_changed(&resolver->resolv_conf, now))
        return false;
    retire(resolver);
    return true;
}

void green__dns_resolver_init(struct dns_resolver *resolver)
{
    memset(resolver, 0, sizeof *resolver);
    list_init(&resolver->channels);
    resolver->resolv_conf.path = "/etc/resolv.conf";
    resolver->patience = DNS_PATIENCE;
    resolver->tries = DNS_TRIES;
}

void green__dns_resolver_close(struct dns_resolver *resolver)
{
    while (!list_empty(&resolver->channels))
        destroy(CONTAINER_OF(resolver->channels.next, struct dns_channel, link));
    free(resolver->servers);
}

/* --- name servers --- */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length && strchr(" \t", text[length - 1]))
        length--;
    text[length] = 0;
    return text;
}

/* One of "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53". */
static int parse_server(char *text, green_address_t *out)
{
    int port = DNS_PORT;
    char *colon = strrchr(text, ':');
    if (colon && (colon == strchr(text, ':') || colon[-1] == ']')) {
        char *end;
        long number = strtol(colon + 1, &end, 10);
        if (colon[1] < '0' || colon[1] > '9' || *end || number < 1 || number > 65535)
            return -EINVAL;
        *colon = 0;
        port = (int)number;
    }
    int r = green_address_parse(out, text, port);
    if (r == 0 && out->any.sa_family != AF_INET && out->any.sa_family != AF_INET6)
        r = -EINVAL;
    if (r == 0 && out->any.sa_family == AF_INET6 && out->in6.sin6_scope_id)
        r = -EINVAL; /* c-ares 1.18 takes no zones */
    return r;
}

/* Checks every entry and writes it in the one form that all versions of c-ares read alike. */
static int normalise_servers(const char *csv, char **out)
{
    char *copy = strdup(csv), *list = malloc(SERVERS_MAX * GREEN_ADDRESS_TEXT), *rest = copy, *entry;
    int r = copy && list ? 0 : -ENOMEM, count = 0;
    size_t length = 0;
    while (r == 0 && (entry = strsep(&rest, ","))) {
        green_address_t address;
        char text[GREEN_ADDRESS_TEXT];
        r = ++count > SERVERS_MAX ? -EINVAL : parse_server(trim(entry), &address);
        if (r == 0)
            length += (size_t)sprintf(list + length, "%s%s", length ? "," : "",
                                      green_address_text(&address, true, text));
    }
    free(copy);
    if (r == 0)
        *out = list;
    else
        free(list);
    return r;
}

int green__dns_resolver_servers(struct dns_resolver *resolver, const char *csv)
{
    char *servers = NULL;
    int r = csv ? normalise_servers(csv, &servers) : 0;
    if (r < 0)
        return r;
    free(resolver->servers);
    resolver->servers = servers;
    retire(resolver);
    return 0;
}

int green__dns_resolver_patience(struct dns_resolver *resolver, int64_t patience, int tries)
{
    if (patience < GREEN_MS(1) || patience > GREEN_S(60) || tries < 1 || tries > 10)
        return -EINVAL;
    resolver->patience = patience;
    resolver->tries = tries;
    retire(resolver);
    return 0;
}

/* --- queries --- */

static int ttl_of(const struct ares_addrinfo *found)
{
    int ttl = DNS_TTL_MAX;
    for (const struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next)
        ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
    for (const struct ares_addrinfo_cname *alias = found->cnames; alias; alias = alias->next)
        ttl = alias->ttl < ttl ? alias->ttl : ttl;
    return ttl;
}

static const char *alias_of(const struct ares_addrinfo *found, const char *name)
{
    for (const struct ares_addrinfo_cname *alias = found->cnames; alias; alias = alias->next)
        if (alias->alias && alias->name && strcasecmp(alias->alias, name) == 0)
            return alias->name;
    return NULL;
}

/* Where the aliases lead to; whoever answers may have made a circle of them. */
static const char *canonical_name(const struct ares_addrinfo *found)
{
    const char *name = found->name ? found->name : "", *next;
    for (int steps = 0; steps < ALIASES_MAX && (next = alias_of(found, name)); steps++)
        name = next;
    return name;
}

static int make_answer(const struct ares_addrinfo *found, green_dns_answer_t **out)
{
    size_t count = 0;
    for (const struct ares_addrinfo_node *node = found->nodes; node && count < DNS_ADDRESSES_MAX;
         node = node->ai_next)
        count++;
    if (!count)
        return GREEN_EAI_NODATA;
    green_dns_answer_t *answer = green__dns_answer_new(count, canonical_name(found), ttl_of(found));
    if (!answer)
        return -ENOMEM;
    for (const struct ares_addrinfo_node *node = found->nodes; node && answer->count < count;
         node = node->ai_next)
        green__dns_answer_add(answer, node->ai_addr, node->ai_addrlen);
    if (!answer->count) {
        green_dns_release(answer);
        return GREEN_EAI_NODATA;
    }
    *out = answer;
    return 0;
}

static void finish(struct dns_query *query, int error, void *answer)
{
    query->channel->pending--;
    query->channel->resolver->pending--;
    query->done(query, error, answer);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    green_dns_answer_t *answer = NULL;
    int error = error_of(status);
    if (status == ARES_SUCCESS)
        error = make_answer(found, &answer);
    if (found)
        ares_freeaddrinfo(found);
    finish(arg, error, answer);
}

static void on_records(void *arg, int status, int timeouts, unsigned char *message, int length)
{
    struct dns_query *query = arg;
    green_records_t *answer = NULL;
    int error = error_of(status);
    if (status == ARES_SUCCESS)
        error = green__dns_records_parse(message, length, query->kind & ~DNS_RECORDS, &answer);
    finish(query, error, answer);
}

static void ask(struct dns_channel *ch, struct dns_query *query, const char *name)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = query->kind,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_CANONNAME | (ch->resolver->hosts ? ARES_AI_ENVHOSTS : 0),
    };
    if (query->kind & DNS_RECORDS)
        ares_query(ch->ares, name, CLASS_INTERNET, query->kind & ~DNS_RECORDS, on_records, query);
    else
        ares_getaddrinfo(ch->ares, name, NULL, &hints, on_addresses, query);
}

int green__dns_resolver_ask(struct dns_resolver *resolver, struct dns_query *query, const char *name)
{
    if (resolver->pending >= DNS_QUERIES_MAX)
        return GREEN_EAI_AGAIN;
    int r = resolver->channel ? 0 : open_channel(resolver);
    if (r < 0)
        return r;
    struct dns_channel *ch = resolver->channel;
    query->channel = ch;
    ch->pending++;
    resolver->pending++;
    green_uv_loop(); /* the loop has to look at what this starts */
    ask(ch, query, name);
    settle(ch);
    return 0;
}
