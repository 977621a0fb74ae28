/*
 * Runs in: init. The floor for pidone in place: what any init has to do, and nothing else. It forwards, reaps and mirrors;
 * it keeps inherited descriptors and the working directory, knows no terminal, and reports nothing.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    sigset_t all, before;
    int status, end;
    pid_t ended;

    (void)argc;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (getpid() != 1)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t workload = vfork();
    if (workload == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    end = -1;
    while (end < 0) {
        int signal = sigwaitinfo(&all, NULL);
        if (signal != SIGCHLD && signal > 0)
            kill(workload, signal);
        else
            while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
                if (ended == workload)
                    end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return end;
}
