# The layers of a fleet's configuration, declared: one for all nodes, one for each region.
#
# Any node of the fleet takes them (docs/fleet.md, "As objects"). PUT is of the whole object and says
# what is there already without a new revision, so a second apply changes nothing.

terraform {
  required_version = ">= 1.5"
  required_providers {
    restapi = {
      source  = "Mastercard/restapi"
      version = "~> 1.19"
    }
  }
}

provider "restapi" {
  uri                   = var.admin
  create_method         = "PUT"
  update_method         = "PUT"
  write_returns_object  = false
  create_returns_object = false
  headers = {
    Authorization = "Bearer ${var.token}"
    Content-Type  = "application/json"
  }
}

resource "restapi_object" "global" {
  path        = "/v1/config"
  create_path = "/v1/config/global"
  object_id   = "global"
  data        = jsonencode(local.global)
}

resource "restapi_object" "region" {
  for_each    = var.regions
  path        = "/v1/config/region"
  create_path = "/v1/config/region/${each.key}"
  object_id   = each.key
  data = jsonencode({
    policies = { near = { order = each.value.order } }
  })
  # Regions are named in the layer for all.
  depends_on = [restapi_object.global]
}

locals {
  global = {
    regions = {
      for name, region in var.regions : name => { location = region.location, tags = region.tags }
    }
    pools = {
      web = { endpoints = { for name, region in var.regions : name => region.endpoints } }
    }
    policies = { near = { type = "failover", order = sort(keys(var.regions)) } }
    services = { web = { policy = "near", pool = "web", ttl = var.ttl } }
  }
}
