regions = {
  tokyo = {
    location  = [35.68, 139.69]
    tags      = ["jp", "asia"]
    endpoints = ["192.0.2.1:443"]
    order     = ["tokyo", "singapore", "frankfurt"]
  }
  singapore = {
    location  = [1.35, 103.82]
    tags      = ["sg", "asia"]
    endpoints = ["192.0.2.2:443"]
    order     = ["singapore", "tokyo", "frankfurt"]
  }
  frankfurt = {
    location  = [50.11, 8.68]
    tags      = ["de", "eu"]
    endpoints = ["192.0.2.3:443"]
    order     = ["frankfurt", "singapore", "tokyo"]
  }
}
