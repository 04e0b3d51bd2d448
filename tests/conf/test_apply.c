/* Sections become objects: values, defaults, inheritance, and what is refused. */
#include "loading.h"

#include "keys.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

#define REST "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = a:80\n"

START_TEST(five_lines_are_enough)
{
    struct conf *c = load(REST);

    ck_assert_int_eq(c->workers, 0);
    ck_assert_str_eq(c->logging.target.written, "-");
    ck_assert_int_eq(c->logging.format.form, CONF_LOG_JSON);
    ck_assert_str_eq(c->error_log, "-");
    ck_assert_int_eq(c->shutdown_grace, 30 * SECOND);
    ck_assert_int_eq(c->max_connections, 10000);
    ck_assert_str_eq(c->file, "t");
    ck_assert_uint_eq(c->listener_count, 1);
    ck_assert_uint_eq(c->route_count, 0);
    ck_assert_uint_eq(c->upstream_count, 1);

    const struct conf_listener *l = c->listeners;

    ck_assert_str_eq(l->name, "web");
    ck_assert_uint_eq(l->binds, 1);
    ck_assert_str_eq(l->bind[0].text, ":80");
    ck_assert_int_eq(l->protocol, CONF_HTTP);
    ck_assert_uint_eq(l->split.share_count, 1);
    ck_assert_str_eq(l->split.shares[0].to.name, "app");
    ck_assert_ptr_eq(l->split.shares[0].to.upstream, c->upstreams);
    ck_assert_int_eq(l->max_connections, 10000);
    ck_assert_int_eq(l->max_head, 16384);
    ck_assert_int_eq(l->max_fields, 100);
    ck_assert_int_eq(l->max_target, 8192);
    ck_assert_int_eq(l->max_body, 0);
    ck_assert_int_eq(l->timeout_head, 10 * SECOND);
    ck_assert_int_eq(l->timeout_body, 30 * SECOND);
    ck_assert_int_eq(l->timeout_keepalive, 60 * SECOND);
    ck_assert_int_eq(l->timeout_write, 30 * SECOND);
    ck_assert_int_eq(l->timeout_tunnel, 3600 * SECOND);
    ck_assert_int_eq(l->timeout_linger, 5 * SECOND);
    ck_assert_int_eq(l->min_rate, 240);
    ck_assert_int_eq(l->origin.line, 1);

    const struct conf_upstream *u = c->upstreams;

    ck_assert_str_eq(u->name, "app");
    ck_assert_uint_eq(u->server_count, 1);
    ck_assert_int_eq(u->servers[0].weight, 1);
    ck_assert_int_eq(u->balancing.balance.method, CONF_ROUND_ROBIN);
    ck_assert_int_eq(u->keepalive, 64);
    ck_assert_int_eq(u->keepalive_requests, 10000);
    ck_assert_int_eq(u->timeout_connect, 3 * SECOND);
    ck_assert_int_eq(u->timeout_response, 30 * SECOND);
    ck_assert_int_eq(u->timeout_read, 60 * SECOND);
    ck_assert_int_eq(u->timeout_write, 30 * SECOND);
    ck_assert_int_eq(u->timeout_idle, 30 * SECOND);
    ck_assert_int_eq(u->origin.line, 4);
    conf_free(c);
}
END_TEST

