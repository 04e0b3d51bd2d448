/*
 * What files look like from outside (fingerprint.h). They are looked at again and again rather than watched: a watch is on
 * an inode, and what it misses are just the ways in which certificates are replaced, by renaming, or by a symbolic link
 * somewhere above them that is turned to another folder.
 */
#include "fingerprint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "responses.h"

static void mix(uint64_t *print, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        *print = (*print ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
}

static void add_file(uint64_t *print, const char *path)
{
    struct stat st;
    uint64_t seen[7] = {0};
    if (stat(path, &st) == 0) {
        seen[0] = (uint64_t)st.st_dev;
        seen[1] = (uint64_t)st.st_ino;
        seen[2] = (uint64_t)st.st_size;
        seen[3] = (uint64_t)st.st_mtim.tv_sec;
        seen[4] = (uint64_t)st.st_mtim.tv_nsec;
        seen[5] = (uint64_t)st.st_ctim.tv_sec;
        seen[6] = (uint64_t)st.st_ctim.tv_nsec;
    }
    mix(print, path, strlen(path) + 1);
    mix(print, seen, sizeof seen);
}

/* The order in which a folder is read means nothing: its files are added up. */
static void add_folder(uint64_t *print, const char *path)
{
    uint64_t sum = 0;
    DIR *folder = opendir(path);
    for (const struct dirent *e; folder && (e = readdir(folder));) {
        char file[4096];
        uint64_t one = *print;
        if (e->d_name[0] == '.' || snprintf(file, sizeof file, "%s/%s", path, e->d_name) >= (int)sizeof file)
            continue;
        add_file(&one, file);
        sum += one;
    }
    if (folder)
        closedir(folder);
    mix(print, &sum, sizeof sum);
}

/* Whether it is a folder may change too. A key that is looked for beside its certificate counts. */
static void add(uint64_t *print, const char *path)
{
    struct stat st;
    char key[4096];
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        add_folder(print, path);
        return;
    }
    add_file(print, path);
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
    if (stem + sizeof ".key" <= sizeof key) {
        memcpy(key, path, stem);
        memcpy(key + stem, ".key", sizeof ".key");
        add_file(print, key);
    }
    char *response = response_beside(path);
    if (response)
        add_file(print, response);
    free(response);
}

static void add_all(uint64_t *print, const struct conf_written *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(print, list[i].written);
}

#define START UINT64_C(0xcbf29ce484222325)

uint64_t tls_fingerprint_upstream(const struct conf_upstream *upstream)
{
    const struct conf_tls_upstream *tls = &upstream->tls;
    uint64_t print = START;
    add_all(&print, tls->ca, tls->ca_count);
    add_all(&print, tls->crl, tls->crl_count);
    if (tls->certificate.written)
        add_file(&print, tls->certificate.written);
    if (tls->key.written)
        add_file(&print, tls->key.written);
    return print;
}

uint64_t tls_fingerprint(const struct conf_listener *listener)
{
    const struct conf_tls_listener *tls = &listener->tls;
    uint64_t print = START;
    add_all(&print, tls->certificates, tls->certificate_count);
    add_all(&print, tls->keys, tls->key_count);
    add_all(&print, tls->client_ca, tls->client_ca_count);
    add_all(&print, tls->client_crl, tls->client_crl_count);
    add_all(&print, tls->ticket_keys, tls->ticket_key_count);
    add_all(&print, listener->ocsp.files, listener->ocsp.file_count);
    for (size_t i = 0; listener->acme.on && i < listener->acme.name_count; i++) {
        char file[4096];
        int n = snprintf(file, sizeof file, "%s/%s.pem", listener->acme.process->storage.written,
                         listener->acme.names[i].name);
        if (n < (int)sizeof file)
            add_file(&print, file);
    }
    return print;
}
