/*
 * What holds for every call that can wait, as a table: a subject is one such call and an object that makes it
 * wait, and `serve`, which lets one (or, where it is in the nature of the thing, every) waiter through.
 */
#include "support.h"

#include <signal.h>

struct object {
    struct gate gate;
    int fds[2];
    green_t *greenlet;
    green_address_t address;
    green_signals_t *signals;
};

struct subject {
    const char *name;
    void (*make)(struct object *o);
    int (*wait)(struct object *o, green_time deadline);
    void (*serve)(struct object *o);
    void (*destroy)(struct object *o);
    enum { ONE_EACH, SOME, EVERYBODY } serves; /* whom serve() lets through */
    bool alone;                                /* only one greenlet may wait */
};

/* --- greenlets
 * ------------------------------------------------------------------------------------------------- */

static void make_gate(struct object *o)
{
    gate_init(&o->gate);
}

static int wait_gate(struct object *o, green_time deadline)
{
    return gate_wait(&o->gate, deadline);
}

static void serve_gate(struct object *o)
{
    gate_open(&o->gate);
}

static void nothing(struct object *o)
{
    (void)o;
}

static void *live_until_served(void *arg)
{
    struct object *o = arg;
    green_shield(); /* green_kill() is to wait as well */
    ck_assert_int_eq(gate_wait(&o->gate, GREEN_FOREVER), 0);
    green_unshield();
    return NULL;
}

static void make_greenlet(struct object *o)
{
    gate_init(&o->gate);
    o->greenlet = green_spawn(live_until_served, o);
    ck_assert_ptr_nonnull(o->greenlet);
    ck_assert_int_eq(green_yield(), 0);
}

static int wait_join(struct object *o, green_time deadline)
{
    return green_join(o->greenlet, deadline);
}

static int wait_get(struct object *o, green_time deadline)
{
    return green_get(o->greenlet, NULL, deadline);
}

static int wait_kill(struct object *o, green_time deadline)
{
    return green_kill(o->greenlet, deadline);
}

static void destroy_greenlet(struct object *o)
{
    ck_assert_int_eq(green_join(o->greenlet, soon()), 0);
    green_release(o->greenlet);
}

/* --- reading
 * ---------------------------------------------------------------------------------------------------- */

static void make_pair(struct object *o)
{
    stream_pair(o->fds);
}

static void destroy_pair(struct object *o)
{
    close_pair(o->fds);
}

static int wait_read(struct object *o, green_time deadline)
{
    char byte;
    return (int)green_read(o->fds[0], &byte, 1, deadline);
}

static int wait_readv(struct object *o, green_time deadline)
{
    char byte;
    struct iovec iov = {&byte, 1};
    return (int)green_readv(o->fds[0], &iov, 1, deadline);
}

static int wait_readable(struct object *o, green_time deadline)
{
    return green_wait_fd(o->fds[0], POLLIN, deadline);
}

static void serve_byte(struct object *o)
{
    ck_assert_int_eq(write(o->fds[1], "x", 1), 1);
}

/* --- writing
 * ---------------------------------------------------------------------------------------------------- */

static void make_full_pair(struct object *o)
{
    stream_pair(o->fds);
    fill(o->fds[0]);
}

static int wait_write(struct object *o, green_time deadline)
{
    return (int)green_write(o->fds[0], "x", 1, deadline);
}

static int wait_writev(struct object *o, green_time deadline)
{
    struct iovec iov = {(char[]){'x'}, 1};
    return (int)green_writev(o->fds[0], &iov, 1, deadline);
}

static int wait_write_all(struct object *o, green_time deadline)
{
    return green_write_all(o->fds[0], "xyz", 3, NULL, deadline);
}

static int wait_writev_all(struct object *o, green_time deadline)
{
    struct iovec iov[2] = {{(char[]){'x'}, 1}, {(char[]){'y', 'z'}, 2}};
    return green_writev_all(o->fds[0], iov, 2, NULL, deadline);
}

static int wait_writable(struct object *o, green_time deadline)
{
    return green_wait_fd(o->fds[0], POLLOUT, deadline);
}

static void serve_room(struct object *o)
{
    drain(o->fds[1]);
}

/* --- sockets
 * ---------------------------------------------------------------------------------------------------- */

static void make_listener(struct object *o)
{
    o->fds[0] = listen_anywhere(&o->address);
    o->fds[1] = -1;
}

static int wait_accept(struct object *o, green_time deadline)
{
    int fd = green_accept(o->fds[0], NULL, deadline);
    return fd < 0 ? fd : green_close(fd);
}

static void serve_connection(struct object *o)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &o->address.any, o->address.length), 0);
    close(fd);
}