START_TEST(every_key_is_stored)
{
    struct conf *c =
        load("[greenway]\nworkers = 4\naccess_log = off\nlog_format = combined\nerror_log = ./e.log\n"
             "shutdown_grace = 1s\nmax_connections = 7\n"
             "[listener web]\nbind = 127.0.0.1:80\nbind = [::1]:80, unix:/s\n  :81\nprotocol = http\n"
             "upstream = app\nmax_connections = 5\nmax_head = 1k\nmax_fields = 2\nmax_target = 64\n"
             "max_body = 3\ntimeout_head = 4ms\ntimeout_body = 5ms\ntimeout_keepalive = 6ms\n"
             "timeout_write = 7ms\ntimeout_tunnel = 8ms\ntimeout_linger = 9ms\nmin_rate = 10\n"
             "[route r]\nlistener = web\nhost = A.example, *.b.example\npath = /v1/* =/x\n"
             "upstream = app\nmax_body = 11\ntimeout_response = 12ms\n"
             "[upstream app]\nserver = a:1 weight=2, b:2\nserver = c:3\nbalance = round_robin\n"
             "keepalive = 0\nkeepalive_requests = 13\ntimeout_connect = 14ms\n"
             "timeout_response = 15ms\ntimeout_read = 16ms\ntimeout_write = 17ms\ntimeout_idle = 18ms\n");

    ck_assert_int_eq(c->workers, 4);
    ck_assert_str_eq(c->logging.target.written, "off");
    ck_assert_int_eq(c->logging.format.form, CONF_LOG_COMBINED);
    ck_assert_str_eq(c->error_log, "./e.log");
    ck_assert_int_eq(c->shutdown_grace, SECOND);
    ck_assert_int_eq(c->max_connections, 7);

    const struct conf_listener *l = c->listeners;

    ck_assert_uint_eq(l->binds, 4);
    ck_assert_str_eq(l->bind[0].host, "127.0.0.1");
    ck_assert_str_eq(l->bind[1].host, "::1");
    ck_assert_str_eq(l->bind[2].host, "/s");
    ck_assert_int_eq(l->bind[3].port, 81);
    ck_assert_int_eq(l->bind[0].origin.line, 9);
    ck_assert_int_eq(l->bind[2].origin.line, 10);
    ck_assert_int_eq(l->bind[3].origin.line, 11);
    ck_assert_int_eq(l->max_connections, 5);
    ck_assert_int_eq(l->max_head, 1024);
    ck_assert_int_eq(l->max_fields, 2);
    ck_assert_int_eq(l->max_target, 64);
    ck_assert_int_eq(l->max_body, 3);
    ck_assert_int_eq(l->timeout_head, 4 * MS);
    ck_assert_int_eq(l->timeout_body, 5 * MS);
    ck_assert_int_eq(l->timeout_keepalive, 6 * MS);
    ck_assert_int_eq(l->timeout_write, 7 * MS);
    ck_assert_int_eq(l->timeout_tunnel, 8 * MS);
    ck_assert_int_eq(l->timeout_linger, 9 * MS);
    ck_assert_int_eq(l->min_rate, 10);

    const struct conf_route *r = c->routes;

    ck_assert_str_eq(r->name, "r");
    ck_assert_uint_eq(r->listener_count, 1);
    ck_assert_ptr_eq(r->listeners[0], l);
    ck_assert_uint_eq(r->match.host_count, 2);
    ck_assert_str_eq(r->match.hosts[0].text, "a.example");
    ck_assert(r->match.hosts[1].wildcard);
    ck_assert_uint_eq(r->match.path_count, 2);
    ck_assert_str_eq(r->match.paths[0].text, "/v1");
    ck_assert(r->match.paths[1].exact);
    ck_assert_str_eq(r->split.shares[0].to.name, "app");
    ck_assert_ptr_eq(r->split.shares[0].to.upstream, c->upstreams);
    ck_assert_int_eq(r->max_body, 11);
    ck_assert_int_eq(r->timeout_response, 12 * MS);

    const struct conf_upstream *u = c->upstreams;

    ck_assert_uint_eq(u->server_count, 3);
    ck_assert_int_eq(u->servers[0].weight, 2);
    ck_assert_str_eq(u->servers[2].text, "c:3");
    ck_assert_int_eq(u->keepalive, 0);
    ck_assert_int_eq(u->keepalive_requests, 13);
    ck_assert_int_eq(u->timeout_connect, 14 * MS);
    ck_assert_int_eq(u->timeout_response, 15 * MS);
    ck_assert_int_eq(u->timeout_read, 16 * MS);
    ck_assert_int_eq(u->timeout_write, 17 * MS);
    ck_assert_int_eq(u->timeout_idle, 18 * MS);
    conf_free(c);
}
END_TEST

