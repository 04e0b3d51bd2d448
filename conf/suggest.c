/*
 * Edit distance with transpositions (optimal string alignment), ignoring case.
 */
#include "suggest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define LONGEST 64 /* longer words are not compared: names here have at most 49 bytes */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= m; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *oldest = before;

        before = above;
        above = row;
        row = oldest;
    }
    return above[m];
}

void conf_suggest_start(struct conf_suggestion *s, const char *word)
{
    *s = (struct conf_suggestion){.word = word, .distance = UINT_MAX};
}

void conf_suggest_offer(struct conf_suggestion *s, const char *candidate)
{
    size_t n = strlen(s->word), m = strlen(candidate);

    if (n == 0 || n > LONGEST || m > LONGEST)
        return;
    size_t longer = n > m ? n : m;
    size_t allowed = longer < 5 ? 1 : longer < 8 ? 2 : 3;

    if ((n > m ? n - m : m - n) > allowed)
        return;
    unsigned d = distance(s->word, n, candidate, m);

    /* Short words that share nothing ("a" and "b") are one edit apart; that is no help to anybody. */
    if (d <= allowed && d < longer && d < s->distance) {
        s->best = candidate;
        s->distance = d;
    }
}
