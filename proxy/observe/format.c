/* Formatting access log lines: escapes, numbers, dates, and the two formats made of them. */
#include "format.h"

#include <time.h>

#include "escape.h"

/* Room in the line for each text of somebody else's making, escapes included. The sum, and what the proxy
 * itself writes, is less than FORMAT_LINE_BYTES. */
#define TARGET_BYTES FORMAT_VALUE_BYTES
#define TEXT_BYTES   2048 /* referer, user agent */
#define HOST_BYTES   1024
#define NAME_BYTES   512 /* of sections and servers, paths of files */

/* --- dates -------------------------------------------------------------------------------------- */

static void put_date(struct format_date *date, int64_t second)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    time_t time = (time_t)second;
    char *out = date->rfc3339, *clock = date->combined + 12;
    gmtime_r(&time, &tm);
    unsigned year = (unsigned)tm.tm_year + 1900;
    out = PUT(put_digits(out, year, 4), "-");
    out = PUT(put_digits(out, (unsigned)tm.tm_mon + 1, 2), "-");
    out = PUT(put_digits(out, (unsigned)tm.tm_mday, 2), "T");
    put_digits(out, (unsigned)tm.tm_hour, 2)[0] = ':';
    put_digits(out + 3, (unsigned)tm.tm_min, 2)[0] = ':';
    put_digits(out + 6, (unsigned)tm.tm_sec, 2);
    memcpy(clock, out, 8);
    out = PUT(put_digits(date->combined, (unsigned)tm.tm_mday, 2), "/");
    out = PUT(put(out, months + 3 * tm.tm_mon, 3), "/");
    PUT(put_digits(out, year, 4), ":");
    date->second = second;
}

void format_date_update(struct format_date *date, int64_t started)
{
    int64_t second = started / GREEN_S(1);
    if (date->second != second || !date->rfc3339[0])
        put_date(date, second);
}

/* --- JSON --------------------------------------------------------------------------------------- */

/* `,"name":` */
#define KEY(out, name) PUT(out, ",\"" name "\":")

static char *json_string(char *out, struct span text, size_t room)
{
    *out++ = '"';
    out = put_json(out, text, room);
    *out++ = '"';
    return out;
}

static char *json_name(char *out, const char *name)
{
    return name ? json_string(out, span_str(name), NAME_BYTES) : PUT(out, "null");
}

char *format_phase(char *out, green_time started, green_time at, bool json)
{
    if (!at)
        return json ? PUT(out, "null") : PUT(out, "-");
    uint64_t us = at > started ? ((uint64_t)(at - started) + 500) / 1000 : 0;
    out = put_number(out, us / 1000);
    *out++ = '.';
    return put_digits(out, (unsigned)(us % 1000), 3);
}

char *format_time(char *out, struct format_date *date, int64_t started)
{
    format_date_update(date, started);
    out = put(out, date->rfc3339, 19);
    *out++ = '.';
    out = put_digits(out, (unsigned)(started / GREEN_MS(1) % 1000), 3);
    return PUT(out, "Z");
}

static char *json_server(char *out, const struct access_entry *e)
{
    char text[GREEN_ADDRESS_TEXT];
    if (e->server_address)
        return json_name(out, green_address_text(e->server_address, true, text));
    return json_name(out, e->server ? e->server->text : NULL);
}

static char *json_directive(char *out, const struct access_entry *e)
{
    out = json_name(KEY(out, "directive"), e->directive);
    if (!e->origin)
        return out;
    out = KEY(out, "origin");
    *out++ = '"';
    out = put_json(out, span_str(e->origin->file), NAME_BYTES);
    *out++ = ':';
    out = put_number(out, (uint64_t)e->origin->line);
    *out++ = '"';
    return out;
}