START_TEST(wide_sections_are_inherited)
{
    /* In whatever order they stand. */
    struct conf *c = load("[listener a]\nbind = :1\nupstream = u\n"
                          "[listener b]\nbind = :2\nupstream = v\nmax_body = 2m\ntimeout_write = 2s\n"
                          "max_connections = 3\n"
                          "[route r]\nupstream = u\nhost = x\n[route s]\nupstream = u\nmax_body = 0\n"
                          "[upstream u]\nserver = a:1\n[upstream v]\nserver = a:1\ntimeout_write = 4s\n"
                          "[limits]\nmax_body = 1m\n[timeouts]\ntimeout_write = 1s\ntimeout_response = 6s\n"
                          "[greenway]\nmax_connections = 9\n");

    ck_assert_int_eq(c->max_connections, 9);
    ck_assert_int_eq(c->listeners[0].max_connections, 9);
    ck_assert_int_eq(c->listeners[1].max_connections, 3);
    ck_assert_int_eq(c->listeners[0].max_body, 1 << 20);
    ck_assert_int_eq(c->listeners[1].max_body, 2 << 20);
    ck_assert_int_eq(c->listeners[0].timeout_write, SECOND);
    ck_assert_int_eq(c->listeners[1].timeout_write, 2 * SECOND);
    ck_assert_int_eq(c->upstreams[0].timeout_write, SECOND);
    ck_assert_int_eq(c->upstreams[1].timeout_write, 4 * SECOND);
    ck_assert_int_eq(c->upstreams[0].timeout_response, 6 * SECOND);
    ck_assert_int_eq(c->routes[0].max_body, CONF_INHERIT);
    ck_assert_int_eq(c->routes[0].timeout_response, CONF_INHERIT);
    ck_assert_int_eq(c->routes[1].max_body, 0); /* no limit is not the same as nothing said */
    ck_assert_int_eq(conf_pick(c->routes[0].max_body, c->listeners[0].max_body), 1 << 20);
    ck_assert_int_eq(conf_pick(c->routes[1].max_body, c->listeners[0].max_body), 0);

    ck_assert_int_eq(conf_origin_of(c, "max_connections").line, 27);
    ck_assert_int_eq(conf_origin_of(c, "workers").line, 0);
    ck_assert_str_eq(conf_origin_of(c, "workers").file, "default");
    ck_assert_int_eq(conf_listener_origin(&c->listeners[0], "max_body").line, 22);
    ck_assert_str_eq(conf_listener_origin(&c->listeners[0], "max_body").file, "t");
    ck_assert_int_eq(conf_listener_origin(&c->listeners[1], "max_body").line, 7);
    ck_assert_int_eq(conf_listener_origin(&c->listeners[0], "max_head").line, 0);
    ck_assert_int_eq(conf_listener_origin(&c->listeners[0], "bind").line, 2);
    ck_assert_int_eq(conf_listener_origin(&c->listeners[0], "nothing").line, 0);
    ck_assert_int_eq(conf_upstream_origin(&c->upstreams[0], "timeout_write").line, 24);
    ck_assert_int_eq(conf_upstream_origin(&c->upstreams[1], "timeout_write").line, 20);
    ck_assert_int_eq(conf_route_origin(&c->routes[1], "max_body").line, 15);
    ck_assert_int_eq(conf_route_origin(&c->routes[0], "max_body").line, 0);
    conf_free(c);
}
END_TEST

START_TEST(values_on_lines_of_their_own)
{
    struct conf *c =
        load("[greenway]\nworkers =\n  3\n[listener web]\nbind =\n  :80,\n\n  ; here as well\n  :81\n"
             "upstream = app\n[upstream app]\nserver =\n a:1 weight=2,\n b:2\n");

    ck_assert_int_eq(c->workers, 3);
    ck_assert_int_eq(conf_origin_of(c, "workers").line, 3);
    ck_assert_uint_eq(c->listeners[0].binds, 2);
    ck_assert_uint_eq(c->upstreams[0].server_count, 2);
    ck_assert_int_eq(c->upstreams[0].servers[1].origin.line, 14);
    conf_free(c);
    refuse("[greenway]\nworkers = 1\n  2\n" REST,
           "t:3: [greenway] workers: the indented line continues the value, but the key takes only one\n");
}
END_TEST

