/*
 * A terminal for a view that refreshes: the alternate screen, keys without Enter, and everything as it was before on any
 * end, signals included. Where there is no terminal, lines are simply printed.
 */
#ifndef CONTROL_SCREEN_H
#define CONTROL_SCREEN_H

#include <stdbool.h>

/* Takes the terminal over, if standard input and output are one. */
void screen_open(void);
void screen_close(void);
bool screen_is_terminal(void);

/* Rows of the present frame; where there is no terminal, as many as anybody wants. */
unsigned screen_rows(void);

/* A frame: lines from the top. What is beyond the right or the lower edge is cut off. */
void screen_begin(void);
void screen_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_end(void); /* the frame is complete: shown at once */

/* Waits for a key for so many milliseconds: the key, or 0; -1: no more will come, or a signal asks for the end. A window
 * that changes its size ends the wait, too. */
int screen_key(int ms);

#endif
