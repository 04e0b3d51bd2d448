/* Reading certificates from files and folders (certificates.h). */
#include "certificates.h"

#include "acme_keys.h"
#include "responses.h"
#include "storage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_MOST 100000 /* files in a folder */

/* What is being read, for whom. */
struct reading {
    struct certificates *out;
    const struct conf_listener *listener;
    struct conf_errors *errors;
    char section[300];
};

static int wrong(const struct reading *r, struct conf_origin at, const char *key, const char *file,
                 const char *why)
{
    if (strstr(why, file))
        conf_error(r->errors, at, r->section, key, "%s", why);
    else
        conf_error(r->errors, at, r->section, key, "%s: %s", file, why);
    return -1;
}

/* --- how long they last ------------------------------------------------------------------------------------------ */

static void warn_of_dates(const struct reading *r, const struct certificate *c)
{
    const struct conf_terms *terms = &r->listener->tls.warning;
    int64_t now = (int64_t)time(NULL), begins = green_tls_certificate_begins(c->certificate),
            expires = green_tls_certificate_expires(c->certificate);
    char day[32] = "?";
    time_t when = (time_t)(begins > now ? begins : expires);
    struct tm tm;
    if (gmtime_r(&when, &tm))
        strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &tm);
    if (begins > now)
        conf_warning(r->errors, c->origin, r->section, "certificate",
                     "%s: the certificate is not valid before %s; clients will refuse it", c->file, day);
    else if (expires <= now)
        conf_warning(r->errors, c->origin, r->section, "certificate",
                     "%s: the certificate expired on %s; clients will refuse it: renew it", c->file, day);
    else if (terms->count && expires - now < terms->ns[0] / 1000000000)
        conf_warning(r->errors, c->origin, r->section, "certificate",
                     "%s: the certificate expires on %s, in %lld days: renew it", c->file, day,
                     (long long)((expires - now) / 86400));
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* "site.pem" has its key in "site.key" if there is such a file, else in itself: for free(). */
static char *key_beside(const char *file)
{
    const char *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - file) : strlen(file);
    char *key = malloc(stem + sizeof ".key");
    if (!key)
        return NULL;
    memcpy(key, file, stem);
    memcpy(key + stem, ".key", sizeof ".key");
    if (access(key, F_OK) == 0)
        return key;
    free(key);
    return strdup(file);
}

