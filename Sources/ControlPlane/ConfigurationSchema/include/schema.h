#pragma once

/// The JSON Schema of the configuration, config/azimuth.schema.json.
extern const unsigned char *const azimuth_schema;
extern const unsigned long azimuth_schema_size;
