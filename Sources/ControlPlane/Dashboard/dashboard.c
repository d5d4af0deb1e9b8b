#include "dashboard.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// A file that is new in the folder pages gets its two lines here.

static const unsigned char ask_js[] = {
#embed "pages/ask.js"
};
static const unsigned char dashboard_css[] = {
#embed "pages/dashboard.css"
};
static const unsigned char dashboard_js[] = {
#embed "pages/dashboard.js"
};
static const unsigned char elements_js[] = {
#embed "pages/elements.js"
};
static const unsigned char events_js[] = {
#embed "pages/events.js"
};
static const unsigned char explain_js[] = {
#embed "pages/explain.js"
};
static const unsigned char feed_js[] = {
#embed "pages/feed.js"
};
static const unsigned char fleet_js[] = {
#embed "pages/fleet.js"
};
static const unsigned char icon_svg[] = {
#embed "pages/icon.svg"
};
static const unsigned char index_html[] = {
#embed "pages/index.html"
};
static const unsigned char latency_js[] = {
#embed "pages/latency.js"
};
static const unsigned char map_js[] = {
#embed "pages/map.js"
};
static const unsigned char metrics_js[] = {
#embed "pages/metrics.js"
};
static const unsigned char overrides_js[] = {
#embed "pages/overrides.js"
};
static const unsigned char projection_js[] = {
#embed "pages/projection.js"
};
static const unsigned char rates_js[] = {
#embed "pages/rates.js"
};
static const unsigned char regions_js[] = {
#embed "pages/regions.js"
};
static const unsigned char simulator_js[] = {
#embed "pages/simulator.js"
};
static const unsigned char timeline_js[] = {
#embed "pages/timeline.js"
};
static const unsigned char token_js[] = {
#embed "pages/token.js"
};
static const unsigned char world_json[] = {
#embed "pages/world.json"
};

#define FILE(name, type, content) {name, type, content, sizeof content}

static const struct dashboard_file files[] = {
    FILE("ask.js", "text/javascript; charset=utf-8", ask_js),
    FILE("dashboard.css", "text/css; charset=utf-8", dashboard_css),
    FILE("dashboard.js", "text/javascript; charset=utf-8", dashboard_js),
    FILE("elements.js", "text/javascript; charset=utf-8", elements_js),
    FILE("events.js", "text/javascript; charset=utf-8", events_js),
    FILE("explain.js", "text/javascript; charset=utf-8", explain_js),
    FILE("feed.js", "text/javascript; charset=utf-8", feed_js),
    FILE("fleet.js", "text/javascript; charset=utf-8", fleet_js),
    FILE("icon.svg", "image/svg+xml", icon_svg),
    FILE("index.html", "text/html; charset=utf-8", index_html),
    FILE("latency.js", "text/javascript; charset=utf-8", latency_js),
    FILE("map.js", "text/javascript; charset=utf-8", map_js),
    FILE("metrics.js", "text/javascript; charset=utf-8", metrics_js),
    FILE("overrides.js", "text/javascript; charset=utf-8", overrides_js),
    FILE("projection.js", "text/javascript; charset=utf-8", projection_js),
    FILE("rates.js", "text/javascript; charset=utf-8", rates_js),
    FILE("regions.js", "text/javascript; charset=utf-8", regions_js),
    FILE("simulator.js", "text/javascript; charset=utf-8", simulator_js),
    FILE("timeline.js", "text/javascript; charset=utf-8", timeline_js),
    FILE("token.js", "text/javascript; charset=utf-8", token_js),
    FILE("world.json", "application/json", world_json),
};

size_t dashboard_file_count(void) { return sizeof files / sizeof *files; }

struct dashboard_file dashboard_file(size_t index) { return files[index]; }
