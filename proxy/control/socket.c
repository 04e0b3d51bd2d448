/* Making the control socket, and taking it away (socket.h). */
#include "control/socket.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/command.h"
#include "observe/error_log.h"
#include "runtime/inherited.h"

#define BACKLOG 128

static int complain(struct conf_origin at, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct conf_origin at, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_log(LOG_LEVEL_ERROR, "%s:%d: %s", at.file, at.line, text);
    return -1;
}

static int find_group(const struct conf_user_group *group, gid_t *gid)
{
    unsigned long long number;
    if (control_number(group->written, 0, (gid_t)-2, &number)) {
        *gid = (gid_t)number;
        return 0;
    }
    errno = 0;
    const struct group *found = getgrnam(group->written);
    if (found) {
        *gid = found->gr_gid;
        return 0;
    }
    return complain(group->origin,
                    "control_group: there is no group '%s' on this machine; `getent group` lists them",
                    group->written);
}

/* The mode of the socket is that of the name that bind makes of it: nobody can be faster. */
static int bind_socket(int fd, const green_address_t *address)
{
    if (fchmod(fd, 0600) < 0)
        return -errno;
    if (bind(fd, &address->any, address->length) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    if (green_remove_stale_socket(address, SOCK_STREAM) < 0)
        return -EADDRINUSE;
    return bind(fd, &address->any, address->length) < 0 ? -errno : 0;
}

static int make(struct control_socket *s, const struct conf_control_path *conf)
{
    s->fd = green_socket(AF_UNIX, SOCK_STREAM, 0);
    int r = s->fd < 0 ? s->fd : bind_socket(s->fd, &s->address);
    if (r == -EADDRINUSE)
        return complain(conf->origin,
                        "control: there is something at %s already: another greenway that runs, or no socket",
                        conf->path);
    if (r == -ENOENT)
        return complain(conf->origin, "control: the folder of %s does not exist", conf->path);
    if (r < 0)
        return complain(conf->origin, "control: cannot make the socket %s: %s", conf->path,
                        green_strerror(r));
    return 0;
}

/* The one that the process before has listened at, with those who wait there. */
static bool take_over(struct control_socket *s, const char *path)
{
    char words[sizeof CONTROL_SOCKET_WORDS + sizeof s->address.un.sun_path];
    snprintf(words, sizeof words, CONTROL_SOCKET_WORDS "%s", path);
    s->fd = inherited_take(CONTROL_SOCKET_LISTENER, words, NULL);
    return s->fd >= 0;
}

int control_socket_admit(const struct control_socket *s, const struct conf_control *conf)
{
    const char *path = s->address.un.sun_path;
    struct stat present;
    gid_t gid = getegid();
    mode_t mode = conf->group.written ? 0660 : 0600;
    if (conf->group.written && find_group(&conf->group, &gid) < 0)
        return -1;
    if (lstat(path, &present) < 0 || !S_ISSOCK(present.st_mode))
        return complain(conf->socket.origin, "control: %s is gone", path);
    if (present.st_gid != gid && lchown(path, (uid_t)-1, gid) < 0 && conf->group.written)
        return complain(conf->group.origin, "control_group: cannot open %s to the group %s: %s", path,
                        conf->group.written, strerror(errno));
    if ((present.st_mode & 0777) != mode && chmod(path, mode) < 0)
        return complain(conf->socket.origin, "control: cannot set who may use %s: %s", path, strerror(errno));
    return 0;
}

static int listen_at(struct control_socket *s, const struct conf_control *conf)
{
    struct stat made;
    const char *path = s->address.un.sun_path;
    if (lstat(path, &made) < 0 || listen(s->fd, BACKLOG) < 0)
        return complain(conf->socket.origin, "control: cannot listen at %s: %s", path, strerror(errno));
    s->device = made.st_dev;
    s->inode = made.st_ino;
    return 0;
}

int control_socket_open(struct control_socket *s, const struct conf_control *conf)
{
    struct sockaddr_un *un = &s->address.un;
    *s = (struct control_socket){.fd = -1};
    if (!conf->socket.path)
        return 0;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "%s",
             conf->socket.path); /* which is not too long: conf/control.c */
    s->address.length = sizeof *un;
    bool made = !take_over(s, conf->socket.path), there = !made || make(s, &conf->socket) == 0;
    if (there && control_socket_admit(s, conf) == 0 && listen_at(s, conf) == 0)
        return 0;
    if (made && there)
        unlink(un->sun_path);
    if (s->fd >= 0)
        green_close(s->fd);
    s->fd = -1;
    return -1;
}

void control_socket_give(const struct control_socket *s, const struct conf_control *conf, uid_t user,
                         gid_t group)
{
    if (s->fd >= 0 && lchown(s->address.un.sun_path, user, conf->group.written ? (gid_t)-1 : group) < 0)
        complain(conf->socket.origin, "control: cannot give %s to the user who serves: %s",
                 s->address.un.sun_path, strerror(errno));
}

void control_socket_close(struct control_socket *s)
{
    struct stat found;
    const char *path = s->address.un.sun_path;
    if (s->fd < 0)
        return;
    green_close(s->fd);
    s->fd = -1;
    if (lstat(path, &found) < 0 || found.st_dev != s->device || found.st_ino != s->inode)
        return; /* a successor's */
    int r = green_remove_stale_socket(&s->address, SOCK_STREAM);
    if (r < 0 && r != -EADDRINUSE) /* a program that we have upgraded to has it, too */
        error_log(LOG_LEVEL_WARNING, "cannot remove %s: %s", path, green_strerror(r));
}