/* --- splicing
 * --------------------------------------------------------------------------------------------------- */

static int wait_splice_in(struct object *o, green_time deadline)
{
    green_pipe_t pipe;
    ck_assert_int_eq(green_pipe_open(&pipe, 4096), 0);
    int r = (int)green_splice_in(o->fds[0], &pipe, 1, deadline);
    green_pipe_close(&pipe);
    return r;
}

static int wait_splice_out(struct object *o, green_time deadline)
{
    green_pipe_t pipe;
    ck_assert_int_eq(green_pipe_open(&pipe, 4096), 0);
    ck_assert_int_eq(write(pipe.write_end, "x", 1), 1);
    pipe.held = 1;
    int r = (int)green_splice_out(&pipe, o->fds[0], false, deadline);
    green_pipe_close(&pipe);
    return r;
}

/* --- signals
 * ----------------------------------------------------------------------------------------------------- */

static void make_signals(struct object *o)
{
    int number = SIGUSR1;
    ck_assert_int_eq(green_signals_open(&o->signals, &number, 1), 0);
}

static int wait_signal(struct object *o, green_time deadline)
{
    return green_signals_wait(o->signals, deadline);
}

static void serve_signal(struct object *o)
{
    (void)o;
    raise(SIGUSR1);
}

static void destroy_signals(struct object *o)
{
    green_signals_close(o->signals);
}

static const struct subject subjects[] = {
    {"park", make_gate, wait_gate, serve_gate, nothing, ONE_EACH, false},
    {"join", make_greenlet, wait_join, serve_gate, destroy_greenlet, EVERYBODY, false},
    {"get", make_greenlet, wait_get, serve_gate, destroy_greenlet, EVERYBODY, false},
    {"kill", make_greenlet, wait_kill, serve_gate, destroy_greenlet, EVERYBODY, false},
    {"read", make_pair, wait_read, serve_byte, destroy_pair, ONE_EACH, false},
    {"readv", make_pair, wait_readv, serve_byte, destroy_pair, ONE_EACH, false},
    {"wait_fd in", make_pair, wait_readable, serve_byte, destroy_pair, EVERYBODY, false},
    {"write", make_full_pair, wait_write, serve_room, destroy_pair, SOME, false},
    {"writev", make_full_pair, wait_writev, serve_room, destroy_pair, SOME, false},
    {"write_all", make_full_pair, wait_write_all, serve_room, destroy_pair, SOME, false},
    {"writev_all", make_full_pair, wait_writev_all, serve_room, destroy_pair, SOME, false},
    {"wait_fd out", make_full_pair, wait_writable, serve_room, destroy_pair, EVERYBODY, false},
    {"accept", make_listener, wait_accept, serve_connection, destroy_pair, ONE_EACH, false},
    {"splice_in", make_pair, wait_splice_in, serve_byte, destroy_pair, ONE_EACH, false},
    {"splice_out", make_full_pair, wait_splice_out, serve_room, destroy_pair, SOME, false},
    {"signals_wait", make_signals, wait_signal, serve_signal, destroy_signals, ONE_EACH, true},
};

enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

/* --- the cases
 * ---------------------------------------------------------------------------------------------------- */

/* The object still works: nothing of an earlier, failed wait is left in it. */
static void works(const struct subject *s, struct object *o)
{
    s->serve(o);
    ck_assert_msg(s->wait(o, soon()) >= 0, "%s does not work any more", s->name);
}

START_TEST(times_out_after_the_deadline)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    s->make(&o);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_S(60));
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(s->wait(&o, deadline), -ETIMEDOUT);
    ck_assert_int_ge(green_now(), deadline);
    ck_assert_int_lt(green_now(), deadline + GREEN_S(20));
    ck_assert(!green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    works(s, &o);
    s->destroy(&o);
}
END_TEST

