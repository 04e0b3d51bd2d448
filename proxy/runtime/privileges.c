/*
 * From root to a user who may do nothing: the order of things is that of POSIX and of setuid(2)'s many victims. Groups
 * first, then the user, all three ids of each, then the capabilities; and every step is looked at afterwards.
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "observe/error_log.h"

#define LOW_PORT_MAX 1023

/* --- whom ---------------------------------------------------------------------------------------------------------- */

static int complain(const struct conf_account *a, const char *key, const char *why)
{
    if (a->origin.line)
        error_log(LOG_LEVEL_ERROR, "%s:%d: [greenway] %s: '%s' %s", a->origin.file, a->origin.line, key,
                  a->written, why);
    else
        error_log(LOG_LEVEL_ERROR, "%s '%s' %s", key, a->written, why);
    return -1;
}

static bool is_number(const char *text)
{
    return text[strspn(text, "0123456789")] == 0;
}

/* A number needs no entry anywhere; its group then has to be named, unless there is one. */
static int find_user(struct privileges *p, const struct conf_privileges *conf)
{
    const struct conf_account *user = &conf->user;
    bool number = is_number(user->written);
    errno = 0;
    const struct passwd *entry =
        number ? getpwuid((uid_t)strtoul(user->written, NULL, 10)) : getpwnam(user->written);
    if (entry) {
        p->uid = entry->pw_uid;
        p->gid = entry->pw_gid;
        snprintf(p->name, sizeof p->name, "%s", entry->pw_name);
        return 0;
    }
    if (!number)
        return complain(user, "user", "is no user of this machine; name one, or make it: useradd --system");
    if (!conf->group.written)
        return complain(user, "user", "is no user of this machine, so its group has to be set as well");
    p->uid = (uid_t)strtoul(user->written, NULL, 10);
    snprintf(p->name, sizeof p->name, "%s", user->written);
    return 0;
}

static int find_group(struct privileges *p, const struct conf_account *group)
{
    if (is_number(group->written)) {
        p->gid = (gid_t)strtoul(group->written, NULL, 10);
        return 0;
    }
    const struct group *entry = getgrnam(group->written);
    if (!entry)
        return complain(group, "group",
                        "is no group of this machine; name one, or make it: groupadd --system");
    p->gid = entry->gr_gid;
    return 0;
}

static bool has_low_port(const struct conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        for (size_t k = 0; k < conf->listeners[i].binds; k++) {
            const struct conf_address *a = &conf->listeners[i].bind[k];
            if (!a->is_unix && a->port > 0 && a->port <= LOW_PORT_MAX)
                return true;
        }
    return false;
}

int privileges_find(struct privileges *p, const struct conf *conf)
{
    const struct conf_privileges *wanted = &conf->privileges;
    *p = (struct privileges){.uid = geteuid(), .gid = getegid()};
    p->low_ports = wanted->low_ports == CONF_LOW_PORTS_ON ||
                   (wanted->low_ports == CONF_LOW_PORTS_AUTO && has_low_port(conf));
    if (!wanted->user.written && geteuid() == 0) {
        error_log(LOG_LEVEL_ERROR,
                  "%s: root has to say who is to serve: write `user = NAME` into [greenway], a user that is "
                  "switched "
                  "to once the addresses are bound, or `user = root` to stay root",
                  conf->file);
        return -1;
    }
    if (wanted->user.written && find_user(p, wanted) < 0)
        return -1;
    if (wanted->group.written && find_group(p, &wanted->group) < 0)
        return -1;
    p->change = p->uid != geteuid() || p->gid != getegid();
    if (p->change && geteuid() != 0)
        return complain(wanted->user.written ? &wanted->user : &wanted->group,
                        wanted->user.written ? "user" : "group",
                        "is not who starts it, and only root can become somebody else; leave the key out");
    return 0;
}

/* --- giving up ------------------------------------------------------------------------------------------------------- */

static int fail(const char *what)
{
    error_log(LOG_LEVEL_ERROR, "cannot give up privileges: %s: %s", what, strerror(errno));
    return -1;
}

