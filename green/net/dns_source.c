/* Which way a name takes: as the program said, else as the environment says, else as nsswitch.conf needs it. */
#include "../core/internal.h"
#include "dns_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int chosen = GREEN_DNS_AUTO;

int green_dns_use(enum green_dns_method method)
{
    if ((int)method < GREEN_DNS_AUTO || method > GREEN_DNS_BLOCK)
        return -EINVAL;
    atomic_store(&chosen, (int)method);
    return 0;
}

/* GREEN_RESOLVER, read once for the process. */
static enum green_dns_method from_environment(void)
{
    static const char *const names[] = {
        [GREEN_DNS_AUTO] = "auto",
        [GREEN_DNS_ARES] = "ares",
        [GREEN_DNS_THREAD] = "thread",
        [GREEN_DNS_BLOCK] = "block",
    };
    static atomic_int known = -1;
    int method = atomic_load(&known);
    if (method >= 0)
        return (enum green_dns_method)method;
    const char *text = getenv("GREEN_RESOLVER");
    for (method = GREEN_DNS_BLOCK; method > GREEN_DNS_AUTO && (!text || strcmp(text, names[method]) != 0);)
        method--;
    if (text && *text && strcmp(text, names[method]) != 0)
        fprintf(stderr, "libgreen: GREEN_RESOLVER=%s ignored: it is auto, ares, thread or block\n", text);
    atomic_store(&known, method);
    return (enum green_dns_method)method;
}

/* --- nsswitch.conf ------------------------------------------------------------------------------------------------ */

/* "files mdns4_minimal [NOTFOUND=return] dns": anything beside what c-ares does itself? */
static bool names_more(char *sources)
{
    static const char *const known[] = {"files", "dns", "myhostname"};
    char *rest, *word;
    bool action = false;
    for (word = strtok_r(sources, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known = is_known || strcmp(word, known[i]) == 0;
        action = action || word[0] == '[';
        if (!action && !is_known)
            return true;
        if (word[strlen(word) - 1] == ']')
            action = false;
    }
    return false;
}

/* No file or no line for hosts: libc takes files and dns. */
static bool read_nsswitch(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char *line = NULL;
    size_t size = 0;
    bool more = false;
    while (getline(&line, &size, file) >= 0) {
        line[strcspn(line, "#")] = 0;
        char *at = line + strspn(line, " \t");
        if (strncmp(at, "hosts", 5) != 0)
            continue;
        at += 5 + strspn(at + 5, " \t");
        if (*at == ':')
            more = names_more(at + 1);
    }
    free(line);
    fclose(file);
    return more;
}

void green__dns_source_init(struct dns_source *source)
{
    *source = (struct dns_source){.file.path = "/etc/nsswitch.conf"};
}

enum green_dns_method green__dns_method(struct dns_source *source, bool servers)
{
    enum green_dns_method method = (enum green_dns_method)atomic_load(&chosen);
    if (method == GREEN_DNS_AUTO)
        method = from_environment();
    if (method != GREEN_DNS_AUTO)
        return method;
    if (servers)
        return GREEN_DNS_ARES;
    if (!source->read || green__dns_file_changed(&source->file, green_now())) {
        green__dns_file_reading(&source->file);
        source->more = read_nsswitch(source->file.path);
        source->read = true;
    }
    return source->more ? GREEN_DNS_THREAD : GREEN_DNS_ARES;
}
