/* The form of host names: what may be asked for, and what is believed in an answer. */
#include "../core/internal.h"
#include "dns_name.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The lower case of a character that may be in a label, or 0. */
static char label_character(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' ? c : 0;
}

static bool looks_numeric(const char *label, size_t length)
{
    bool hex = length > 1 && label[0] == '0' && label[1] == 'x';
    for (size_t i = hex ? 2 : 0; i < length; i++)
        if (!is_digit(label[i]) && !(hex && label[i] >= 'a' && label[i] <= 'f'))
            return false;
    return true;
}

/* These names are this machine, whatever a name server would say. */
static bool is_localhost(const char *name, size_t length, size_t last_label)
{
    return length - last_label == 9 && strncmp(name + last_label, "localhost", 9) == 0;
}

int green__dns_name_canonical(const char *host, char name[DNS_NAME_SIZE])
{
    size_t n = 0, label = 0; /* where the present label begins */
    for (; host[n]; n++) {
        if (n > DNS_NAME_MAX)
            return GREEN_EAI_BADNAME;
        if (host[n] == '.') {
            if (n == label || n - label > 63)
                return GREEN_EAI_BADNAME;
            if (host[n + 1])
                label = n + 1;
            name[n] = '.';
        } else if (!(name[n] = label_character(host[n]))) {
            return GREEN_EAI_BADNAME;
        }
    }
    name[n] = 0;
    size_t length = n && name[n - 1] == '.' ? n - 1 : n;
    if (length == 0 || length > DNS_NAME_MAX || length - label > 63 ||
        looks_numeric(name + label, length - label))
        return GREEN_EAI_BADNAME;
    if (is_localhost(name, length, label))
        strcpy(name, "localhost");
    return 0;
}
