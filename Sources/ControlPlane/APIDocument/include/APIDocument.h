#pragma once

#include <stddef.h>

// The OpenAPI document of the admin API (openapi.json), as it was when the program was built.

const unsigned char *api_document_start(void);

/// In bytes.
size_t api_document_length(void);