static int read_one(struct reading *r, const char *file, const struct conf_written *key,
                    struct conf_origin at)
{
    struct certificate *more = realloc(
        r->out->list, (r->out->count + 1) * sizeof *more); /* lists of a section are short; folders rare */
    if (!more)
        return -ENOMEM;
    r->out->list = more;
    struct certificate *c = &more[r->out->count];
    *c = (struct certificate){.file = strdup(file), .origin = at};
    char *key_file = key ? strdup(key->written) : key_beside(file);
    int result = c->file && key_file ? green_tls_certificate_load(&c->certificate, file, key_file) : -ENOMEM;
    if (result == GREEN_ETLS_KEY)
        wrong(r, key ? key->origin : at, key ? "certificate_key" : "certificate", key_file,
              "the key does not match the certificate");
    else if (result < 0 && result != -ENOMEM)
        wrong(r, at, key && strstr(green_tls_error(NULL), key_file) ? "certificate_key" : "certificate", file,
              green_tls_error(NULL));
    free(key_file);
    if (result < 0) {
        free(c->file);
        return result == -ENOMEM ? result : -1;
    }
    r->out->count++;
    warn_of_dates(r, c);
    return 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static int is_certificate(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && (ends_with(entry->d_name, ".pem") || ends_with(entry->d_name, ".crt"));
}

static int read_folder(struct reading *r, const struct conf_written *at)
{
    struct dirent **entries;
    int count = scandir(at->written, &entries, is_certificate, alphasort), result = 0;
    if (count < 0)
        return wrong(r, at->origin, "certificate", at->written, strerror(errno));
    if (!count || count > FOLDER_MOST)
        result = wrong(r, at->origin, "certificate", at->written,
                       count ? "there are too many files in the folder"
                             : "there is no file in the folder that ends with .pem or .crt");
    for (int i = 0; i < count; i++) {
        char *file = NULL;
        if (result != -ENOMEM && count <= FOLDER_MOST) {
            if (asprintf(&file, "%s%s%s", at->written, ends_with(at->written, "/") ? "" : "/",
                         entries[i]->d_name) < 0)
                result = -ENOMEM;
            else if (read_one(r, file, NULL, at->origin) < 0)
                result = -1;
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* --- those that are fetched ---------------------------------------------------------------------------------------- */

static bool covers(const green_tls_certificate_t *certificate, const char *name)
{
    const char *its, *rest = strchr(name, '.');
    for (size_t i = 0; (its = green_tls_certificate_name(certificate, i)); i++)
        if (!strcmp(its, name) || (its[0] == '*' && rest && !strcmp(its + 1, rest)))
            return true;
    return false;
}

/* What is in the storage, or something in its place. A file that is no good is fetched anew. */
static int load_managed(const struct reading *r, struct certificate *c)
{
    int result = green_tls_certificate_load(&c->certificate, c->file, NULL);
    if (result == 0 && covers(c->certificate, c->managed))
        return 0;
    if (result != -ENOENT && result != -ENOMEM)
        conf_warning(r->errors, c->origin, r->section, "acme", "%s: %s; a new certificate is fetched",
                     c->file,
                     result < 0 ? green_tls_error(NULL) : "this is not the certificate that belongs there");
    green_tls_certificate_release(c->certificate);
    c->certificate = NULL;
    char *pem = acme_self_signed(c->managed, NULL);
    result = pem ? green_tls_certificate_parse(&c->certificate, pem, strlen(pem)) : -ENOMEM;
    if (pem)
        explicit_bzero(pem, strlen(pem));
    free(pem);
    c->placeholder = true;
    return result < 0 ? -ENOMEM : 0;
}

static int read_managed(struct reading *r, const struct conf_acme_name *name)
{
    for (size_t i = 0; i < r->out->count; i++)
        if (!r->out->list[i].managed && covers(r->out->list[i].certificate, name->name))
            return 0;
    struct certificate *more = realloc(r->out->list, (r->out->count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    r->out->list = more;
    struct certificate *c = &more[r->out->count];
    *c = (struct certificate){.origin = name->origin, .managed = name->name};
    c->file = storage_path(r->listener->acme.process, name->name, ".pem");
    if (!c->file)
        return -ENOMEM;
    r->out->count++;
    return load_managed(r, c);
}

static int read_all_managed(struct reading *r)
{
    const struct conf_acme_listener *acme = &r->listener->acme;
    int result = 0;
    for (size_t i = 0; acme->on && i < acme->name_count && result == 0; i++)
        result = read_managed(r, &acme->names[i]);
    return result;
}

/* --- all of them --------------------------------------------------------------------------------------------------- */

int certificates_read(struct certificates *out, const struct conf_listener *listener,
                      struct conf_errors *errors)
{
    const struct conf_tls_listener *tls = &listener->tls;
    struct reading r = {.out = out, .listener = listener, .errors = errors};
    int result = 0;
    snprintf(r.section, sizeof r.section, "listener %s", listener->name);
    for (size_t i = 0; i < tls->certificate_count && result != -ENOMEM; i++) {
        const struct conf_written *at = &tls->certificates[i], *key = tls->key_count ? &tls->keys[i] : NULL;
        struct stat st;
        int one;
        if (stat(at->written, &st) < 0)
            one = wrong(&r, at->origin, "certificate", at->written, strerror(errno));
        else if (S_ISDIR(st.st_mode) && key)
            one = wrong(&r, key->origin, "certificate_key", at->written,
                        "this is a folder, whose files have their keys in themselves or beside them");
        else
            one = S_ISDIR(st.st_mode) ? read_folder(&r, at) : read_one(&r, at->written, key, at->origin);
        if (one < 0)
            result = one;
    }
    if (result == 0)
        result = read_all_managed(&r);
    return result < 0 ? result : responses_read(out, listener, errors);
}

void certificates_free(struct certificates *all)
{
    for (size_t i = 0; i < all->count; i++) {
        green_tls_certificate_release(all->list[i].certificate);
        free(all->list[i].file);
    }
    free(all->list);
}
