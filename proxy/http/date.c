/* Dates in fields (date.h). */
#include "date.h"

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void two_digits(char *out, int value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

struct span http_date(struct http_date *cache, time_t now)
{
    struct tm tm;
    char *text = cache->text;

    if (cache->text[0] == '\0' || cache->second != (int64_t)now) {
        if (!gmtime_r(&now, &tm)) /* a year that no int holds: say the epoch, which nobody takes for fresh */
            gmtime_r(&(time_t){0}, &tm);
        memcpy(text, "Ddd, 00 Mmm 0000 00:00:00 GMT", HTTP_DATE_BYTES);
        memcpy(text, days + tm.tm_wday * 3, 3);
        two_digits(text + 5, tm.tm_mday);
        memcpy(text + 8, months + tm.tm_mon * 3, 3);
        two_digits(text + 12, (tm.tm_year + 1900) / 100);
        two_digits(text + 14, (tm.tm_year + 1900) % 100);
        two_digits(text + 17, tm.tm_hour);
        two_digits(text + 20, tm.tm_min);
        two_digits(text + 23, tm.tm_sec);
        cache->second = (int64_t)now;
    }
    return span_of(text, HTTP_DATE_BYTES);
}

/* --- reading --- */

/* What is left of a text that is read from its start; NULL once something did not fit. */
struct reader {
    const char *p, *end;
};

static void expect(struct reader *r, const char *text)
{
    size_t n = strlen(text);

    if (r->p && (size_t)(r->end - r->p) >= n && memcmp(r->p, text, n) == 0)
        r->p += n;
    else
        r->p = NULL;
}

/* `digits` of them; the first may be a space if `padded`. */
static int number(struct reader *r, int digits, bool padded)
{
    int value = 0;

    if (!r->p || r->end - r->p < digits)
        r->p = NULL;
    for (int i = 0; i < digits && r->p; i++) {
        char c = *r->p++;
        if (c >= '0' && c <= '9')
            value = value * 10 + (c - '0');
        else if (c != ' ' || i > 0 || !padded)
            r->p = NULL;
    }
    return value;
}

/* Three letters out of a table of such. */
static int word(struct reader *r, const char *table, int count)
{
    for (int i = 0; i < count && r->p && r->end - r->p >= 3; i++)
        if (memcmp(r->p, table + (ptrdiff_t)3 * i, 3) == 0) {
            r->p += 3;
            return i;
        }
    r->p = NULL;
    return 0;
}

static void clock_time(struct reader *r, struct tm *tm)
{
    tm->tm_hour = number(r, 2, false);
    expect(r, ":");
    tm->tm_min = number(r, 2, false);
    expect(r, ":");
    tm->tm_sec = number(r, 2, false);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static void imf_fixdate(struct reader *r, struct tm *tm)
{
    expect(r, ", ");
    tm->tm_mday = number(r, 2, false);
    expect(r, " ");
    tm->tm_mon = word(r, months, 12);
    expect(r, " ");
    tm->tm_year = number(r, 4, false) - 1900;
    expect(r, " ");
    clock_time(r, tm);
    expect(r, " GMT");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static void rfc850_date(struct reader *r, struct tm *tm, time_t now)
{
    struct tm today;

    while (r->p < r->end && *r->p >= 'a' && *r->p <= 'z')
        r->p++;
    expect(r, ", ");
    tm->tm_mday = number(r, 2, false);
    expect(r, "-");
    tm->tm_mon = word(r, months, 12);
    expect(r, "-");
    int year = number(r, 2, false);
    expect(r, " ");
    clock_time(r, tm);
    expect(r, " GMT");
    int this_year = gmtime_r(&now, &today) ? today.tm_year : 70;
    tm->tm_year = this_year - this_year % 100 + year;
    if (tm->tm_year > this_year + 50)
        tm->tm_year -= 100;
    else if (tm->tm_year <= this_year - 50)
        tm->tm_year += 100;
}

/* "Sun Nov  6 08:49:37 1994" */
static void asctime_date(struct reader *r, struct tm *tm)
{
    expect(r, " ");
    tm->tm_mon = word(r, months, 12);
    expect(r, " ");
    tm->tm_mday = number(r, 2, true);
    expect(r, " ");
    clock_time(r, tm);
    expect(r, " ");
    tm->tm_year = number(r, 4, false) - 1900;
}

bool http_date_parse(struct span text, time_t now, time_t *out)
{
    struct reader r = {text.p, text.p + text.n};
    struct tm tm = {0};

    if (text.n < 4)
        return false;
    word(&r, days, 7);
    if (!r.p)
        return false;
    if (text.p[3] == ',')
        imf_fixdate(&r, &tm);
    else if (text.p[3] == ' ')
        asctime_date(&r, &tm);
    else
        rfc850_date(&r, &tm, now);
    if (!r.p || r.p != r.end || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    struct tm day = tm;
    *out = timegm(&tm);
    return tm.tm_mday == day.tm_mday || day.tm_sec == 60; /* there is no 31 Feb */
}
