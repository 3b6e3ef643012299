/* A program without a library: ends with 42, or with 43 when it runs with another's rights. */
#include <sys/syscall.h>

static long call(long number, long argument) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(argument) : "rcx", "r11", "memory");
    return result;
}

void _start(void) {
    call(SYS_exit_group, call(SYS_getuid, 0) == call(SYS_geteuid, 0) ? 42 : 43);
    for (;;)
        ;
}
