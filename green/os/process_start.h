/* From options to a running child, and what else the files about processes share. Private to libgreen. */
#ifndef GREEN_OS_PROCESS_START_H
#define GREEN_OS_PROCESS_START_H

#include "process.h"

struct started {
    pid_t pid;
    int pidfd;
    int pipes[3]; /* our ends, non-blocking; -1: none */
};

/* 0, or what green_process_spawn() returns; then nothing is left behind. */
int green__process_start(struct started *out, const green_process_options_t *options);

/* process.c: one conversation at a time, which keeps the handle's memory while it lasts. False: there is one. */
bool green__process_talk_begin(green_process_t *p);
void green__process_talk_end(green_process_t *p);

#endif
