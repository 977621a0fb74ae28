/*
 * Runs in: outer, init. The floor for pidone isolated: one clone into new PID and mount namespaces, mounts made private, a
 * fresh /proc, and the floor of in_place.c inside. Outer forwards and mirrors. Nothing here dies with outer, no error is
 * told apart, an exit with 128 + N passes for a death by signal N, and the terminal is left alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* clone(2), CLONE_ARGS_SIZE_VER0; not every C library comes with the kernel's headers. */
struct clone3_arguments {
    unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static sigset_t all, before;

/* Forwards to `child` and reaps until it has ended; returns its wait status. */
static int supervise(pid_t child)
{
    int status, end = -1;
    pid_t ended;

    while (end < 0) {
        int signal = sigwaitinfo(&all, NULL);
        if (signal != SIGCHLD && signal > 0)
            kill(child, signal);
        else
            while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
                if (ended == child)
                    end = status;
    }
    return WIFEXITED(end) ? WEXITSTATUS(end) : 128 + WTERMSIG(end);
}

static int init(char **argv)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        return 125;
    pid_t workload = vfork();
    if (workload == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    return supervise(workload);
}

int main(int argc, char **argv)
{
    struct clone3_arguments namespaces = {.flags = CLONE_NEWPID | CLONE_NEWNS, .exit_signal = SIGCHLD};

    (void)argc;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    long child = syscall(SYS_clone3, &namespaces, sizeof namespaces);
    if (child < 0 && errno == ENOSYS)   /* so say kernels before 5.3, and valgrind */
        child = syscall(SYS_clone, namespaces.flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child < 0)
        return 125;
    if (child == 0)
        return init(argv);
    int end = supervise(child);
    if (end > 128 && end != 255) {
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, end - 128);
        signal(end - 128, SIG_DFL);
        raise(end - 128);
        sigprocmask(SIG_UNBLOCK, &one, NULL);
    }
    return end;
}
