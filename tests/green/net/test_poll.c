/* Waiting for many descriptors: poll, select, epoll_wait. */
#include "support.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

struct polling {
    struct pollfd fds[20];
    nfds_t count;
    green_time deadline;
    int result;
};

static void *run_poll(void *arg)
{
    struct polling *p = arg;
    p->result = green_poll(p->fds, p->count, p->deadline);
    return NULL;
}

/* Starts it and lets it begin to wait. */
static green_t *start(struct polling *p)
{
    p->result = 12345;
    p->deadline = p->deadline ? p->deadline : soon();
    green_t *g = spawn(run_poll, p);
    yields(2);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    return g;
}

START_TEST(ready_at_once)
{
    int fds[2];
    stream_pair(fds);
    struct pollfd p[] = {{fds[0], POLLIN, -1}, {-1, POLLIN, -1}, {fds[1], POLLIN | POLLOUT, -1}};
    ck_assert_int_eq(green_poll(p, 3, GREEN_NOWAIT), 1);
    ck_assert_int_eq(p[0].revents, 0);
    ck_assert_int_eq(p[1].revents, 0);
    ck_assert_int_eq(p[2].revents, POLLOUT);
    ck_assert_int_eq(write(fds[0], "x", 1), 1);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(green_poll(p, 3, soon()), 2);
    ck_assert_int_eq(p[0].revents, POLLIN);
    ck_assert_int_eq(p[2].revents, POLLIN | POLLOUT);
    close_pair(fds);
}
END_TEST

