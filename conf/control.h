/* Where the control socket is, and who may use it. */
#ifndef CONF_CONTROL_H
#define CONF_CONTROL_H

struct conf_control_path {
    CONF_WRITTEN;
    const char *path; /* NULL: there is no control socket */
};

/* A group of users, by its name or its number. */
struct conf_user_group {
    CONF_WRITTEN;
};

struct conf_control {
    struct conf_control_path socket;
    struct conf_user_group group; /* not written: none */
};

#endif
