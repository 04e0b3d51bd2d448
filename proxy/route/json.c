/* JSON within bounds: json.h. */
#include "json.h"

#include <stdlib.h>

/* Brackets in strings do not count; what is no JSON at all is for the parser to find out. */
static bool shallow(struct span text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > JSON_DEPTH)
            return false;
        else if (!quoted && (c == '}' || c == ']') && depth)
            depth--;
    }
    return true;
}

json_t *json_read_object(struct span text)
{
    json_error_t error;
    if (!text.n || !shallow(text))
        return NULL;
    json_t *object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

json_t *json_look_up(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);
    for (const char *dot = strchr(name, '.'); dot && !found; dot = strchr(dot + 1, '.')) {
        json_t *inner = json_object_getn(object, name, (size_t)(dot - name));
        if (json_is_object(inner))
            found = json_look_up(inner, dot + 1);
    }
    return found;
}

bool json_text(const json_t *object, const char *name, struct span *text)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return false;
    *text = span_of(json_string_value(value), json_string_length(value));
    return true;
}
