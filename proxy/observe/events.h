/*
 * The status as a stream of events (server-sent events of the HTML standard), one each second, for a bounded number of
 * clients. All get the same text, made once, and who is slow gets what is newest when it has taken the one before.
 */
#ifndef OBSERVE_EVENTS_H
#define OBSERVE_EVENTS_H

#include <stdbool.h>

#include <green.h>

#define EVENTS_CLIENTS 32

struct events_text;

struct events {
    green_event_t next;
    struct events_text *text; /* the last one; NULL: none yet */
    unsigned clients;
};

void events_init(struct events *e);
void events_destroy(struct events *e);

/* Is there anybody to tell? */
bool events_wanted(const struct events *e);

/* The next event: JSON without a newline, which is freed. NULL is passed over. */
void events_tell(struct events *e, char *json);

/* Answers with the stream, `first` being its first event (freed), until the client leaves. May switch. */
int events_serve(struct events *e, green_http_exchange_t *x, char *first);

#endif
