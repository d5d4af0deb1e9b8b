#pragma once

#include <sys/types.h>

// What Swift's view of the C library lacks for starting programs: the extensions of GNU.

/// Starts the program `argv[0]`, which must be an absolute path, in a process group of its own: in `/`, with
/// empty input, both outputs into a pipe, no other descriptor, and signals as they are by default.
///
/// - output: receives the end of the pipe to read from, which does not block.
/// - process: receives the process, which is also its group.
/// - Returns: 0, or the error number.
int cspawn_start(char *const argv[], char *const envp[], int *output, pid_t *process);
