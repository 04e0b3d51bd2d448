/* The printed configuration says everything, and loads again to the same. */
#include "loading.h"

static char *effective(const struct conf *conf)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    conf_print_effective(out, conf);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void same_conditions(const struct conf_condition *x, size_t x_count, const struct conf_condition *y,
                            size_t y_count)
{
    ck_assert_uint_eq(x_count, y_count);
    for (size_t i = 0; i < x_count; i++) {
        ck_assert_int_eq(x[i].test, y[i].test);
        ck_assert_str_eq(x[i].name, y[i].name);
        ck_assert_pstr_eq(x[i].value, y[i].value);
        ck_assert_str_eq(x[i].written, y[i].written);
    }
}

static void same_splits(const struct conf *a, const struct conf_split *x, const struct conf *b,
                        const struct conf_split *y)
{
    ck_assert_uint_eq(x->share_count, y->share_count);
    ck_assert_int_eq(x->total, y->total);
    ck_assert_int_eq(x->by.by, y->by.by);
    ck_assert_pstr_eq(x->by.name, y->by.name);
    for (size_t i = 0; i < x->share_count; i++) {
        ck_assert_int_eq(x->shares[i].to.upstream - a->upstreams, y->shares[i].to.upstream - b->upstreams);
        ck_assert_int_eq(x->shares[i].weight, y->shares[i].weight);
    }
}

static void same_listeners(const struct conf *a, const struct conf *b)
{
    ck_assert_uint_eq(a->listener_count, b->listener_count);
    for (size_t i = 0; i < a->listener_count; i++) {
        const struct conf_listener *x = &a->listeners[i], *y = &b->listeners[i];

        ck_assert_str_eq(x->name, y->name);
        ck_assert_uint_eq(x->binds, y->binds);
        for (size_t j = 0; j < x->binds; j++) {
            ck_assert_str_eq(x->bind[j].text, y->bind[j].text);
            ck_assert_str_eq(x->bind[j].host, y->bind[j].host);
            ck_assert_int_eq(x->bind[j].port, y->bind[j].port);
            ck_assert_int_eq(x->bind[j].is_unix, y->bind[j].is_unix);
        }
        ck_assert_int_eq(x->protocol, y->protocol);
        same_splits(a, &x->split, b, &y->split);
        /* All numbers, from the first to the last of them. */
        ck_assert_mem_eq(&x->max_connections, &y->max_connections,
                         offsetof(struct conf_listener, origins) -
                             offsetof(struct conf_listener, max_connections));
    }
}

static void same_routes(const struct conf *a, const struct conf *b)
{
    ck_assert_uint_eq(a->route_count, b->route_count);
    for (size_t i = 0; i < a->route_count; i++) {
        const struct conf_route *x = &a->routes[i], *y = &b->routes[i];

        ck_assert_str_eq(x->name, y->name);
        ck_assert_uint_eq(x->listener_count, y->listener_count);
        for (size_t j = 0; j < x->listener_count; j++)
            ck_assert_int_eq(x->listeners[j] - a->listeners, y->listeners[j] - b->listeners);
        ck_assert_uint_eq(x->match.host_count, y->match.host_count);
        for (size_t j = 0; j < x->match.host_count; j++) {
            ck_assert_str_eq(x->match.hosts[j].text, y->match.hosts[j].text);
            ck_assert_int_eq(x->match.hosts[j].wildcard, y->match.hosts[j].wildcard);
        }
        ck_assert_uint_eq(x->match.path_count, y->match.path_count);
        for (size_t j = 0; j < x->match.path_count; j++) {
            ck_assert_str_eq(x->match.paths[j].text, y->match.paths[j].text);
            ck_assert_int_eq(x->match.paths[j].exact, y->match.paths[j].exact);
        }
        ck_assert_uint_eq(x->match.method_count, y->match.method_count);
        for (size_t j = 0; j < x->match.method_count; j++)
            ck_assert_str_eq(x->match.methods[j].written, y->match.methods[j].written);
        same_conditions(x->match.headers, x->match.header_count, y->match.headers, y->match.header_count);
        same_conditions(x->match.queries, x->match.query_count, y->match.queries, y->match.query_count);
        same_conditions(x->match.cookies, x->match.cookie_count, y->match.cookies, y->match.cookie_count);
        ck_assert_uint_eq(x->match.source_count, y->match.source_count);
        same_splits(a, &x->split, b, &y->split);
        ck_assert_int_eq(x->max_body, y->max_body);
        ck_assert_int_eq(x->timeout_response, y->timeout_response);
    }
}

