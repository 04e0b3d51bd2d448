/* Percentiles of recent answers (usual_time.h). */
#include "usual_time.h"

#include "group.h"

#define RECENT   GREEN_S(10)
#define ENOUGH   100 /* answers */
#define RECKONED GREEN_S(1)

static void read_all(const struct group *g, struct histogram_reading *all)
{
    *all = (struct histogram_reading){.count = 0};
    for (size_t i = 0; i < g->conf->server_count; i++)
        histogram_read(all,
                       &metrics_server(g->metrics, g->worker, g->conf, &g->conf->servers[i])->first_byte);
}

/* What was seen in the last seconds, or in as many as it took to see enough. */
static void reckon(struct group *g, struct usual_time *u, int64_t percent, green_time now)
{
    struct histogram_reading all, recent;
    read_all(g, &all);
    histogram_since(&recent, &all, &u->before);
    u->at = now;
    if (recent.count >= ENOUGH)
        u->value = histogram_percentile(&recent, (double)percent / 100);
    if (recent.count < ENOUGH || now - u->since < RECENT)
        return;
    u->before = all;
    u->since = now;
}

int64_t usual_time(struct group *g, int64_t percent, green_time now)
{
    struct usual_time *u = g->usual;
    if (!u || !g->metrics)
        return 0;
    if (!u->since) { /* the counters are older than the group: a reload leaves them as they are */
        u->since = u->at = now;
        read_all(g, &u->before);
    }
    if (now - u->at >= RECKONED)
        reckon(g, u, percent, now);
    return u->value;
}
