#pragma once

#include <stddef.h>

// The files of the dashboard (the folder pages), as they were when the program was built.

struct dashboard_file {
  /// Within the folder.
  const char *name;
  /// As Content-Type has it.
  const char *type;
  const unsigned char *content;
  /// In bytes.
  size_t length;
};

size_t dashboard_file_count(void);

/// - index: below the count.
struct dashboard_file dashboard_file(size_t index);