static void same_retries(const struct conf_retries *x, const struct conf_retries *y)
{
    ck_assert_str_eq(x->on.written, y->on.written);
    ck_assert_int_eq(x->on.connect_failure, y->on.connect_failure);
    ck_assert_int_eq(x->on.reset, y->on.reset);
    ck_assert_int_eq(x->on.timeout, y->on.timeout);
    ck_assert_uint_eq(x->on.status_count, y->on.status_count);
    ck_assert_mem_eq(x->on.statuses, y->on.statuses, sizeof(x->on.statuses));
    ck_assert_int_eq(x->budget.percent, y->budget.percent);
    ck_assert_int_eq(x->most, y->most);
    ck_assert_int_eq(x->methods, y->methods);
    ck_assert_int_eq(x->backoff, y->backoff);
    ck_assert_int_eq(x->timeout_try, y->timeout_try);
}

static void same_upstreams(const struct conf *a, const struct conf *b)
{
    ck_assert_uint_eq(a->upstream_count, b->upstream_count);
    for (size_t i = 0; i < a->upstream_count; i++) {
        const struct conf_upstream *x = &a->upstreams[i], *y = &b->upstreams[i];

        ck_assert_str_eq(x->name, y->name);
        ck_assert_uint_eq(x->server_count, y->server_count);
        for (size_t j = 0; j < x->server_count; j++) {
            ck_assert_str_eq(x->servers[j].text, y->servers[j].text);
            ck_assert_str_eq(x->servers[j].host, y->servers[j].host);
            ck_assert_int_eq(x->servers[j].port, y->servers[j].port);
            ck_assert_int_eq(x->servers[j].is_unix, y->servers[j].is_unix);
            ck_assert_int_eq(x->servers[j].weight, y->servers[j].weight);
            ck_assert_int_eq(x->servers[j].max_connections, y->servers[j].max_connections);
        }
        ck_assert_str_eq(x->balancing.balance.written, y->balancing.balance.written);
        ck_assert_mem_eq(&x->keepalive, &y->keepalive,
                         offsetof(struct conf_upstream, retries) - offsetof(struct conf_upstream, keepalive));
        same_retries(&x->retries, &y->retries);
        ck_assert_int_eq(x->hedge_after.time, y->hedge_after.time);
        ck_assert_int_eq(x->hedge_after.percent, y->hedge_after.percent);
        ck_assert_mem_eq(&x->concurrency, &y->concurrency, sizeof x->concurrency);
        ck_assert_mem_eq(&x->tls, &y->tls,
                         offsetof(struct conf_upstream, origins) - offsetof(struct conf_upstream, tls));
    }
}

static void same(const struct conf *a, const struct conf *b)
{
    ck_assert_int_eq(a->workers, b->workers);
    ck_assert_str_eq(a->logging.target.written, b->logging.target.written);
    ck_assert_int_eq(a->logging.format.form, b->logging.format.form);
    ck_assert_str_eq(a->error_log, b->error_log);
    ck_assert_int_eq(a->shutdown_grace, b->shutdown_grace);
    ck_assert_int_eq(a->max_connections, b->max_connections);
    same_listeners(a, b);
    same_routes(a, b);
    same_upstreams(a, b);
}

/* Prints, loads what was printed, and compares. */
static void round_trip(const struct conf *a)
{
    char *text = effective(a);
    struct conf *b = load(text);

    same(a, b);
    free(text);
    conf_free(b);
}

#define APP "[upstream app]\nserver = a:80\n"
#define WEB "[listener web]\nbind = :80\nupstream = app\n"

/* Lines in this order, among those of other keys. */
static const char *const expected[] = {
    "; the whole configuration of t, each value with its place",
    "[greenway]",
    "workers = auto                           ; default",
    "shutdown_grace = 30s                     ; default",
    "access_log = -                           ; default",
    "log_format = json                        ; default",
    "; log_when: all",
    "; log_sample: none",
    "error_log = -                            ; default",
    "max_connections = 10000                  ; default",
    "[listener web]",
    "bind = :80                               ; t:4",
    "bind = unix:/a$$b                        ; t:4",
    "protocol = http                          ; default",
    "max_connections = 10000                  ; default",
    "; upstream: none",
    "; split_by: none",
    "max_head = 16k                           ; default",
    "max_fields = 100                         ; default",
    "max_target = 8k                          ; default",
    "max_body = 2m                            ; t:5",
    "timeout_head = 10s                       ; default",
    "timeout_body = 30s                       ; default",
    "timeout_keepalive = 1m                   ; default",
    "timeout_write = 90s                      ; t:2",
    "timeout_tunnel = 1h                      ; default",
    "timeout_linger = 5s                      ; default",
    "min_rate = 240/s                         ; default",
    "[route r]",
    "; listener: every http listener",
    "host = *.b.example                       ; t:7",
    "host = a.example                         ; t:7",
    "path = /v1/*                             ; t:8",
    "path = /*                                ; t:8",
    "path = =/x                               ; t:9",
    "path = =/$$x                             ; t:10",
    "path = ~^/(a|b){1,2}$$                   ; t:11",
    "; method: every method",
    "header = x-a                             ; t:12",
    "header = x-a: b, c                       ; t:14",
    "header = !x-b                            ; t:13",
    "query = q=~^[0-9]                        ; t:15",
    "; cookie: none",
    "; source: every network",
    "upstream = app                           ; t:16",
    "max_body = 0                             ; t:17",
    "; timeout_response: inherited",
    "[upstream app]",
    "server = a:80 weight=3                   ; t:19",
    "server = [0::1]:81 weight=1              ; t:19",
    "keepalive = 64                           ; default",
    "keepalive_requests = 10000               ; default",
    "balance = round_robin                    ; default",
    "hash_balance_factor = off                ; default",
    "; sticky: none",
    "panic_threshold = 0                      ; default",
    "slow_start = off                         ; default",
    "; health_check: none",
    "eject_after = 5                          ; default",
    "eject_failure_rate = off                 ; default",
    "eject_latency = off                      ; default",
    "eject_volume = 20                        ; default",
    "eject_window = 10s                       ; default",
    "eject_time = 10s                         ; default",
    "eject_time_max = 5m                      ; default",
    "eject_max_share = 50                     ; default",
    "timeout_write = 90s                      ; t:2",
    "timeout_connect = 3s                     ; default",
    "timeout_response = 30s                   ; default",
    "timeout_read = 1m                        ; default",
    "timeout_idle = 30s                       ; default",
};

