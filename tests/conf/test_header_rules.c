/* Rules about header fields, as an ini file says them. */
#include "loading.h"

#define LISTENER "[listener web]\nbind = :80\nupstream = app\n"
#define UPSTREAM "[upstream app]\nserver = a:80\n"

START_TEST(rules_keep_their_order)
{
    struct conf *c =
        load(LISTENER "request_header = set X-A one, two ${client}\nrequest_header = remove X-B\n"
                      "response_header = add X-C 3\nresponse_header = always set X-D ${status}\n" UPSTREAM);
    const struct conf_header_rules *h = &c->listeners[0].headers;

    ck_assert_uint_eq(h->request_count, 2);
    ck_assert_uint_eq(h->response_count, 2);
    ck_assert_int_eq(h->request[0].op, CONF_HEADER_SET);
    ck_assert_str_eq(h->request[0].name, "X-A");
    ck_assert_uint_eq(h->request[0].value.count, 2);
    ck_assert_str_eq(h->request[0].value.parts[0].text, "one, two ");
    ck_assert_int_eq(h->request[1].op, CONF_HEADER_REMOVE);
    ck_assert_uint_eq(h->request[1].value.count, 0);
    ck_assert_int_eq(h->response[0].op, CONF_HEADER_ADD);
    ck_assert(!h->response[0].always);
    ck_assert_int_eq(h->response[1].op, CONF_HEADER_SET);
    ck_assert(h->response[1].always);
    conf_free(c);
}
END_TEST

START_TEST(a_dollar_survives_the_environment)
{
    ck_assert_int_eq(setenv("HERE", "oslo", 1), 0);
    struct conf *c = load(LISTENER "response_header = set X-A ${HERE} $$${host} $${HERE}\n" UPSTREAM);
    const struct conf_template *t = &c->listeners[0].headers.response[0].value;

    ck_assert_uint_eq(t->count, 3);
    ck_assert_str_eq(t->parts[0].text, "oslo $");
    ck_assert_int_eq(t->parts[1].variable, CONF_V_HOST);
    ck_assert_str_eq(t->parts[2].text, " ${HERE}");
    conf_free(c);
}
END_TEST

#define ALLOWED_REQUEST "; allowed: set NAME VALUE, add NAME VALUE or remove NAME\n"
#define ALLOWED_RESPONSE                                                                                     \
    "; allowed: set NAME VALUE, add NAME VALUE or remove NAME, each perhaps with always before it\n"

static const struct {
    const char *line, *error;
} bad[] = {
    {"request_header = X-A 1", "'X-A 1' does not say first what to do" ALLOWED_REQUEST},
    {"request_header = set", "'set' names no field" ALLOWED_REQUEST},
    {"request_header = set X-A",
     "'set X-A' has no value; write remove to be rid of the field" ALLOWED_REQUEST},
    {"request_header = set X-A: 1",
     "'set X-A: 1' has a ':' behind the name; write the value right behind it, without one" ALLOWED_REQUEST},
    {"request_header = set X(A 1",
     "'set X(A 1' has 'X(A', which has a character that no name of a field has" ALLOWED_REQUEST},
    {"request_header = remove X-A 1",
     "'remove X-A 1' has something behind the name of a field to remove" ALLOWED_REQUEST},
    {"request_header = set hOST a", "'set hOST a' is about Host, which says where a request goes; set "
                                    "upstream_host for that" ALLOWED_REQUEST},
    {"request_header = always set X-A 1", "'always set X-A 1' does not say first what to do" ALLOWED_REQUEST},
    {"request_header = set X-A ${status}",
     "'set X-A ${status}' has ${status}, which is not known here: there is no answer yet" ALLOWED_REQUEST},
    {"response_header = always", "'always' does not say first what to do" ALLOWED_RESPONSE},
    {"response_header = remove content-Length", "'remove content-Length' is about content-Length, which the "
                                                "proxy writes itself: messages end and connections live "
                                                "by it" ALLOWED_RESPONSE},
    {"response_header = set X-A ${clinet}",
     "'set X-A ${clinet}' has ${clinet}, which is no variable; did you mean ${client}?" ALLOWED_RESPONSE},
};

START_TEST(wrong_rules_are_refused)
{
    char text[512], error[1024];
    const char *key = strncmp(bad[_i].line, "request", 7) == 0 ? "request_header" : "response_header";

    snprintf(text, sizeof text, LISTENER "%s\n" UPSTREAM, bad[_i].line);
    snprintf(error, sizeof error, "t:4: [listener web] %s: %s", key, bad[_i].error);
    refuse(text, error);
}
END_TEST

START_TEST(hosts_are_templates)
{
    struct conf *c =
        load(LISTENER UPSTREAM "upstream_host = ${server}\n"
                               "[route r]\npath = /a/*\nupstream = app\nupstream_host = b.example:81\n");

    ck_assert_int_eq(c->upstreams[0].upstream_host.value.parts[0].variable, CONF_V_SERVER);
    ck_assert_str_eq(c->routes[0].upstream_host.value.parts[0].text, "b.example:81");
    conf_free(c);
    refuse(LISTENER UPSTREAM "upstream_host = https://b.example\n",
           "t:6: [upstream app] upstream_host: 'https://b.example' has a character that no host and port "
           "has; allowed: "
           "HOST or HOST:PORT, which may have variables in it\n");
}
END_TEST

START_TEST(there_is_a_limit)
{
    char text[8192] = LISTENER;

    for (int i = 0; i < CONF_HEADER_RULES_MAX; i++)
        strcat(text, "response_header = add X-A 1\n");
    size_t n = strlen(text);

    strcpy(text + n, UPSTREAM);
    conf_free(load(text));
    strcpy(text + n, "response_header = add X-A 1\n" UPSTREAM);
    refuse(text,
           "t:104: [listener web] response_header: there are 101 of them, and a section may have 100\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/header_rules");
    TCase *tests = tcase_create("header rules");

    tcase_add_test(tests, rules_keep_their_order);
    tcase_add_test(tests, a_dollar_survives_the_environment);
    tcase_add_loop_test(tests, wrong_rules_are_refused, 0, sizeof bad / sizeof bad[0]);
    tcase_add_test(tests, hosts_are_templates);
    tcase_add_test(tests, there_is_a_limit);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
