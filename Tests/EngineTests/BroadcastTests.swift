import Engine
import Testing

struct BroadcastTests {
  @Test func `a subscriber begins with the newest, and misses only what came in between`() async {
    let broadcast = Broadcast<Int>()
    broadcast.send(1)
    broadcast.send(2)
    var values = broadcast.values().makeAsyncIterator()
    #expect(await values.next() == 2)
    for value in 3...9 { broadcast.send(value) }
    #expect(await values.next() == 9)
    #expect(broadcast.newest == 9)
  }

  @Test func `each subscriber has its own row`() async {
    let broadcast = Broadcast<Int>()
    var first = broadcast.values().makeAsyncIterator()
    var second = broadcast.values().makeAsyncIterator()
    broadcast.send(1)
    #expect(await first.next() == 1)
    broadcast.send(2)
    #expect(await first.next() == 2)
    #expect(await second.next() == 2)
  }

  @Test func `a row ends with its reader's task, and all of them with the broadcast`() async {
    let broadcast = Broadcast<Int>()
    let reader = Task { for await _ in broadcast.values() {} }
    reader.cancel()
    await reader.value
    var values = broadcast.values().makeAsyncIterator()
    broadcast.finish()
    #expect(await values.next() == nil)
    var late = broadcast.values().makeAsyncIterator()
    #expect(await late.next() == nil)
  }
}
