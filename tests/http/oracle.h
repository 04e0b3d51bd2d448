/*
 * What must hold for any bytes at all, whether they come from a table of mutations (differential.c) or from a
 * fuzzer (tests/fuzz). Each function returns NULL when all of it holds, else what does not.
 *
 * Heads: the verdict does not depend on how the bytes are split; a head that passes is read in the same way
 * by llhttp, and regenerated it is read by ourselves as the same message again; a head that llhttp would have
 * let pass is refused only for one of the known gaps of llhttp. Bodies: the same, with the data compared.
 */
#ifndef TESTS_HTTP_ORACLE_H
#define TESTS_HTTP_ORACLE_H

#include "http/head.h"

#define ORACLE_BYTES 8192 /* of an input that are looked at */

const char *oracle_request(const char *bytes, size_t n);
const char *oracle_response(const char *bytes, size_t n, enum http_method method);
const char *oracle_chunked(const char *bytes, size_t n, size_t step);
const char *oracle_target(const char *bytes, size_t n);

/* The verdict of the last oracle_request() or oracle_response(): as http_head_feed() returned it. */
extern int oracle_verdict;

#endif
