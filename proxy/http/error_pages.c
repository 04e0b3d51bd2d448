/* Error pages (error_pages.h). */
#include "error_pages.h"

#include "answers.h"
#include "files/media_type.h"
#include "variables.h"

/* A status goes before its class, wherever they stand. */
static const struct conf_error_page *find_in(const struct conf_error_pages *pages, int status)
{
    const struct conf_error_page *by_class = NULL;
    for (size_t i = 0; i < pages->count; i++)
        for (size_t j = 0; j < pages->list[i].status_count; j++) {
            if (pages->list[i].statuses[j] == status)
                return &pages->list[i];
            if (pages->list[i].statuses[j] == status / 100)
                by_class = &pages->list[i];
        }
    return by_class;
}

static const struct conf_error_page *find(const struct exchange *x, int status)
{
    const struct conf_error_page *page = x->route ? find_in(&x->route->error_pages, status) : NULL;
    return page ? page : find_in(&x->listener->error_pages, status);
}

static int fill(struct exchange *x, const struct conf_error_page *page, struct span *type,
                struct span *content)
{
    *type = page->path ? media_type(span_str(page->path)) : span_str(page->type);
    *content = span_of(page->bytes, page->size);
    return page->path ? 0 : exchange_fill(x, &page->text, answer_place(page->type), content);
}

void dress_page(struct exchange *x)
{
    const struct conf_error_page *page = find(x, x->page.status);
    if (page && fill(x, page, &x->page.type, &x->page.content) < 0)
        x->page.type = span_of(NULL, 0); /* the usual page needs no memory */
}

static bool wants(const struct exchange *x)
{
    int narrow = x->route ? x->route->error_pages.intercept : CONF_INHERIT;
    return narrow != CONF_INHERIT ? narrow : x->listener->error_pages.intercept;
}

/* What is here of the server's content need not cost its connection. */
static void discard_content(struct h1 *server)
{
    struct span data;
    while (h1_body_buffered(server) &&
           server->stream.ops->read_body(&server->stream, &data, GREEN_NOWAIT) > 0)
        ;
}

int replace_error(struct exchange *x)
{
    struct span type, content;
    if (x->response.status < 400 || !wants(x))
        return 0;
    const struct conf_error_page *page = find(x, x->response.status);
    if (!page)
        return 0;
    x->log.status = x->response.status;
    if (fill(x, page, &type, &content) < 0)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    discard_content(&x->server);
    local_replace(x);
    if (local_field(x, SPAN("Content-Type"), type) < 0)
        return exchange_fail(x, 502, "too_many_fields", "http_response_header_section_size", BLAME_NONE,
                             NULL);
    return local_body(x, content);
}
