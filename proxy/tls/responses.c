/* Reading responses from files (responses.h). */
#include "responses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "staples.h"
#include "storage.h"

struct reading {
    struct certificates *all;
    struct conf_errors *errors;
    char section[300];
    char why[300]; /* the last file was of no use */
};

char *response_beside(const char *file)
{
    const char *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
    int stem = (int)(dot && (!slash || dot > slash) ? (size_t)(dot - file) : strlen(file));
    char *path;
    return asprintf(&path, "%.*s.ocsp", stem, file) < 0 ? NULL : path;
}

/* What was fine when it was written is out of date some day, which is to keep nobody from starting. */
static bool is_harmless(int error)
{
    return error == -EKEYEXPIRED || error == -EKEYREVOKED;
}

static int try_one(struct reading *r, struct certificate *c, const char *response, size_t size)
{
    int e = green_tls_certificate_staple(c->certificate, response, size);
    c->has_response |= e == 0;
    if (e < 0)
        snprintf(r->why, sizeof r->why, "%s", green_tls_error(NULL));
    return e;
}

/* Gives it to the certificates that it is about. 0 or, in r->why too, what is wrong with it. */
static int offer(struct reading *r, const char *response, size_t size)
{
    int result = -ENOENT;
    snprintf(r->why, sizeof r->why, "the response is about none of the listener's certificates");
    for (size_t i = 0; i < r->all->count; i++) {
        struct reading one = *r;
        int e = try_one(&one, &r->all->list[i], response, size);
        if (e == -ENOMEM)
            return e;
        if (e == 0 || is_harmless(e) || (result == -ENOENT && e != -ENOENT)) {
            result = e;
            memcpy(r->why, one.why, sizeof r->why);
        }
        if (e == 0)
            break; /* it was made for this one; who has it twice reads it beside both */
    }
    return result;
}

static int read_named(struct reading *r, const struct conf_written *at)
{
    char *response;
    size_t size;
    int e = storage_read(at->written, &response, &size);
    if (e < 0) {
        snprintf(r->why, sizeof r->why, "%s", green_strerror(e));
    } else {
        e = offer(r, response, size);
        free(response);
    }
    if (e < 0 && is_harmless(e))
        conf_warning(r->errors, at->origin, r->section, "ocsp", "%s: %s; it is not used", at->written,
                     r->why);
    else if (e < 0 && e != -ENOMEM)
        conf_error(r->errors, at->origin, r->section, "ocsp", "%s: %s", at->written, r->why);
    return e == -ENOMEM ? e : e < 0 && !is_harmless(e) ? -1 : 0;
}

/* A file that happens to be there is no reason not to start. */
static int read_beside(struct reading *r, struct certificate *c)
{
    char *path = response_beside(c->file), *response;
    size_t size;
    int e = path ? storage_read(path, &response, &size) : -ENOMEM;
    if (e == 0) {
        e = try_one(r, c, response, size);
        free(response);
    } else {
        snprintf(r->why, sizeof r->why, "%s", green_strerror(e));
    }
    if (e < 0 && e != -ENOENT && e != -ENOMEM)
        conf_warning(r->errors, c->origin, r->section, "ocsp", "%s: %s; it is not used", path, r->why);
    free(path);
    return e == -ENOMEM ? e : 0;
}

/* --- what clients will miss -------------------------------------------------------------------------------------------- */

static void warn(struct reading *r, const struct conf_listener *listener, const struct certificate *c)
{
    const char *responder = green_tls_certificate_responder(c->certificate);
    void *question = NULL;
    size_t size;
    if (c->placeholder || c->has_response)
        return;
    if (!listener->ocsp.stapling && green_tls_certificate_must_staple(c->certificate))
        conf_warning(
            r->errors, c->origin, r->section, "certificate",
            "%s: it says that clients shall refuse it without a response of OCSP (must staple), and there is "
            "none: set ocsp_stapling = on",
            c->file);
    if (!listener->ocsp.stapling)
        return;
    if (!responder && !c->managed)
        conf_warning(r->errors, c->origin, r->section, "ocsp_stapling",
                     "%s: it names no responder of http, so that nobody can be asked about it", c->file);
    else if (responder && green_tls_certificate_question(c->certificate, &question, &size) < 0)
        conf_warning(r->errors, c->origin, r->section, "ocsp_stapling", "%s: %s", c->file,
                     green_tls_error(NULL));
    free(question);
}

int responses_read(struct certificates *all, const struct conf_listener *listener, struct conf_errors *errors)
{
    struct reading r = {.all = all, .errors = errors};
    int result = 0;
    snprintf(r.section, sizeof r.section, "listener %s", listener->name);
    for (size_t i = 0; i < all->count; i++)
        if (green_tls_certificate_fingerprint(all->list[i].certificate, all->list[i].print) < 0)
            return -ENOMEM;
    for (size_t i = 0; i < listener->ocsp.file_count && result != -ENOMEM; i++) {
        int e = read_named(&r, &listener->ocsp.files[i]);
        result = e < 0 ? e : result;
    }
    for (size_t i = 0; i < all->count && result != -ENOMEM; i++) {
        struct certificate *c = &all->list[i];
        if (!c->has_response && !c->placeholder && read_beside(&r, c) < 0)
            result = -ENOMEM;
        if (!c->has_response && listener->ocsp.stapling)
            staples_adopt(c);
        if (result == 0)
            warn(&r, listener, c);
    }
    return result;
}
