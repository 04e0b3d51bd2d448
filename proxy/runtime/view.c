/* Views: made of a snapshot and of the view before (view.h). */
#include "view.h"

#include <stdlib.h>

#include "counterpart.h"
#include "process.h"
#include "upstream/origins.h"

/* --- what lives on -------------------------------------------------------------------------------------------------- */

static struct group *find_group(const struct view *old, const struct conf_upstream *conf, size_t place)
{
    const struct conf_upstream *before = old ? conf_upstream_named(old->conf, conf->name, place) : NULL;
    return before ? view_group(old, before) : NULL;
}

static struct post *post_of(const struct view *old, size_t before)
{
    struct post *post = old && before != SNAPSHOT_GONE ? old->posts[before] : NULL;
    if (!post) {
        post = calloc(1, sizeof *post);
        if (!post)
            return NULL;
        TAILQ_INIT(&post->waiting);
    }
    post->references++;
    return post;
}

static struct origins *origins_of(const struct conf_listener *conf)
{
    struct origins *o = malloc(sizeof *o);
    if (o)
        origins_init(o, &conf->forward);
    return o;
}

/* --- making one ------------------------------------------------------------------------------------------------------ */

static int add_groups(struct view *v, const struct view *old, unsigned worker)
{
    const struct conf *conf = v->conf;
    v->groups = calloc(conf->upstream_count + 1, sizeof *v->groups);
    if (!v->groups)
        return -1;
    for (size_t i = 0; i < conf->upstream_count; i++) {
        if (group_init(&v->groups[i], &conf->upstreams[i], &v->snapshot->process->standings,
                       v->snapshot->names[i], find_group(old, &conf->upstreams[i], i)) < 0)
            return -1;
        group_count(&v->groups[i], v->metrics, worker);
    }
    return 0;
}

static int add_listeners(struct view *v, const struct view *old)
{
    const struct conf *conf = v->conf;
    v->posts = calloc(conf->listener_count + 1, sizeof *v->posts);
    v->origins = calloc(conf->listener_count + 1, sizeof *v->origins);
    if (!v->posts || !v->origins)
        return -1;
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct conf_listener *l = &conf->listeners[i];
        v->posts[i] = post_of(old, v->snapshot->before[i]);
        if (!v->posts[i] || (l->protocol == CONF_FORWARD && !(v->origins[i] = origins_of(l))))
            return -1;
    }
    return 0;
}

struct view *view_new(struct snapshot *s, const struct view *old, unsigned worker)
{
    struct view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct view){
        .references = 1, .snapshot = snapshot_hold(s), .conf = s->conf, .via = s->via, .metrics = s->metrics};
    if (add_groups(v, old, worker) == 0 && add_listeners(v, old) == 0)
        return v;
    view_release(v);
    return NULL;
}

void view_settle(struct view *v, struct view *old)
{
    for (size_t i = 0; i < v->conf->upstream_count; i++)
        group_settle(&v->groups[i], find_group(old, &v->conf->upstreams[i], i));
    if (old)
        view_retire(old);
}

void view_retire(struct view *v)
{
    for (size_t i = 0; i < v->conf->upstream_count; i++)
        group_retire(&v->groups[i]);
    for (size_t i = 0; i < v->conf->listener_count; i++)
        if (v->origins[i])
            origins_retire(v->origins[i]);
}

void view_release(struct view *v)
{
    if (!v || --v->references)
        return;
    for (size_t i = 0; v->groups && i < v->conf->upstream_count; i++)
        group_destroy(&v->groups[i]);
    for (size_t i = 0; v->origins && i < v->conf->listener_count; i++)
        free(v->origins[i]);
    for (size_t i = 0; v->posts && i < v->conf->listener_count; i++)
        if (v->posts[i] && --v->posts[i]->references == 0)
            free(v->posts[i]);
    free(v->groups);
    free(v->origins);
    free(v->posts);
    snapshot_release(v->snapshot);
    free(v);
}
