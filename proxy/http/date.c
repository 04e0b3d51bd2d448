/* The Date field's text (date.h). */
#include "date.h"

static void two_digits(char *out, int value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

struct span http_date(struct http_date *cache, time_t now)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
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
