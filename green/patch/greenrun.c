/*
 * greenrun: runs a program with libgreen-patch preloaded. What it refuses is what preloading cannot work for, since the
 * dynamic linker would only ignore it silently.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
    "usage: greenrun [OPTIONS] PROGRAM [ARGUMENTS]\n"
    "\n"
    "Runs PROGRAM with libgreen-patch.so preloaded, so that the functions of the C library that block let\n"
    "other greenlets run instead.\n"
    "\n"
    "  --threads         the program's threads become greenlets of one thread: a server that has a thread "
    "for\n"
    "                    each connection then has a greenlet for each\n"
    "  --patch=FAMILIES  what is taken over: net, sleep, dns, process, sync, threads, file, stdio,\n"
    "                    default (the first four), none; separated by commas. Without --threads and --patch: "
    "default\n"
    "  --library=FILE    the libgreen-patch.so to use, instead of the installed one\n"
    "  --help            this text\n"
    "  --version         the version\n"
    "\n"
    "A program that makes no greenlets, by --threads or with libgreen-patch's own functions, runs as ever.\n"
    "\n"
    "With --threads one thread does all the work: threads that compute without ever waiting keep the others\n"
    "from running, and variables declared __thread are shared by all of them. Static programs, programs "
    "with\n"
    "set-user-ID or capabilities, and those that make system calls themselves (Go) cannot be patched.\n"
    "\n"
    "examples:\n"
    "  greenrun --threads ./echo-server 7\n"
    "  greenrun --threads python3 threading_server.py\n"
    "  greenrun --patch=net,dns psql -c 'select 1'\n";

static const char *const families[] = {"net",     "sleep", "dns",   "process", "sync",
                                       "threads", "file",  "stdio", "default", "none"};

static _Noreturn void give_up(int status, const char *what, const char *about)
{
    fprintf(stderr, "greenrun: %s%s\n", what, about);
    exit(status);
}

static void check_families(const char *text)
{
    for (size_t length; *text; text += length + (text[length] == ',')) {
        bool known = false;
        length = strcspn(text, ",");
        for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
            known |= strlen(families[i]) == length && strncmp(families[i], text, length) == 0;
        if (!known) {
            fprintf(stderr, "greenrun: --patch: there is no family '%.*s'; there are", (int)length, text);
            for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
                fprintf(stderr, "%s %s", i ? "," : "", families[i]);
            fputs("\n", stderr);
            exit(2);
        }
    }
}

/* --- the program ---------------------------------------------------------------------------------------------------- */

/* As execvp(3) will find it. False: not at all, which that will say better. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *search = getenv("PATH");
    if (strchr(name, '/'))
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && access(path, X_OK) == 0;
    if (!search)
        search = "/usr/local/bin:/bin:/usr/bin";
    while (*search) {
        size_t length = strcspn(search, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, search, name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
        search += length + (search[length] == ':');
    }
    return false;
}

static bool has_interpreter(int fd, const Elf64_Ehdr *head)
{
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr part;
        if (pread(fd, &part, sizeof part, (off_t)(head->e_phoff + i * sizeof part)) != sizeof part)
            return true; /* not for us to say */
        if (part.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* Scripts are run by a program of their own, which is looked at when it is the one that is run. */
static void check_program(const char *path)
{
    struct stat st;
    Elf64_Ehdr head;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* it may be executable all the same */
    if (fstat(fd, &st) == 0 &&
        ((st.st_mode & S_ISUID && st.st_uid != getuid()) || (st.st_mode & S_ISGID && st.st_gid != getgid())))
        give_up(1, path,
                " has set-user-ID or set-group-ID: such programs cannot be patched. Run it as that user.");
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        give_up(1, path,
                " has file capabilities: such programs cannot be patched. Run it as root, or a copy without "
                "them.");
    if (pread(fd, &head, sizeof head, 0) == sizeof head && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0) {
        if (head.e_ident[EI_CLASS] != ELFCLASS64)
            give_up(1, path, " is not a 64-bit program: it cannot load libgreen-patch.so.");
        if ((head.e_type == ET_EXEC || head.e_type == ET_DYN) && !has_interpreter(fd, &head))
            give_up(1, path, " is linked statically: it cannot be patched. Link it dynamically.");
    }
    close(fd);
}

/* --- the library ---------------------------------------------------------------------------------------------------- */

/* Installed, or beside this program, where it is built. */
static void find_library(const char *given, char path[PATH_MAX])
{
    char self[PATH_MAX];
    if (given) {
        if (!realpath(given, path))
            give_up(1, "no such library: ", given);
        return;
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = 0;
        *strrchr(self, '/') = 0;
        if (snprintf(path, PATH_MAX, "%.*s/libgreen-patch.so", PATH_MAX - 32, self) > 0 &&
            access(path, R_OK) == 0)
            return;
    }
    if (access(GREEN_PATCH_LIBRARY, R_OK) != 0)
        give_up(1, "not found: " GREEN_PATCH_LIBRARY, "; name it by --library=FILE");
    strcpy(path, GREEN_PATCH_LIBRARY);
}

static void preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");
    char *all = NULL;
    if (strpbrk(library, ": "))
        give_up(1, library, ": the dynamic linker takes no path with a colon or a blank");
    if (asprintf(&all, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") < 0 ||
        setenv("LD_PRELOAD", all, 1) < 0)
        give_up(1, "out of memory", "");
    free(all);
}

/* --- main ----------------------------------------------------------------------------------------------------------- */

static const char *value_of(const char *argument, const char *option)
{
    size_t length = strlen(option);
    return strncmp(argument, option, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

int main(int argc, char **argv)
{
    const char *patch = NULL, *library = NULL, *value;
    bool threads = false;
    int i = 1;
    (void)argc;
    for (; argv[i] && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(usage, stdout) < 0;
        if (strcmp(argv[i], "--version") == 0)
            return puts("greenrun " GREENWAY_VERSION) < 0;
        if (strcmp(argv[i], "--threads") == 0)
            threads = true;
        else if ((value = value_of(argv[i], "--patch")))
            patch = value;
        else if ((value = value_of(argv[i], "--library")))
            library = value;
        else
            give_up(2, argv[i], ": no such option; greenrun --help names them");
    }
    if (!argv[i])
        give_up(2, "which program? greenrun --help says more", "");
    char path[PATH_MAX], families_of[256];
    if (patch)
        check_families(patch);
    if (snprintf(families_of, sizeof families_of, "%s%s", patch ? patch : "default",
                 threads ? ",threads" : "") >= (int)sizeof families_of)
        give_up(2, "--patch: too long", "");
    if (find_program(argv[i], path))
        check_program(path);
    find_library(library, path);
    preload(path);
    if (setenv("GREEN_PATCH", families_of, 1) < 0)
        give_up(1, "out of memory", "");
    execvp(argv[i], argv + i);
    fprintf(stderr, "greenrun: %s: %s\n", argv[i], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}
