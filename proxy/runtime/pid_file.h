/* The file that says which process is the service. Main thread. */
#ifndef RUNTIME_PID_FILE_H
#define RUNTIME_PID_FILE_H

#include "conf.h"

/* Opens it, as long as that may be done; the user (uid, gid) will own it. 0, or -1 after saying why not. */
int pid_file_open(const struct conf *conf, unsigned uid, unsigned gid);

/* This process is it. */
void pid_file_write(void);

/* It ends. If another one has become the service meanwhile, the file is that one's. */
void pid_file_remove(void);

#endif
