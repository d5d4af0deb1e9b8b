extension SettingsReader {
  static func handover(_ value: Value?) -> Settings.Handover {
    var handover = Settings.Handover()
    _ = value?.section { section in
      guard let socket = section.optional("socket"), let path = socket.text("the path of a socket")
      else { return }
      let absolute = socket.document.absolutePath(path)
      let limit = Settings.Handover.maximumPathByteCount
      if absolute.utf8.count > limit {
        socket.report("the path is longer than the \(limit) bytes that a socket may have")
      }
      handover.socket = absolute
    }
    return handover
  }
}