START_TEST(variables)
{
    unsetenv("CONF_UNSET");
    setenv("CONF_SERVERS", "a:1 weight=2, b:2", 1);
    setenv("CONF_WORKERS", "8", 1);
    struct conf *c = load("[greenway]\nworkers = ${CONF_WORKERS}\nerror_log = /a$b/$${x}\n[listener web]\n"
                          "bind = :${CONF_UNSET:-8080}\nupstream = app\n"
                          "[upstream app]\nserver = ${CONF_SERVERS},\n  c:3, ${CONF_UNSET:-}\n");

    ck_assert_int_eq(c->workers, 8);
    ck_assert_str_eq(c->error_log, "/a$b/${x}");
    ck_assert_int_eq(c->listeners[0].bind[0].port, 8080);
    ck_assert_uint_eq(c->upstreams[0].server_count, 3);
    ck_assert_str_eq(c->upstreams[0].servers[1].text, "b:2");
    conf_free(c);
    refuse("[greenway]\nworkers = ${CONF_UNSET}\nerror_log = ${uri}\n[listener web]\nbind = :80\nupstream = "
           "app\n"
           "[upstream app]\nserver = a:1,\n  ${CONF_UNSET}:80\n",
           "t:2: [greenway] workers: CONF_UNSET is not set in the environment; write ${CONF_UNSET:-default} "
           "to do "
           "without\n"
           "t:3: [greenway] error_log: '${uri}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; "
           "write $$ "
           "for a plain '$'\n"
           "t:9: [upstream app] server: CONF_UNSET is not set in the environment; write "
           "${CONF_UNSET:-default} to do "
           "without\n");
}
END_TEST

#define ADDRESSES                                                                                            \
    "HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH, and tls behind those that speak TLS if not all do"
#define TIMES "a duration from 1ms to 365d, with its unit: ms, s, m, h or d"

