/*
 * Lines of a format of the configuration's own making. Whatever a value holds, it stays one value: in JSON it is
 * escaped as the inside of a string, in columns as one word, or within the quotes that stand around it.
 */
#include "escape.h"
#include "format.h"

#define LEAST_ROOM 32 /* kept for each value to come: no number or time is longer */

/* How a value is written where it stands. */
enum place { IN_JSON, IN_QUOTES, IN_COLUMN };

struct line {
    char *out;
    const char *end;
    const struct access_entry *entry;
    struct format_date *date;
    int64_t started;
    enum place place;
    bool bare; /* in JSON, outside of quotes */
};

/* What a line may still hold of one value: there is room for all that is still to come. */
static size_t room(const struct line *l)
{
    size_t most = (size_t)(l->end - l->out);
    return most < FORMAT_VALUE_BYTES ? most : FORMAT_VALUE_BYTES;
}

static void put_text(struct line *l, struct span text)
{
    if (!text.n && l->place != IN_JSON)
        text = SPAN("-");
    l->out = l->place == IN_JSON     ? put_json(l->out, text, room(l))
             : l->place == IN_QUOTES ? put_visible(l->out, text, room(l))
                                     : put_word(l->out, text, room(l));
}

static void put_string(struct line *l, const char *text)
{
    put_text(l, span_str(text));
}

static void put_phase(struct line *l, green_time at)
{
    l->out = format_phase(l->out, l->entry->started, at, l->bare);
}

static void put_address(struct line *l, const green_address_t *address, bool port)
{
    char text[GREEN_ADDRESS_TEXT];
    put_string(l, address ? green_address_text(address, port, text) : NULL);
}

static void put_origin(struct line *l)
{
    const struct conf_origin *origin = l->entry->directive ? l->entry->origin : NULL;
    put_string(l, origin ? origin->file : NULL);
    if (!origin)
        return;
    *l->out++ = ':';
    l->out = put_number(l->out, (uint64_t)origin->line);
}

static void put_date(struct line *l)
{
    format_date_update(l->date, l->started);
    l->out = PUT(put(l->out, l->date->combined, 20), " +0000");
}

bool format_needs_value(enum conf_variable variable)
{
    switch (variable) {
    case CONF_V_TEXT:
    case CONF_V_METHOD:
    case CONF_V_AUTHORITY:
    case CONF_V_CLIENT:
    case CONF_V_CLIENT_PORT:
    case CONF_V_LISTENER:
    case CONF_V_ROUTE:
    case CONF_V_UPSTREAM:
    case CONF_V_SERVER:
    case CONF_V_STATUS:
    case CONF_V_TIME:
    case CONF_V_TARGET:
    case CONF_V_PROTOCOL:
    case CONF_V_PEER:
    case CONF_V_USER:
    case CONF_V_BYTES_IN:
    case CONF_V_BYTES_OUT:
    case CONF_V_REASON:
    case CONF_V_DIRECTIVE:
    case CONF_V_ORIGIN:
    case CONF_V_T_QUEUE:
    case CONF_V_T_CONNECT:
    case CONF_V_T_FIRST_BYTE:
    case CONF_V_T_TOTAL:
    case CONF_V_DATE:
    case CONF_V_TRACE_ID:
    case CONF_V_SPAN_ID:
        return false;
    default:
        return true;
    }
}

static void put_number_of(struct line *l, enum conf_variable variable)
{
    const struct access_entry *e = l->entry;
    l->out = put_number(l->out, variable == CONF_V_STATUS      ? (uint64_t)e->status
                                : variable == CONF_V_BYTES_IN  ? e->bytes_in
                                : variable == CONF_V_BYTES_OUT ? e->bytes_out
                                                               : (uint64_t)green_address_port(e->client));
}

static void put_of_entry(struct line *l, enum conf_variable variable)
{
    const struct access_entry *e = l->entry;
    switch (variable) {
    case CONF_V_METHOD:
        put_text(l, e->method);
        break;
    case CONF_V_AUTHORITY:
        put_text(l, e->host);
        break;
    case CONF_V_TARGET:
        put_text(l, e->target);
        break;
    case CONF_V_USER:
        put_text(l, e->user);
        break;
    case CONF_V_TRACE_ID:
        put_text(l, e->trace_id);
        break;
    case CONF_V_SPAN_ID:
        put_text(l, e->span_id);
        break;
    case CONF_V_CLIENT:
        put_address(l, e->client, false);
        break;
    case CONF_V_PEER:
        put_address(l, e->peer, false);
        break;
    case CONF_V_LISTENER:
        put_string(l, e->listener->name);
        break;
    case CONF_V_ROUTE:
        put_string(l, e->route ? e->route->name : NULL);
        break;
    case CONF_V_UPSTREAM:
        put_string(l, e->upstream ? e->upstream->name : NULL);
        break;
    case CONF_V_SERVER:
        if (e->server_address)
            put_address(l, e->server_address, true);
        else
            put_string(l, e->server ? e->server->text : NULL);
        break;
    case CONF_V_PROTOCOL:
        put_string(l, format_protocol(e->minor));
        break;
    case CONF_V_REASON:
        put_string(l, e->reason);
        break;
    case CONF_V_DIRECTIVE:
        put_string(l, e->directive);
        break;
    case CONF_V_ORIGIN:
        put_origin(l);
        break;
    case CONF_V_T_QUEUE:
        put_phase(l, e->queued);
        break;
    case CONF_V_T_CONNECT:
        put_phase(l, e->connected);
        break;
    case CONF_V_T_FIRST_BYTE:
        put_phase(l, e->first_byte);
        break;
    case CONF_V_T_TOTAL:
        put_phase(l, e->ended);
        break;
    case CONF_V_TIME:
        l->out = format_time(l->out, l->date, l->started);
        break;
    case CONF_V_DATE:
        put_date(l);
        break;
    default:
        put_number_of(l, variable);
        break;
    }
}

/* What a part takes at least. */
static size_t least_of(const struct conf_part *part)
{
    return part->variable == CONF_V_TEXT ? part->length : LEAST_ROOM;
}

char *format_custom(char *out, const struct access_entry *entry, const struct conf_log_format *format,
                    struct format_date *date, int64_t started)
{
    const struct conf_template *t = &format->text;
    struct line l = {.out = out, .entry = entry, .date = date, .started = started};
    l.end =
        out + FORMAT_LINE_BYTES - LEAST_ROOM - 1; /* the newline, and what a value may have behind its end */
    for (size_t i = 0; i < t->count; i++)
        l.end -= least_of(&t->parts[i]);
    for (size_t i = 0; i < t->count; i++) {
        const struct conf_part *part = &t->parts[i];
        l.end += least_of(part);
        if (part->variable == CONF_V_TEXT) {
            l.out = put(l.out, part->text, part->length);
            continue;
        }
        l.place = format->json ? IN_JSON : format->quoted[i] ? IN_QUOTES : IN_COLUMN;
        l.bare = format->json && !format->quoted[i];
        if (!format_needs_value(part->variable))
            put_of_entry(&l, part->variable);
        else
            put_text(&l, entry->values ? entry->values[i] : span_of(NULL, 0));
    }
    return PUT(l.out, "\n");
}
