/*
 * The control socket, from text.
 */
#include "loader.h"
#include "syntax.h"

#include <string.h>
#include <sys/un.h>

#define GROUP_MAX 64

static const char *parse_path(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_control_path *control = out;

    (void)arena;
    if (!strcmp(text, "off"))
        return NULL;
    if (!strchr(text, '/'))
        return "has no '/' in it";
    if (text[strlen(text) - 1] == '/')
        return "is a folder";
    if (strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "is too long for a socket (107 bytes)";
    control->path = text;
    return NULL;
}

const struct conf_syntax conf_control_path_syntax = {
    .allowed = "the path of a unix socket, with a '/' in it, or off",
    .separators = "",
    .size = sizeof(struct conf_control_path),
    .parse = parse_path,
};

static const char *parse_group(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    if (strlen(text) > GROUP_MAX)
        return "is too long";
    return strpbrk(text, " \t:/") ? "is not the name of a group" : NULL;
}

const struct conf_syntax conf_user_group_syntax = {
    .allowed = "the name or the number of a group of users",
    .separators = "",
    .size = sizeof(struct conf_user_group),
    .parse = parse_group,
};

void conf_check_control(struct conf_loader *l)
{
    const struct conf_control *control = &l->conf->control;

    if (control->group.written && !control->socket.path)
        conf_error(l->errors, control->group.origin, conf_kinds[CONF_GREENWAY].name, "control_group",
                   "there is no control socket for the group to use; set control to its path");
}
