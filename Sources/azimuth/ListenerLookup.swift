import Admin
import Editions
import Homes
import ServerNames
import Settings

extension ListenerServices.Names {
  init(_ listener: Settings.Proxy.Listener, _ settings: Settings) {
    self.init(
      named: listener.serverNames.map {
        Named($0.pattern, serviceName: settings.services[$0.service].name)
      },
      other: listener.service.map { settings.services[$0].name })
  }
}

/// Which service a listener's connections get, as the proxy finds it.
///
/// - Parameter serverName: what the client asks for, as people write it; empty: nothing.
func lookUpListener(
  _ name: String, serverName: String, _ settings: Settings, in edition: Edition
) -> ListenerLookup {
  guard let listener = settings.proxy.listeners.first(where: { $0.name == name }) else {
    return .noSuchListener
  }
  let services = ListenerServices(.init(listener, settings), model: edition.model)
  var asked = Array(serverName.lowercased().utf8)
  if asked.last == UInt8(ascii: ".") { asked.removeLast() }
  switch unsafe services.find(serverName: asked.span.bytes, in: edition) {
  case .service(let index, let key):
    let key = key.map {
      RoutedKey(text: String(decoding: asked[$0.label], as: UTF8.self), rule: $0.rule.name)
    }
    return .found(service: index, key: key)
  case .noRoute: return .noRoute
  case .notReady: return .noSuchListener
  }
}