static const struct {
    const char *text, *expected;
} wrong[] = {
    /* single values */
    {"[greenway]\nworkers = 0\n" REST,
     "t:2: [greenway] workers: '0' is out of range; allowed: auto, or a number from 1 to 256\n"},
    {"[greenway]\nworkers = many\n" REST,
     "t:2: [greenway] workers: 'many' is not understood; allowed: auto, or a number from 1 to 256\n"},
    {"[greenway]\nworkers =\n" REST,
     "t:2: [greenway] workers: the value is missing; allowed: auto, or a number from 1 to 256\n"},
    {"[greenway]\nworkers = 4 # four\n" REST,
     "t:2: [greenway] workers: '4 # four' is not understood; allowed: auto, or a number from 1 to 256\n"},
    {"[greenway]\nlog_format = jason\n" REST,
     "t:2: [greenway] log_format: 'jason' is no format that is known; did you mean 'json'?; allowed: json, "
     "combined, "
     "or a text with variables, such as ${client} ${status} \"${uri}\"\n"},
    {"[greenway]\nlog_format = x\n" REST,
     "t:2: [greenway] log_format: 'x' is no format that is known, and has no variables to be one of its own; "
     "allowed: "
     "json, combined, or a text with variables, such as ${client} ${status} \"${uri}\"\n"},
    {"[greenway]\naccess_log = stdout\nerror_log = off\n" REST,
     "t:2: [greenway] access_log: 'stdout' is not known, and no path, which has a '/' in it; allowed: - for "
     "standard output, off, syslog, syslog:HOST:PORT, syslog:unix:/PATH, or the path of a file, with a '/' "
     "in it\n"
     "t:3: [greenway] error_log: 'off' is not understood; allowed: -, or the path of a file, with a '/' in "
     "it\n"},
    {"[greenway]\naccess_log = /var/log/\nerror_log = /e # here\n" REST,
     "t:2: [greenway] access_log: '/var/log/' is a folder; allowed: - for standard output, off, syslog, "
     "syslog:HOST:PORT, syslog:unix:/PATH, or the path of a file, with a '/' in it\n"
     "t:3: [greenway] error_log: '/e # here' is not understood; allowed: -, or the path of a file, with a "
     "'/' in it\n"},
    {"[timeouts]\ntimeout_head = 0\ntimeout_body = 0s\ntimeout_write = -1s\ntimeout_read = 30\ntimeout_idle "
     "= 366d\n" REST,
     "t:2: [timeouts] timeout_head: '0' is no time to wait, and no wait can be turned off; allowed: " TIMES
     "\n"
     "t:3: [timeouts] timeout_body: '0s' is no time to wait, and no wait can be turned off; allowed: " TIMES
     "\n"
     "t:4: [timeouts] timeout_write: '-1s' is no time to wait, and no wait can be turned off; allowed: " TIMES
     "\n"
     "t:5: [timeouts] timeout_read: '30' is not understood; allowed: " TIMES "\n"
     "t:6: [timeouts] timeout_idle: '366d' is out of range; allowed: " TIMES "\n"},
    {"[limits]\nmax_head = 512\nmax_target = 65k\n" REST,
     "t:2: [limits] max_head: '512' is out of range; allowed: a size from 1k to 64k, in bytes or with a "
     "unit: k, m, g "
     "or t\n"
     "t:3: [limits] max_target: '65k' is out of range; allowed: a size from 64 to 64k, in bytes or with a "
     "unit: k, m, g "
     "or t\n"},
    {"[greenway]\nerror_log =;x\n" REST,
     "t:2: [greenway] error_log: a value cannot hold a ';' at its start or behind a "
     "blank, where it would be a comment\n"},
    /* set twice */
    {"[greenway]\nworkers = 1\nmax_connections = 1\nworkers = 1\n" REST,
     "t:4: [greenway] workers: the key is already set at t:2 and takes one value\n"},
    /* keys that do not exist, or not here */
    {"[greenway]\nworker = 1\n" REST, "t:2: [greenway] worker: unknown key; did you mean 'workers'?\n"},
    {"[greenway]\nWorkers = 1\n" REST, "t:2: [greenway] Workers: unknown key; did you mean 'workers'?\n"},
    {"[greenway]\ntimeout_connect = 1s\n" REST,
     "t:2: [greenway] timeout_connect: the key does not belong "
     "here; it stands in [listener NAME] or [upstream NAME] or [timeouts]\n"},
    {"[limits]\ntimeout_head = 1s\n" REST, "t:2: [limits] timeout_head: the key does not belong here; it "
                                           "stands in [listener NAME] or [timeouts]\n"},
    {REST "server b:80\n",
     "t:6: [upstream app] server b: unknown key; is there a '=' missing behind 'server'?\n"},
    /* sections */
    {"[greenway x]\n" REST, "t:1: [greenway x]: the section takes no name; write [greenway]\n"},
    {"[route]\n" REST, "t:1: [route]: the section needs a name, as in [route main]\n"},
    {"[listner x]\n" REST, "t:1: [listner x]: unknown section; did you mean 'listener'?\n"},
    {"[server]\nworkers = 1\n" REST,
     "t:1: [server]: unknown section; there are [greenway], [listener NAME], [route "
     "NAME], [upstream NAME], [limits] and [timeouts]\n"},
    {"[route a,b]\n" REST,
     "t:1: [route a,b]: the name 'a,b' is not made of letters, digits, '.', '_' and '-' alone\n"},
    {"[upstream app]\nserver = b:1\n" REST, "t:6: [upstream app]: the section already stands at t:1\n"},
    {"[limits]\n[limits]\n[limits]\n" REST, "t:2: [limits]: the section already stands at t:1\n"
                                            "t:3: [limits]: the section already stands at t:1\n"},
    /* required keys */
    {"[listener web]\nupstream = app\n[upstream app]\n",
     "t:1: [listener web] bind: the key is required: addresses to listen on; allowed: " ADDRESSES "\n"
     "t:3: [upstream app] server: the key is required: the servers of this group; allowed: HOST:PORT, "
     "[IPV6]:PORT, unix:/PATH or srv:_SERVICE._PROTOCOL.DOMAIN, and weight=1 to weight=256, tier=1 to "
     "tier=15 or backup, max_connections=N\n"},
    /* lists */
    {"[listener web]\nbind =\nbind = ,\nbind = :80 80, x\nupstream = app\n[upstream app]\nserver = a:80\n",
     "t:2: [listener web] bind: the value is missing; allowed: " ADDRESSES "\n"
     "t:3: [listener web] bind: the value is missing; allowed: " ADDRESSES "\n"
     "t:4: [listener web] bind: '80' is a port without the ':' before it; allowed: " ADDRESSES "\n"
     "t:4: [listener web] bind: 'x' has no port; allowed: " ADDRESSES "\n"},
    {"[route r]\nupstream = app\nhost =\n" REST, "t:3: [route r] host: the value is missing; allowed: a host "
                                                 "such as example.com, *.example.com, or ~REGEX\n"},
    {"[route r]\nupstream = app\nhost = a.example,\n  *\n" REST,
     "t:4: [route r] host: '*' is every host; leave the key out for that; allowed: a host such as "
     "example.com, *.example.com, or ~REGEX\n"},
    {"[route r]\nupstream = app\npath = /a/* b\n" REST,
     "t:3: [route r] path: 'b' does not start with '/'; allowed: /PATH/* for a path and all below it, =/PATH "
     "for it alone, or "
     "~REGEX\n"},
    {"[listener web]\nbind = :80\nupstream = app app\n[upstream app]\nserver = a:80 b:80\n",
     "t:3: [listener web] upstream: 'app app' has more than one word; upstreams are separated by commas; "
     "allowed: the name of an upstream, or several with their shares: NAME weight=90, NAME weight=10\n"
     "t:5: [upstream app] server: 'a:80 b:80' has more than one word; servers are separated by commas; "
     "allowed: "
     "HOST:PORT, [IPV6]:PORT, unix:/PATH or srv:_SERVICE._PROTOCOL.DOMAIN, and weight=1 to weight=256, "
     "tier=1 to tier=15 or backup, max_connections=N\n"},
    {"[greenway]\ninclude = x.ini\n" REST, "t:2: [greenway] include: only a file can include others\n"},
    /* findings of the reader and of the keys come in the order of the text */
    {"[greenway]\nworkers = x\nfoo\nworker = 1\n" REST,
     "t:2: [greenway] workers: 'x' is not understood; allowed: auto, or a number from 1 to 256\n"
     "t:3: [greenway]: the line is neither a [section] nor 'key = value'\n"
     "t:4: [greenway] worker: unknown key; did you mean 'workers'?\n"},
};