/* What no program that is run could have either. Who has no right to do so has nothing to give. */
static int empty_bounding_set(bool low_ports)
{
    for (int cap = 0; cap <= cap_max_bits(); cap++)
        if ((cap != CAP_NET_BIND_SERVICE || !low_ports) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
            errno != EPERM && errno != EINVAL)
            return fail("bounding set of capabilities");
    return 0;
}

static int become(const struct privileges *p)
{
    if (is_number(p->name) ? setgroups(1, &p->gid) < 0 : initgroups(p->name, p->gid) < 0)
        return fail("groups");
    if (setresgid(p->gid, p->gid, p->gid) < 0)
        return fail("group");
    if (setresuid(p->uid, p->uid, p->uid) < 0)
        return fail("user");
    return 0;
}

/* Leaves the one capability, or none. *kept: it was there to be kept. */
static int reduce_capabilities(bool low_ports, bool *kept)
{
    static const cap_value_t low = CAP_NET_BIND_SERVICE;
    cap_t now = cap_get_proc(), next = cap_init();
    cap_flag_value_t permitted = CAP_CLEAR;
    int r = now && next ? 0 : -1;
    if (r == 0 && low_ports)
        r = cap_get_flag(now, low, CAP_PERMITTED, &permitted);
    *kept = permitted == CAP_SET;
    if (r == 0 && *kept)
        r = cap_set_flag(next, CAP_PERMITTED, 1, &low, CAP_SET) |
            cap_set_flag(next, CAP_EFFECTIVE, 1, &low, CAP_SET);
    if (r == 0)
        r = cap_set_proc(next);
    if (r < 0)
        fail("capabilities");
    if (now)
        cap_free(now);
    if (next)
        cap_free(next);
    return r < 0 ? -1 : 0;
}

/* Nothing is left but the one for low ports, or not even that. */
static bool only_capability(bool kept)
{
    static const cap_value_t low = CAP_NET_BIND_SERVICE;
    cap_t now = cap_get_proc(), none = cap_init();
    bool right = now && none;
    if (right && kept)
        right = cap_set_flag(now, CAP_PERMITTED, 1, &low, CAP_CLEAR) == 0 &&
                cap_set_flag(now, CAP_EFFECTIVE, 1, &low, CAP_CLEAR) == 0;
    right = right && cap_compare(now, none) == 0;
    if (now)
        cap_free(now);
    if (none)
        cap_free(none);
    return right;
}

/* Is all of it gone? Trying to come back is the proof. */
static int prove(const struct privileges *p, bool kept)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
        return fail("ids");
    for (int i = 0; i < 3; i++)
        if (uid[i] != p->uid || gid[i] != p->gid)
            return fail("ids are not what they were set to");
    if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || (p->gid != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) == 0)) {
        error_log(LOG_LEVEL_ERROR, "privileges were given up and came back");
        return -1;
    }
    return only_capability(kept) ? 0 : fail("capabilities are left");
}

/* A crash writes nothing to disk, and the same user's other processes cannot look in. A leak sanitizer has to. */
static int close_to_lookers(bool core_dumps)
{
#if defined(__SANITIZE_ADDRESS__)
    core_dumps = true;
#endif
    return prctl(PR_SET_DUMPABLE, core_dumps ? 1 : 0, 0, 0, 0) < 0 ? fail("core dumps") : 0;
}

int privileges_drop(const struct privileges *p, const struct conf *conf)
{
    bool kept = false;
    if (p->uid != 0) { /* who asks for root gets root */
        if (empty_bounding_set(p->low_ports) < 0)
            return -1;
        if (p->change && prctl(PR_SET_KEEPCAPS, p->low_ports ? 1 : 0, 0, 0, 0) < 0)
            return fail("capabilities across the change of user");
    }
    if (p->change && become(p) < 0)
        return -1;
    if (p->uid != 0) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
            return fail("ambient capabilities");
        if (reduce_capabilities(p->low_ports, &kept) < 0 || prove(p, kept) < 0)
            return -1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail("no new privileges");
    if (close_to_lookers(conf->privileges.core_dumps) < 0)
        return -1;
    if (p->change)
        error_log(LOG_LEVEL_NOTICE, "runs as %s (user %u, group %u), %s", p->name, (unsigned)p->uid,
                  (unsigned)p->gid, kept ? "and may bind low ports" : "without capabilities");
    return 0;
}
