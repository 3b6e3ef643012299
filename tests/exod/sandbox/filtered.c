/* FILTER ENTRY:NUMBER[:ARGUMENT…]… → a line for each: the call's errno, 0 where it was allowed, or the signal that ended
 * it, below zero. Each is tried in a process of its own that loaded the filter, through the entry of that name. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long call32(long number, const unsigned long *arguments) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(arguments[0]), "c"(arguments[1]), "d"(arguments[2])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

static void attempt(const struct sock_fprog *program, char *text) {
    unsigned long words[7] = {0};
    struct rlimit core = {1, 1};
    char *rest = strchr(text, ':');
    for (int i = 0; rest && i < 7; i++)
        words[i] = strtoul(rest + 1, &rest, 0), rest = *rest ? rest : NULL;
    setrlimit(RLIMIT_CORE, &core);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program))
        _exit(255);
    long result;
    if (!strncmp(text, "32", 2)) {
        result = call32((long)words[0], words + 1);
        errno = result < 0 ? (int)-result : 0;
    } else {
        long bit = strncmp(text, "x32", 3) ? 0 : 0x40000000;
        errno = 0;
        result = syscall((long)words[0] | bit, words[1], words[2], words[3], words[4], words[5], words[6]);
    }
    _exit(result < 0 && result >= -4095 ? errno : 0);
}

int main(int count, char **texts) {
    static struct sock_filter code[BPF_MAXINSNS];
    FILE *file = fopen(texts[1], "rb");
    struct sock_fprog program = {0, code};
    if (!file)
        return 1;
    program.len = (unsigned short)fread(code, sizeof *code, BPF_MAXINSNS, file);
    for (int i = 2; i < count; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            attempt(&program, texts[i]);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        printf("%d\n", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
    }
    return 0;
}
