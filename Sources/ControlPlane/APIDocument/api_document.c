#include "APIDocument.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char document[] = {
#embed "openapi.json"
};

const unsigned char *api_document_start(void) { return document; }

size_t api_document_length(void) { return sizeof document; }