const char *format_protocol(int minor)
{
    return minor < 0 ? "TCP" : minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

char *format_json(char *out, const struct access_entry *e, struct format_date *date, int64_t started)
{
    char client[GREEN_ADDRESS_TEXT];
    out = PUT(format_time(PUT(out, "{\"time\":\""), date, started), "\"");
    out = json_name(KEY(out, "client"), green_address_text(e->client, false, client));
    if (e->peer)
        out = json_name(KEY(out, "peer"), green_address_text(e->peer, false, client));
    if (e->user.n)
        out = json_string(KEY(out, "user"), e->user, NAME_BYTES);
    out = json_name(KEY(out, "listener"), e->listener->name);
    out = json_name(KEY(out, "route"), e->route ? e->route->name : NULL);
    out = json_name(KEY(out, "upstream"), e->upstream ? e->upstream->name : NULL);
    out = json_server(KEY(out, "server"), e);
    out = json_string(KEY(out, "method"), e->method, NAME_BYTES);
    out = json_string(KEY(out, "host"), e->host, HOST_BYTES);
    out = json_string(KEY(out, "target"), e->target, TARGET_BYTES);
    out = json_name(KEY(out, "protocol"), format_protocol(e->minor));
    out = put_number(KEY(out, "status"), (unsigned)e->status);
    out = put_number(KEY(out, "bytes_in"), e->bytes_in);
    out = put_number(KEY(out, "bytes_out"), e->bytes_out);
    if (e->request_id.n)
        out = json_string(KEY(out, "request_id"), e->request_id, NAME_BYTES);
    if (e->trace_id.n) {
        out = json_string(KEY(out, "trace_id"), e->trace_id, NAME_BYTES);
        out = json_string(KEY(out, "span_id"), e->span_id, NAME_BYTES);
    }
    if (e->tries > 1)
        out = put_number(KEY(out, "tries"), e->tries);
    if (e->hedge)
        out = json_name(KEY(out, "hedge"), e->hedge == ACCESS_HEDGE_WON ? "won" : "lost");
    if (e->tried.n)
        out = json_string(KEY(out, "tried"), e->tried, NAME_BYTES);
    out = json_name(KEY(out, "reason"), e->reason);
    if (e->directive)
        out = json_directive(out, e);
    if (e->queued)
        out = format_phase(KEY(out, "t_queue"), e->started, e->queued, true);
    out = format_phase(KEY(out, "t_connect"), e->started, e->connected, true);
    out = format_phase(KEY(out, "t_first_byte"), e->started, e->first_byte, true);
    out = format_phase(KEY(out, "t_total"), e->started, e->ended, true);
    return PUT(out, "}\n");
}

/* --- combined ----------------------------------------------------------------------------------- */

/* `"text"`, or `"-"` for none. */
static char *combined_quoted(char *out, struct span text)
{
    if (!text.n)
        text = SPAN("-");
    *out++ = '"';
    out = put_visible(out, text, TEXT_BYTES);
    *out++ = '"';
    return out;
}

static char *combined_request(char *out, const struct access_entry *e)
{
    if (!e->method.n)
        return PUT(out, "\"-\"");
    *out++ = '"';
    out = put_visible(out, e->method, NAME_BYTES);
    *out++ = ' ';
    out = put_visible(out, e->target, TARGET_BYTES);
    *out++ = ' ';
    out = put(out, format_protocol(e->minor), strlen(format_protocol(e->minor)));
    *out++ = '"';
    return out;
}

/* A column without quotes: a blank in it would shift all others. */
static char *combined_word(char *out, struct span text)
{
    char *end = put_visible(out, text, NAME_BYTES);
    for (char *p = out; p < end; p++)
        if (*p == ' ')
            *p = '_';
    return end;
}

/* The client of a unix socket has a path for a name, if any. */
static char *combined_client(char *out, const struct access_entry *e)
{
    char text[GREEN_ADDRESS_TEXT];
    green_address_text(e->client, false, text);
    return combined_word(out, span_str(text));
}

char *format_combined(char *out, const struct access_entry *e, struct format_date *date, int64_t started)
{
    format_date_update(date, started);
    out = PUT(combined_client(out, e), " - ");
    out = PUT(combined_word(out, e->user.n ? e->user : SPAN("-")), " [");
    out = PUT(put(out, date->combined, 20), " +0000] ");
    out = PUT(combined_request(out, e), " ");
    out = PUT(put_digits(out, (unsigned)e->status, 3), " ");
    out = PUT(put_number(out, e->bytes_out), " ");
    out = PUT(combined_quoted(out, e->referer), " ");
    out = PUT(combined_quoted(out, e->user_agent), "\n");
    return out;
}
