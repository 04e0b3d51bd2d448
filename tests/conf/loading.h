/*
 * Shared by the tests of the loader: text in, findings out.
 */
#ifndef TESTS_CONF_LOADING_H
#define TESTS_CONF_LOADING_H

#include "describe.h"
#include "load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What conf_errors_print() prints, to be freed. */
static inline char *findings(const struct conf_errors *errors)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    conf_errors_print(out, errors, false);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* Loads n bytes of text as "t" and holds everything that was found against `expected`, line for line. */
static inline struct conf *load_bytes(const char *text, size_t n, const char *expected)
{
    struct conf_errors errors = {0};
    /* A copy of just that size, so that reading beyond it is an error that a sanitizer sees. */
    char *exact = malloc(n ? n : 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, n);
    struct conf *conf = conf_load_text("t", exact, n, &errors);
    char *found = findings(&errors);

    free(exact);
    ck_assert_str_eq(found, expected);
    ck_assert_msg((conf == NULL) == (errors.errors > 0), "a configuration and errors, or neither");
    free(found);
    conf_errors_free(&errors);
    return conf;
}

static inline struct conf *load_with(const char *text, const char *expected)
{
    return load_bytes(text, strlen(text), expected);
}

/* The text is fine, without so much as a warning. */
static inline struct conf *load(const char *text)
{
    struct conf *conf = load_with(text, "");

    ck_assert_ptr_nonnull(conf);
    return conf;
}

/* The text is refused with exactly these lines. */
static inline void refuse(const char *text, const char *expected)
{
    ck_assert_ptr_null(load_with(text, expected));
}

static inline int run_tests(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
