/*
 * The Range field (RFC 9110 section 14): which bytes of a representation are asked for. The number of ranges is
 * bounded and they never overlap, so that no request can make an answer longer than what it is about.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "span.h"

#define HTTP_RANGES_MAX 16

struct http_range {
    uint64_t first, length; /* length > 0, and within the representation */
};

struct http_ranges {
    unsigned count;
    struct http_range list[HTTP_RANGES_MAX];
};

/*
 * Reads a field value for a representation of `size` bytes. Returns how many ranges are in *out, in the order asked
 * for; ranges that overlap, or lie so close that two parts would cost more than the gap, are merged and then sorted. 0:
 * the field is to be ignored (not in bytes, malformed, too many ranges, or nothing to be had of an empty
 * representation). -ERANGE: none of the ranges can be satisfied.
 */
int http_ranges_parse(struct span value, uint64_t size, struct http_ranges *out);

#endif
