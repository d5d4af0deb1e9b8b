import Places
import Testing

struct SplitMix64Tests {
  /// Of the generator's reference implementation (Vigna, splitmix64.c) with the seed 1234567.
  @Test func `Steps give the numbers of the reference implementation`() {
    var state: UInt64 = 1_234_567
    var numbers: [UInt64] = []
    for _ in 0..<5 {
      numbers.append(SplitMix64.mixed(state))
      state &+= SplitMix64.increment
    }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }
}