START_TEST(every_value_is_printed_with_its_place)
{
    struct conf *c =
        load("[timeouts]\ntimeout_write = 90s\n[listener web]\nbind = :80, unix:/a$$b\nmax_body = 2048k\n"
             "[route r]\nhost = *.b.example, a.example\npath = /v1/*, /*\n  =/x\n  =/$x\n  ~^/(a|b){1,2}$\n"
             "header = X-A\nheader = !X-B\n  X-A: b, c\nquery = q=~^[0-9]\nupstream = app\n"
             "max_body = 0\n[upstream app]\nserver = a:80 weight=3, [0::1]:81\n");
    char *text = effective(c);

    const char *at = text;

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *line = strstr(at, expected[i]);

        ck_assert_msg(line && (line == text || line[-1] == '\n') && line[strlen(expected[i])] == '\n',
                      "no line '%s' there", expected[i]);
        at = line + strlen(expected[i]);
    }
    free(text);
    round_trip(c);
    conf_free(c);
}
END_TEST

START_TEST(whatever_loads_loads_again)
{
    char *text = NULL;
    struct conf *c = load(WEB APP);

    round_trip(c);
    conf_free(c);

    c = load(
        "[greenway]\nworkers = 256\naccess_log = /a b/$${x} 'y' \"z\" \\ \xc3\xbc = [1]\nlog_format = "
        "combined\n"
        "error_log = ./#e\nshutdown_grace = 365d\nmax_connections = 1\n[limits]\nmax_fields = 7\nmax_head = "
        "1025\n"
        "[timeouts]\ntimeout_read = 61s\nmin_rate = 0\n" WEB
        "[listener t]\nbind = [::1]:90, *:91, b.example.:92, unix:/x;y#z\nprotocol = tcp\nupstream = app\n"
        "timeout_tunnel = 1ms\n[route r]\nlistener = web\nlistener = web\nhost = [::1], 127.0.0.1, *.a\n"
        "path = /a%c3/*\nupstream = db weight=0, app weight=10\nsplit_by = cookie:id\n[route s]\nupstream = "
        "app\n"
        "timeout_response = 1d\nmethod = GET, POST\nsource = 10.0.0.0/8, unix\ncookie = !a\ncookie = "
        "b=c\ncookie = b=~d$\n"
        "[upstream db]\nserver = unix:/run/$x weight=256\nkeepalive = 0\n" APP);
    round_trip(c);
    conf_free(c);

    /* Lists longer than any line, and a file whose name is one. */
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    fputs("[listener web]\nbind = ", out);
    for (int i = 0; i < 500; i++)
        fprintf(out, "%s127.0.0.1:%d", i ? ", " : "", 1000 + i);
    fputs("\nupstream = app\n" APP, out);
    ck_assert_int_eq(fclose(out), 0);
    struct conf_errors errors = {0};
    char name[600];

    memset(name, 'n', sizeof(name));
    name[10] = '\n';
    name[20] = ';';
    name[sizeof(name) - 1] = 0;
    c = conf_load_text(name, text, n, &errors);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->listeners[0].binds, 500);
    round_trip(c);
    conf_free(c);
    conf_errors_free(&errors);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/effective");
    TCase *tests = tcase_create("effective");

    tcase_add_test(tests, every_value_is_printed_with_its_place);
    tcase_add_test(tests, whatever_loads_loads_again);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
