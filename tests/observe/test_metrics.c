/* Sets of counters over several configurations: what goes on, what ends, what a request leaves in them. */
#include "observe/metrics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "http/head.h"
#include "load.h"
#include "observe/totals.h"

static struct conf *load(const char *text)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load_text("t", text, strlen(text), &errors);
    ck_assert_ptr_nonnull(conf);
    conf_errors_free(&errors);
    return conf;
}

#define ONE                                                                                                  \
    "[listener web]\nbind = :80\nupstream = app\n[route r]\npath = /r/*\nupstream = app\n"                   \
    "[upstream app]\nserver = a:1\nserver = b:1\n"
#define TWO                                                                                                  \
    "[listener more]\nbind = :81\nupstream = other\n[listener web]\nbind = :80\nupstream = app\n"            \
    "[upstream other]\nserver = a:1\n[upstream app]\nserver = b:1\nserver = c:1\n"

static uint64_t gets(const struct metrics_set *set)
{
    return TOTAL(set, traffic, requests[HTTP_METHOD_GET][2]);
}

static struct metrics_places places(const struct metrics_view *v, unsigned worker,
                                    const struct access_entry *e)
{
    return (struct metrics_places){.view = v,
                                   .worker = worker,
                                   .listener = metrics_listener(v, worker, e->listener),
                                   .route = e->route ? metrics_route(v, worker, e->route) : NULL,
                                   .server =
                                       e->server ? metrics_server(v, worker, e->upstream, e->server) : NULL};
}

START_TEST(names_keep_their_counts)
{
    struct conf *one = load(ONE), *two = load(TWO);
    struct metrics *m = metrics_new();
    struct metrics_view *first = metrics_view_new(m, one, 2);
    struct access_entry e = {.listener = &one->listeners[0],
                             .route = &one->routes[0],
                             .upstream = &one->upstreams[0],
                             .server = &one->upstreams[0].servers[1],
                             .reason = "",
                             .status = 200,
                             .started = 1000000,
                             .connected = 2000000,
                             .first_byte = 5000000,
                             .ended = 11000000,
                             .bytes_out = 10};
    for (unsigned worker = 0; worker < 2; worker++) {
        struct metrics_places at = places(first, worker, &e);
        metrics_request(&at, &e, HTTP_METHOD_GET);
    }
    ck_assert_uint_eq(gets(first->listeners[0]), 2);
    ck_assert_uint_eq(gets(first->routes[0]), 2);
    ck_assert_uint_eq(TOTAL(first->routes[0], traffic, bytes_out), 20);
    ck_assert_uint_eq(total_responses(first, 0, 2), 2);
    ck_assert_uint_eq(TOTAL(first->servers[0][0], server_metrics, responses[2]), 0);
    ck_assert_uint_eq(TOTAL(first->servers[0][1], server_metrics, responses[2]), 2);
    struct histogram_reading h = {0};
    total_first_byte(first, 0, &h);
    ck_assert_uint_eq(h.count, 2);
    ck_assert_uint_eq(h.sum, 6000000);

    struct metrics_view *second = metrics_view_new(m, two, 3); /* and one worker more */
    ck_assert_ptr_eq(second->listeners[1], first->listeners[0]);
    ck_assert_ptr_eq(second->servers[1][0], first->servers[0][1]);
    ck_assert_ptr_ne(second->servers[0][0], first->servers[0][0]); /* another upstream's, of that name */
    ck_assert_ptr_nonnull(second->listeners[1]->by_worker[2]);
    metrics_view_free(first);
    ck_assert_uint_eq(gets(second->listeners[1]), 2);
    ck_assert_uint_eq(gets(second->listeners[0]), 0);
    struct metrics_view *third = metrics_view_new(m, one, 2); /* what was gone begins anew */
    ck_assert_uint_eq(gets(third->listeners[0]), 2);
    ck_assert_uint_eq(gets(third->routes[0]), 0);
    metrics_view_free(third);
    metrics_view_free(second);
    ck_assert_ptr_null(m->sets);
    metrics_free(m);
    conf_free(one);
    conf_free(two);
}
END_TEST

static uint64_t failures(const struct metrics_set *set, const char *reason, const char *directive)
{
    return total_at(set, offsetof(struct listener_metrics, failures) +
                             reason_find(reason, directive) * sizeof(counter_t));
}

START_TEST(failures_have_places)
{
    static const char unknown[] = "never_heard_of";
    struct conf *conf = load(ONE);
    struct metrics *m = metrics_new();
    struct metrics_view *v = metrics_view_new(m, conf, 1);
    struct access_entry e = {.listener = &conf->listeners[0],
                             .upstream = &conf->upstreams[0],
                             .server = &conf->upstreams[0].servers[0],
                             .reason = "connect_timeout",
                             .directive = "timeout_connect",
                             .status = 504,
                             .ended = 5};
    struct metrics_places at = places(v, 0, &e);
    metrics_request(&at, &e, HTTP_METHOD_POST);
    metrics_request(&at, &e, HTTP_METHOD_POST);
    e.reason = "source_denied";
    e.directive = "allow";
    metrics_request(&at, &e, HTTP_METHOD_GET);
    e.reason = unknown;
    e.directive = NULL;
    metrics_turned_away(v, 0, &e);
    ck_assert_uint_eq(failures(v->listeners[0], "connect_timeout", "timeout_connect"), 2);
    ck_assert_uint_eq(failures(v->listeners[0], "source_denied", "allow"), 1);
    ck_assert_uint_eq(failures(v->listeners[0], "source_denied", "deny"), 0);
    ck_assert_uint_eq(reason_find(unknown, NULL), 0);
    ck_assert_uint_eq(failures(v->listeners[0], unknown, NULL), 1);
    ck_assert_uint_eq(TOTAL(v->listeners[0], listener_metrics, turned_away), 1);
    ck_assert_uint_eq(TOTAL(v->servers[0][0], server_metrics, failures), 2); /* a rule is not its fault */
    ck_assert_uint_eq(total_requests(v->listeners[0], 5), 3);
    metrics_view_free(v);
    metrics_free(m);
    conf_free(conf);
}
END_TEST

START_TEST(reasons_are_found_again)
{
    for (size_t i = 0; i < reason_count; i++) {
        const struct reason *r = reason_at(i);
        ck_assert_msg(*r->hint && *r->name, "row %zu", i);
        ck_assert_msg(reason_find(r->name, *r->directive ? r->directive : NULL) == i,
                      "%s (%s) is there twice", r->name, r->directive);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("metrics");
    tcase_add_test(tc, names_keep_their_counts);
    tcase_add_test(tc, failures_have_places);
    tcase_add_test(tc, reasons_are_found_again);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