START_TEST(mistakes_are_told_with_their_lines)
{
    refuse(wrong[_i].text, wrong[_i].expected);
}
END_TEST

START_TEST(a_key_like_no_other_gets_them_all_listed)
{
    char expected[4096] = "t:2: [greenway] thing: unknown key; there are ";
    const char *comma = "";

    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], CONF_GREENWAY)) {
            strcat(strcat(expected, comma), conf_keys[i].name);
            comma = ", ";
        }
    refuse("[greenway]\nthing = 1\n" REST, strcat(expected, "\n"));
}
END_TEST

START_TEST(tcp_listeners_have_no_http_keys)
{
    struct conf *c =
        load_with("[limits]\nmax_head = 1k\n[listener t]\nbind = :1\nprotocol = tcp\nupstream = app\n"
                  "max_body = 1m\ntimeout_head = 1s\ntimeout_tunnel = 2s\n[upstream app]\nserver = a:1\n",
                  "t:7: warning: [listener t] max_body: the key means nothing to a listener with protocol "
                  "= tcp\n"
                  "t:8: warning: [listener t] timeout_head: the key means nothing to a listener with "
                  "protocol = tcp\n");

    ck_assert_int_eq(c->listeners[0].protocol, CONF_TCP);
    ck_assert_int_eq(c->listeners[0].max_body, 0);
    ck_assert_int_eq(c->listeners[0].max_head, 16384);
    ck_assert_int_eq(c->listeners[0].timeout_tunnel, 2 * SECOND);
    conf_free(c);
}
END_TEST

START_TEST(bytes_without_an_end)
{
    const char text[] = "[listener w]\nbind=:80\nupstream=a\n[upstream a]\nserver=b:80X";
    struct conf *c = load_bytes(text, strlen(text) - 1, "");

    ck_assert_str_eq(c->upstreams[0].servers[0].text, "b:80");
    conf_free(c);
    ck_assert_ptr_null(load_bytes("", 0, "t: there is no [listener NAME], so nothing would be served\n"));
    conf_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/apply");
    TCase *tests = tcase_create("apply");

    tcase_add_test(tests, five_lines_are_enough);
    tcase_add_test(tests, every_key_is_stored);
    tcase_add_test(tests, wide_sections_are_inherited);
    tcase_add_test(tests, values_on_lines_of_their_own);
    tcase_add_test(tests, variables);
    tcase_add_loop_test(tests, mistakes_are_told_with_their_lines, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_test(tests, a_key_like_no_other_gets_them_all_listed);
    tcase_add_test(tests, tcp_listeners_have_no_http_keys);
    tcase_add_test(tests, bytes_without_an_end);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