START_TEST(nowait_does_not_switch)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    s->make(&o);
    uint64_t before = switches();
    ck_assert_int_eq(s->wait(&o, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    works(s, &o);
    s->destroy(&o);
}
END_TEST

START_TEST(an_outer_timeout_is_not_lost)
{
    const struct subject *s = &subjects[_i];
    for (int i = 0; i < 2; i++) {
        struct object o;
        s->make(&o);
        green_timeout_t outer;
        green_timeout_start(&outer, GREEN_MS(15));
        ck_assert_int_eq(s->wait(&o, i == 0 ? GREEN_FOREVER : green_in_ms(60000)), -ETIMEDOUT);
        ck_assert(green_timeout_fired(&outer));
        green_timeout_stop(&outer);
        works(s, &o);
        s->destroy(&o);
    }
}
END_TEST

struct waiter {
    const struct subject *subject;
    struct object *object;
    int result, again;
    green_t *greenlet;
};

static void *wait_once(void *arg)
{
    struct waiter *w = arg;
    w->result = w->subject->wait(w->object, GREEN_FOREVER);
    if (w->result < 0 && w->subject->serves != EVERYBODY)
        w->again = w->subject->wait(w->object, GREEN_FOREVER); /* sticky */
    return NULL;
}

static void start_waiter(struct waiter *w, const struct subject *s, struct object *o)
{
    *w = (struct waiter){.subject = s, .object = o, .result = -1, .again = -ECANCELED};
    w->greenlet = green_spawn(wait_once, w);
    ck_assert_ptr_nonnull(w->greenlet);
    ck_assert_int_eq(green_yield(), 0);
}

static int end_waiter(struct waiter *w)
{
    ck_assert_int_eq(green_join(w->greenlet, soon()), 0);
    green_release(w->greenlet);
    return w->result;
}

START_TEST(the_next_one_is_served_when_the_first_is_killed)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    struct waiter a, b;
    s->make(&o);
    start_waiter(&a, s, &o);
    if (!s->alone)
        start_waiter(&b, s, &o);
    ck_assert_int_eq(green_state(a.greenlet), GREEN_WAITING);
    ck_assert_int_eq(green_kill(a.greenlet, soon()), 0);
    ck_assert_int_eq(end_waiter(&a), -ECANCELED);
    ck_assert_int_eq(a.again, -ECANCELED);
    if (!s->alone) {
        ck_assert(!green_done(b.greenlet));
        s->serve(&o);
        ck_assert_int_ge(end_waiter(&b), 0);
    }
    works(s, &o);
    s->destroy(&o);
}
END_TEST

/* Cancelled at the very moment when it is served: either it took what was there, or the next one gets it. */
START_TEST(nothing_is_lost_when_the_first_is_killed_while_served)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    struct waiter a, b;
    if (s->alone)
        return;
    s->make(&o);
    start_waiter(&a, s, &o);
    start_waiter(&b, s, &o);
    s->serve(&o);
    ck_assert_int_eq(green_cancel(a.greenlet), 0);
    int first = end_waiter(&a);
    if (s->serves == ONE_EACH && first >= 0) {
        for (int i = 0; i < 50; i++)
            ck_assert_int_eq(green_yield(), 0);
        ck_assert(!green_done(b.greenlet)); /* it was one, not two */
        s->serve(&o);
    } else if (first < 0) {
        ck_assert_int_eq(first, -ECANCELED);
    }
    ck_assert_int_ge(end_waiter(&b), 0);
    works(s, &o);
    s->destroy(&o);
}
END_TEST

START_TEST(served_in_order_of_arrival)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    struct waiter w[5];
    if (s->alone || s->serves != ONE_EACH)
        return;
    s->make(&o);
    for (int i = 0; i < 5; i++)
        start_waiter(&w[i], s, &o);
    for (int i = 0; i < 5; i++) {
        for (int later = i; later < 5; later++)
            ck_assert(!green_done(w[later].greenlet));
        s->serve(&o);
        ck_assert_int_ge(end_waiter(&w[i]), 0);
    }
    s->destroy(&o);
}
END_TEST

struct in_hub {
    green_post_t node;
    green_park_t park;
    const struct subject *subject;
    struct object *object;
};

static void wait_in_hub(green_post_t *node)
{
    struct in_hub *h = CONTAINER_OF(node, struct in_hub, node);
    green_wake(&h->park, h->subject->wait(h->object, GREEN_FOREVER));
}

START_TEST(never_inside_the_hub)
{
    const struct subject *s = &subjects[_i];
    struct object o;
    s->make(&o);
    struct in_hub h = {.node.fn = wait_in_hub, .park = GREEN_PARK_INIT, .subject = s, .object = &o};
    green_post(green_hub(), &h.node);
    ck_assert_int_eq(green_park(&h.park, soon()), -EPERM);
    works(s, &o);
    s->destroy(&o);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {times_out_after_the_deadline, SUBJECTS},
        {nowait_does_not_switch, SUBJECTS},
        {an_outer_timeout_is_not_lost, SUBJECTS},
        {the_next_one_is_served_when_the_first_is_killed, SUBJECTS},
        {nothing_is_lost_when_the_first_is_killed_while_served, SUBJECTS},
        {served_in_order_of_arrival, SUBJECTS},
        {never_inside_the_hub, SUBJECTS},
    };
    return RUN_TESTS("waiting", tests);
}
