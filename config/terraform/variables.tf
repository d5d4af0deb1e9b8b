variable "admin" {
  description = "The admin address of a node, such as https://edge-1.internal:8053."
  type        = string
}

variable "token" {
  description = "A token of that node whose scope is admin."
  type        = string
  sensitive   = true
}

variable "ttl" {
  description = "How long resolvers may keep answers."
  type        = string
  default     = "20s"
}

variable "regions" {
  description = "Each region: where it is, its endpoints, and in which order its nodes send clients."
  type = map(object({
    location  = list(number)
    tags      = list(string)
    endpoints = list(string)
    order     = list(string)
  }))
}
