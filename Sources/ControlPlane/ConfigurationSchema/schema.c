#include "schema.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char schema_json[] = {
#embed "../../../config/azimuth.schema.json"
};

const unsigned char *const azimuth_schema = schema_json;
const unsigned long azimuth_schema_size = sizeof schema_json;