START_TEST(nothing_in_time)
{
    int fds[2];
    stream_pair(fds);
    struct pollfd p = {fds[0], POLLIN, -1};
    uint64_t before = switches();
    ck_assert_int_eq(green_poll(&p, 1, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(p.revents, 0);
    green_time began = green_now();
    ck_assert_int_eq(green_poll(&p, 1, green_in_ms(20)), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - began, GREEN_MS(20));
    began = green_now();
    ck_assert_int_eq(green_poll(NULL, 0, green_in_ms(20)), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - began, GREEN_MS(20));
    ck_assert_int_eq(green_poll(NULL, 0, GREEN_FOREVER), -EDEADLK); /* nobody could ever end that */
    close_pair(fds);
}
END_TEST

START_TEST(wakes_for_what_was_asked)
{
    int a[2], b[2];
    stream_pair(a);
    stream_pair(b);
    fill(b[0]);
    struct polling p = {.fds = {{a[0], POLLIN, 0}, {b[0], POLLOUT, 0}}, .count = 2};
    green_t *g = start(&p);
    if (_i == 0)
        ck_assert_int_eq(write(a[1], "x", 1), 1);
    else
        drain(b[1]);
    finish(g);
    ck_assert_int_eq(p.result, 1);
    ck_assert_int_eq(p.fds[0].revents, _i == 0 ? POLLIN : 0);
    ck_assert_int_eq(p.fds[1].revents, _i == 0 ? 0 : POLLOUT);
    close_pair(a);
    close_pair(b);
}
END_TEST

START_TEST(hanging_up_is_always_told)
{
    int fds[2];
    stream_pair(fds);
    struct polling p = {.fds = {{fds[0], _i == 0 ? 0 : _i == 1 ? POLLPRI : POLLRDHUP, 0}}, .count = 1};
    green_t *g = start(&p);
    ck_assert_int_eq(close(fds[1]), 0);
    green_fd_reset(fds[1]);
    finish(g);
    ck_assert_int_eq(p.result, 1);
    ck_assert_int_eq(p.fds[0].revents, _i == 2 ? POLLHUP | POLLRDHUP : POLLHUP);
    ck_assert_int_eq(green_close(fds[0]), 0);
}
END_TEST

/* Case 112: POLLPRI, which gevent does not know. */
START_TEST(urgent_data)
{
    int fds[2];
    tcp_pair(fds);
    struct polling p = {.fds = {{fds[0], POLLPRI, 0}}, .count = 1};
    green_t *g = start(&p);
    ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3);
    yields(3);
    ck_assert_int_eq(green_state(g), GREEN_WAITING); /* ordinary data do not count */
    ck_assert_int_eq(send(fds[1], "!", 1, MSG_OOB), 1);
    finish(g);
    ck_assert_int_eq(p.result, 1);
    ck_assert_int_eq(p.fds[0].revents, POLLPRI);
    close_pair(fds);
}
END_TEST

START_TEST(regular_files_are_always_ready)
{
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    int fds[2], fd = fileno(f);
    stream_pair(fds);
    struct pollfd p[] = {{fds[0], POLLIN, 0}, {fd, POLLIN | POLLOUT, 0}};
    ck_assert_int_eq(green_poll(p, 2, soon()), 1);
    ck_assert_int_eq(p[1].revents, POLLIN | POLLOUT);
    struct polling q = {.fds = {{fds[0], POLLIN, 0}, {fd, 0, 0}},
                        .count = 2}; /* asked for nothing: no reason to wake */
    green_t *g = start(&q);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    finish(g);
    ck_assert_int_eq(q.result, 1);
    green_fd_reset(fd);
    fclose(f);
    close_pair(fds);
}
END_TEST

/* Case 112: not open, and closed while somebody waits: both are told, and nothing breaks. */
START_TEST(closed_before_and_meanwhile)
{
    int a[2], b[2], c[2];
    stream_pair(a);
    stream_pair(b);
    struct pollfd gone = {1000, POLLIN, 0};
    ck_assert_int_eq(green_poll(&gone, 1, soon()), 1);
    ck_assert_int_eq(gone.revents, POLLNVAL);
    struct polling p = {.fds = {{a[0], POLLIN, 0}, {b[0], POLLIN, 0}}, .count = 2}, q = p;
    green_t *g = start(&p), *h = start(&q);
    ck_assert_int_eq(green_close(a[0]), 0);
    if (_i == 1) { /* its number is somebody else's, who has something to read, when the two run again */
        stream_pair(c);
        ck_assert_int_eq(c[0], a[0]);
        ck_assert_int_eq(write(c[1], "x", 1), 1);
    }
    finish(g);
    finish(h);
    ck_assert_int_eq(p.result, 1);
    ck_assert_int_eq(p.fds[0].revents, POLLNVAL);
    ck_assert_int_eq(p.fds[1].revents, 0);
    ck_assert_int_eq(q.result, 1);
    ck_assert_int_eq(q.fds[0].revents, POLLNVAL);
    ck_assert_int_eq(green_close(a[1]), 0);
    close_pair(b);
    if (_i == 1)
        close_pair(c);
}
END_TEST

/* Many waiters of several kinds on one descriptor: all who poll are told, one who reads gets it. */
START_TEST(everybody_is_told)
{
    int fds[2];
    char byte;
    stream_pair(fds);
    struct polling p[3];
    green_t *g[3];
    for (int i = 0; i < 3; i++) {
        p[i] = (struct polling){.fds = {{fds[0], POLLIN, 0}}, .count = 1};
        g[i] = start(&p[i]);
    }
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    for (int i = 0; i < 3; i++) {
        finish(g[i]);
        ck_assert_int_eq(p[i].result, 1);
    }
    ck_assert_int_eq(green_read(fds[0], &byte, 1, GREEN_NOWAIT), 1);
    close_pair(fds);
}
END_TEST

struct reading {
    int fd;
    ssize_t result;
};

static void *read_one(void *arg)
{
    struct reading *r = arg;
    char byte;
    r->result = green_read(r->fd, &byte, 1, soon());
    return NULL;
}

/* A reader that was faster: who polls goes on waiting. */
START_TEST(somebody_else_was_faster)
{
    int fds[2];
    stream_pair(fds);
    struct reading reading = {.fd = fds[0]};
    green_t *reader = spawn(read_one, &reading);
    yields(1);
    struct polling p = {.fds = {{fds[0], POLLIN, 0}}, .count = 1};
    green_t *g = start(&p);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    finish(reader);
    ck_assert_int_eq(reading.result, 1);
    yields(3);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(write(fds[1], "y", 1), 1);
    finish(g);
    ck_assert_int_eq(p.result, 1);
    close_pair(fds);
}
END_TEST

START_TEST(interrupted)
{
    int fds[2];
    stream_pair(fds);
    struct polling p = {.fds = {{fds[0], POLLIN, 0}}, .count = 1};
    green_t *g = start(&p);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(p.result, -ECANCELED);
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(10));
    p.deadline = soon();
    run_poll(&p);
    ck_assert_int_eq(p.result, -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    ck_assert_int_eq(green_poll(p.fds, 1, soon()), -ETIMEDOUT); /* sticky until it is stopped */
    green_timeout_stop(&t);
    ck_assert_int_eq(write(fds[1], "x", 1), 1); /* and nothing is left behind */
    ck_assert_int_eq(green_poll(p.fds, 1, soon()), 1);
    close_pair(fds);
}
END_TEST

static void in_the_hub(green_post_t *post)
{
    struct pollfd p = {0, POLLIN, 0};
    ck_assert_int_eq(green_poll(&p, 1, soon()), -EPERM);
    post->fn = NULL;
}

START_TEST(not_in_the_hub)
{
    green_post_t post = {.fn = in_the_hub};
    green_post(green_hub(), &post);
    while (post.fn)
        yields(1);
}
END_TEST

#define MANY 200

START_TEST(many_descriptors)
{
    struct pollfd p[MANY + 1];
    int pairs[MANY][2];
    for (int i = 0; i < MANY; i++) {
        stream_pair(pairs[i]);
        p[i] = (struct pollfd){pairs[i][0], POLLIN, 0};
    }
    ck_assert_int_eq(green_poll(p, MANY, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(write(pairs[77][1], "x", 1), 1);
    ck_assert_int_eq(green_poll(p, MANY, soon()), 1);
    ck_assert_int_eq(p[77].revents, POLLIN);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit less = {.rlim_cur = MANY, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &less), 0);
    ck_assert_int_eq(green_poll(p, MANY + 1, soon()), -EINVAL);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < MANY; i++)
        close_pair(pairs[i]);
}
END_TEST

/* Case 115: somebody closes the hub's own descriptor. That is said and ends the process, which could only spin. */
static void close_what_the_hub_waits_on(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    alarm(20); /* a hub that spins is ended by another signal */
    green_hub_t *hub = green_hub();
#ifdef GREEN_POLLER_UV
    close(uv_backend_fd(&hub->loop));
#else
    close(hub->epoll);
#endif
    ck_assert_int_eq(green_sleep(GREEN_S(1000)), 0);
}

START_TEST(the_hubs_descriptor_closed)
{
    char text[1024];
    int status = in_child(close_what_the_hub_waits_on, text, sizeof text);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
#ifndef GREEN_POLLER_UV
    ck_assert_ptr_nonnull(strstr(text, "closed or replaced: EBADF"));
#endif
}
END_TEST

/* --- select ------------------------------------------------------------------------------------------------------------- */

START_TEST(select_reads_writes_and_exceptions)
{
    int fds[2];
    fd_set r, w, x;
    tcp_pair(fds);
    int n = (fds[0] > fds[1] ? fds[0] : fds[1]) + 1;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(fds[0], &r);
    FD_SET(fds[0], &x);
    ck_assert_int_eq(green_select_fds(n, &r, &w, &x, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_select_fds(n, &r, &w, &x, green_in_ms(5)), -ETIMEDOUT);
    ck_assert(FD_ISSET(fds[0], &r)); /* as they were */
    ck_assert(FD_ISSET(fds[0], &x));
    FD_SET(fds[0], &w);
    ck_assert_int_eq(green_select_fds(n, &r, &w, &x, soon()), 1);
    ck_assert(!FD_ISSET(fds[0], &r) && FD_ISSET(fds[0], &w) && !FD_ISSET(fds[0], &x));
    FD_SET(fds[0], &r);
    FD_SET(fds[0], &x);
    ck_assert_int_eq(send(fds[1], "a!", 2, MSG_OOB), 2);
    struct pollfd urgent = {fds[0], POLLPRI, 0};
    ck_assert_int_eq(green_poll(&urgent, 1, soon()), 1);
    ck_assert_int_eq(green_select_fds(n, &r, &w, &x, soon()), 3);
    ck_assert(FD_ISSET(fds[0], &r) && FD_ISSET(fds[0], &w) && FD_ISSET(fds[0], &x));
    ck_assert_int_eq(green_select_fds(n, NULL, NULL, NULL, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_select_fds(-1, &r, NULL, NULL, soon()), -EINVAL);
    ck_assert_int_eq(green_select_fds(FD_SETSIZE + 1, &r, NULL, NULL, soon()), -EINVAL);
    close_pair(fds);
}
END_TEST

struct selecting {
    int fd, result;
};

static void *run_select(void *arg)
{
    struct selecting *s = arg;
    fd_set r;
    FD_ZERO(&r);
    FD_SET(s->fd, &r);
    s->result = green_select_fds(s->fd + 1, &r, NULL, NULL, soon());
    return NULL;
}

START_TEST(select_of_what_is_closed)
{
    int fds[2];
    fd_set r;
    FD_ZERO(&r);
    FD_SET(1000, &r);
    ck_assert_int_eq(green_select_fds(1001, &r, NULL, NULL, soon()), -EBADF);
    stream_pair(fds);
    struct selecting s = {.fd = fds[0]};
    green_t *g = spawn(run_select, &s);
    yields(2);
    ck_assert_int_eq(green_close(fds[0]), 0);
    finish(g);
    ck_assert_int_eq(s.result, -EBADF);
    ck_assert_int_eq(green_close(fds[1]), 0);
}
END_TEST

/* select(2) does not tell writers and exceptions of a mere hang-up, poll(2) cannot but tell. */
START_TEST(select_and_hanging_up)
{
    int ends[2];
    fd_set x, r;
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(close(ends[1]), 0);
    FD_ZERO(&x);
    FD_SET(ends[0], &x);
    r = x;
    ck_assert_int_eq(green_select_fds(ends[0] + 1, NULL, NULL, &x, green_in_ms(10)), -ETIMEDOUT);
    ck_assert_int_eq(green_select_fds(ends[0] + 1, &r, NULL, &x, soon()), 1);
    ck_assert(FD_ISSET(ends[0], &r));
    ck_assert(!FD_ISSET(ends[0], &x));
    ck_assert_int_eq(green_close(ends[0]), 0);
}
END_TEST

/* --- epoll -------------------------------------------------------------------------------------------------------------- */

struct waiting_set {
    int epfd, result;
    struct epoll_event events[4];
};

static void *run_epoll(void *arg)
{
    struct waiting_set *s = arg;
    s->result = green_epoll_wait(s->epfd, s->events, 4, soon());
    return NULL;
}

START_TEST(a_set_of_ones_own)
{
    int epfd = epoll_create1(EPOLL_CLOEXEC), fds[2], other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_ge(epfd, 0);
    stream_pair(fds);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
    ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[0], &event), 0);
    event.data.u32 = 8;
    ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, other, &event), 0);
    struct waiting_set s = {.epfd = epfd};
    ck_assert_int_eq(green_epoll_wait(epfd, s.events, 4, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_epoll_wait(epfd, s.events, 4, green_in_ms(5)), -ETIMEDOUT);
    for (int round = 0; round < 3; round++) { /* level-triggered inside, however the set itself is watched */
        green_t *g = spawn(run_epoll, &s);
        yields(2);
        ck_assert_int_eq(green_state(g), GREEN_WAITING);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        finish(g);
        ck_assert_int_eq(s.result, 1);
        ck_assert_uint_eq(s.events[0].data.u32, 7);
        ck_assert_int_eq(green_epoll_wait(epfd, s.events, 4, soon()), 1); /* still there */
        drain(fds[0]);
        ck_assert_int_eq(green_epoll_wait(epfd, s.events, 4, GREEN_NOWAIT), -EAGAIN);
    }
    ck_assert_int_eq(eventfd_write(other, 1), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(green_epoll_wait(epfd, s.events, 4, soon()), 2);
    drain(fds[0]);
    eventfd_t value;
    ck_assert_int_eq(eventfd_read(other, &value), 0);
    green_t *g = spawn(run_epoll, &s);
    yields(2);
    ck_assert_int_eq(green_close(epfd), 0);
    finish(g);
    ck_assert_int_eq(s.result, -EBADF);
    ck_assert_int_eq(green_epoll_wait(fds[0], s.events, 4, soon()), -EINVAL); /* no set */
    ck_assert_int_eq(close(other), 0);
    close_pair(fds);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {ready_at_once, 0},
        {nothing_in_time, 0},
        {wakes_for_what_was_asked, 2},
        {hanging_up_is_always_told, 3},
        {urgent_data, 0},
        {regular_files_are_always_ready, 0},
        {closed_before_and_meanwhile, 2},
        {everybody_is_told, 0},
        {somebody_else_was_faster, 0},
        {interrupted, 0},
        {not_in_the_hub, 0},
        {many_descriptors, 0},
        {the_hubs_descriptor_closed, 0},
        {select_reads_writes_and_exceptions, 0},
        {select_of_what_is_closed, 0},
        {select_and_hanging_up, 0},
        {a_set_of_ones_own, 0},
    };
    return RUN_TESTS("poll", tests);
}
