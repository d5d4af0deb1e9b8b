// How well the latency model routes, on measured round trips:
//
//     RoutingQuality [--places FILE --round-trips FILE] [--people FILE] [--regions A,B,C]...
//       [--sets 3,5,8,12,34] [--requests 100] [--seed 1] [--weight NAME=VALUE]...
//       [--plot FILE.svg]
//
// Without files: Azure's regions; FILE of people has the columns country and people.

import Foundation
import Latency

do {
  let options = try Options(CommandLine.arguments.dropFirst())
  try run(options)
} catch let complaint as Complaint {
  FileHandle.standardError.write(Data("RoutingQuality: \(complaint.text)\n".utf8))
  exit(2)
}
