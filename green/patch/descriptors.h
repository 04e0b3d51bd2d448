/*
 * What the kernel says of a descriptor, remembered by its number: asked for when it is not known, forgotten by every hook
 * that closes or changes it. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_DESCRIPTORS_H
#define GREEN_PATCH_DESCRIPTORS_H

#include "real.h"

#define ABOUT_OPEN 1u
#define ABOUT_NONBLOCKING                                                                                    \
    2u /* as the program wants it: O_NONBLOCK is never set here for longer than a call */
#define ABOUT_PLAIN        4u /* a file, a folder: never waits as poll(2) understands it */
#define ABOUT_SOCKET       8u
#define ABOUT_STREAM       16u /* a socket whose writes may be cut anywhere */
#define ABOUT_UNIX         32u
#define ABOUT_RECEIVES_FOR 64u  /* SO_RCVTIMEO is set */
#define ABOUT_SENDS_FOR    128u /* SO_SNDTIMEO is set */
#define ABOUT_NO_NOWAIT    256u /* RWF_NOWAIT does not work there */
#define ABOUT_TCP          512u

/* ABOUT_*; 0: not open. */
unsigned green__about(int fd);

/* Another thing learned of it. */
void green__about_also(int fd, unsigned what);

/* A hook has made it. */
void green__about_made(int fd);

/* Anything may be known by this number from now on. */
void green__about_anew(int fd);

/* By when a call that begins now has to be done: SO_RCVTIMEO or SO_SNDTIMEO. */
green_time green__receive_deadline(int fd, unsigned about);
green_time green__send_deadline(int fd, unsigned about);

#endif
