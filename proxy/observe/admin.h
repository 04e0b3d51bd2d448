/*
 * The admin listener: a web server of the main thread with metrics, health and the dashboard. It reads what workers have
 * counted and never asks them, so that it answers as quickly when they are busy.
 */
#ifndef OBSERVE_ADMIN_H
#define OBSERVE_ADMIN_H

struct process;
struct admin;

/* Listens on the addresses of the configuration. 0 and p->admin (NULL: there are none), or a negative code after a line
 * for what went wrong. Main thread; may switch. */
int admin_open(struct process *p);

/* The process has gone over to another snapshot: serves where that says. What goes wrong is said in the error log. Main
 * thread; may switch. */
void admin_follow(struct process *p);

/* Ends all connections. NULL is fine. May switch. */
void admin_close(struct admin *admin);

#endif
