/*
 * "did you mean ...?": the known word nearest to a mistyped one.
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

struct conf_suggestion {
    const char *word;
    const char *best; /* NULL: nothing is near enough */
    unsigned distance;
};

void conf_suggest_start(struct conf_suggestion *s, const char *word);
void conf_suggest_offer(struct conf_suggestion *s, const char *candidate);

#endif
