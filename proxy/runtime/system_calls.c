/*
 * System calls, limited by seccomp(2) through libseccomp: those that greenway, libuv, c-ares, OpenSSL and the C library
 * make while they serve. What is not listed fails with EPERM. Nothing here runs a program, traces a process, mounts,
 * loads, changes who one is, or speaks to anything but the network, pipes and unix sockets.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static const char *const allowed[] = {
    /* descriptors */
    "read",
    "readv",
    "pread64",
    "preadv",
    "preadv2",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "lseek",
    "_llseek",
    "pipe",
    "pipe2",
    "splice",
    "tee",
    "vmsplice",
    "sendfile",
    "sendfile64",
    "copy_file_range",
    "eventfd",
    "eventfd2",
    "signalfd",
    "signalfd4",
    /* waiting */
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "_newselect",
    "pselect6",
    "pselect6_time64",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "inotify_init",
    "inotify_init1",
    "inotify_add_watch",
    "inotify_rm_watch",
    /* the network, and other processes' sockets; socket() itself is below */
    "socketpair",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "shutdown",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recv",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    /* files */
    "open",
    "openat",
    "openat2",
    "creat",
    "stat",
    "stat64",
    "lstat",
    "lstat64",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "statfs",
    "statfs64",
    "fstatfs",
    "fstatfs64",
    "access",
    "faccessat",
    "faccessat2",
    "getdents",
    "getdents64",
    "readlink",
    "readlinkat",
    "getcwd",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fadvise64",
    "fadvise64_64",
    "arm_fadvise64_64",
    "cachestat",
    "readahead",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "flock",
    "umask",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "fchownat",
    "lchown",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "utimensat",
    "utimensat_time64",
    "fgetxattr",
    "getxattr",
    "lgetxattr",
    /* memory */
    "brk",
    "mmap",
    "mmap2",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "mincore",
    "membarrier",
    "memfd_create",
    "rseq",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    /* threads and their synchronisation; clone() itself is below */
    "futex",
    "futex_time64",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "set_tid_address",
    "gettid",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "arch_prctl",
    "exit",
    "exit_group",
    "restart_syscall",
    /* signals; those to oneself are below */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigpending",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "sigaction",
    "sigprocmask",
    "sigreturn",
    "sigaltstack",
    "wait4",
    "waitid",
    "waitpid",
    "pause",
    /* time */
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "alarm",
    "getitimer",
    "setitimer",
    "timer_create",
    "timer_settime",
    "timer_settime64",
    "timer_gettime",
    "timer_gettime64",
    "timer_getoverrun",
    "timer_delete",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_settime64",
    "timerfd_gettime",
    "timerfd_gettime64",
    /* who and where one is */
    "getpid",
    "getppid",
    "getpgrp",
    "getpgid",
    "getsid",
    "getuid",
    "getuid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getegid",
    "getegid32",
    "getgroups",
    "getgroups32",
    "getresuid",
    "getresuid32",
    "getresgid",
    "getresgid32",
    "capget",
    "uname",
    "sysinfo",
    "getcpu",
    "getrandom",
    "getrlimit",
    "ugetrlimit",
    "setrlimit",
    "getrusage",
    "getpriority",
    "prctl",
#if defined(SANITIZED) /* their runtimes look at the process from the outside */
    "ptrace",
    "personality",
    "kill",
    "tkill",
    "process_vm_readv",
    "prlimit64",
    "fork",
    "vfork",
    "setrlimit",
#endif
};

static int allow(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) /* this machine, or this libseccomp, does not know it */
        return 0;
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    return r == -EDOM || r == -EEXIST ? 0 : r;
}

static int allow_if(scmp_filter_ctx filter, int number, struct scmp_arg_cmp argument)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &argument);
}

/* Sockets of these families only. */
static int allow_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK /* getaddrinfo() */};
    int r = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families && r == 0; i++)
        r = allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, (unsigned)families[i], 0));
    return r;
}

/* Threads, but no namespaces. The flags of clone3() lie in memory, where no filter sees them: without it the C library
 * takes the older call. */
static int allow_threads(scmp_filter_ctx filter, bool log)
{
    const scmp_datum_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                    CLONE_NEWUTS | CLONE_NEWCGROUP;
    int r = log ? 0 : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r < 0 ? r : allow_if(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
}

/* Signals to oneself (abort() and timers of the monitor), limits of oneself; a terminal may be asked but not written to
 * in somebody's name. */
static int allow_own(scmp_filter_ctx filter)
{
    int r = allow_if(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(rt_tgsigqueueinfo), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
#if !defined(SANITIZED)
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0, 0));
#endif
    return r < 0 ? r : allow_if(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_NE, TIOCSTI, 0));
}

int system_calls_limit(bool log)
{
    scmp_filter_ctx filter = seccomp_init(log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int r = 0;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree rather than a list; older ones cannot */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && r == 0; i++)
        r = allow(filter, allowed[i]);
    if (r == 0)
        r = allow_sockets(filter);
    if (r == 0)
        r = allow_threads(filter, log);
    if (r == 0)
        r = allow_own(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}
