import NIOCore

/// Runs an actor, and the tasks that prefer it, on one event loop.
final class LoopExecutor: SerialExecutor, TaskExecutor {
  private let loop: any EventLoop

  init(loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let (serial, task) = (asUnownedSerialExecutor(), asUnownedTaskExecutor())
    loop.execute { job.runSynchronously(isolatedTo: serial, taskExecutor: task) }
  }
}
