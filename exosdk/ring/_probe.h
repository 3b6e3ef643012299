/* A place in the code that a tracer can find and switch on: a nop, and a note in the file that says where it lies and in
 * which registers its values are. The note's form is that of <sys/sdt.h>: perf, bpftrace, bcc and gdb read it. Nothing
 * is called, tested or computed for it. Of five bytes on x86-64, for that is what newer kernels replace by a call. */
#pragma once

#if defined(__x86_64__)
#define PROBE_NOP ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
#else
#define PROBE_NOP "nop"
#endif

/* pc, where the base section lay when it was linked (it may be moved since), no counter of tracers; provider, name. */
#define PROBE_NOTE(NAME, VALUES)                                                                                       \
    "990: " PROBE_NOP "\n"                                                                                             \
    ".pushsection .note.stapsdt,\"\",\"note\"\n"                                                                       \
    ".balign 4\n"                                                                                                      \
    ".4byte 992f-991f, 994f-993f, 3\n"                                                                                 \
    "991: .asciz \"stapsdt\"\n"                                                                                        \
    "992: .balign 4\n"                                                                                                 \
    "993: .8byte 990b, _.stapsdt.base, 0\n"                                                                            \
    ".asciz \"exod\", \"" NAME "\", \"" VALUES "\"\n"                                                                  \
    "994: .balign 4\n"                                                                                                 \
    ".popsection\n"                                                                                                    \
    ".ifndef _.stapsdt.base\n"                                                                                         \
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                                            \
    ".weak _.stapsdt.base\n"                                                                                           \
    ".hidden _.stapsdt.base\n"                                                                                         \
    "_.stapsdt.base: .space 1\n"                                                                                       \
    ".size _.stapsdt.base, 1\n"                                                                                        \
    ".popsection\n"                                                                                                    \
    ".endif\n"

/* A value stands as SIZE@WHERE, and stays where the compiler has it. */
#define PROBE_2(NAME, A, B)                                                                                            \
    __asm__ __volatile__(PROBE_NOTE(NAME, "%c0@%1 %c2@%3")::"n"(sizeof(A)), "nor"(A), "n"(sizeof(B)), "nor"(B))
#define PROBE_4(NAME, A, B, C, D)                                                                                      \
    __asm__ __volatile__(PROBE_NOTE(NAME, "%c0@%1 %c2@%3 %c4@%5 %c6@%7")::"n"(sizeof(A)), "nor"(A), "n"(sizeof(B)),    \
                         "nor"(B), "n"(sizeof(C)), "nor"(C), "n"(sizeof(D)), "nor"(D))
