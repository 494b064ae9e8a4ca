internal import Testing

@testable internal import Director

@Suite("connections saved by several workers")
struct SavedSharesTests {
    static let three = SavedShares(division: .init(workers: 3, prefix4: 24, prefix6: 64))
    static let one = SavedShares(division: .init(workers: 1, prefix4: 32, prefix6: 128))

    @Test("each worker gets its own part again, and one alone has nothing around it")
    func again() throws {
        let parts: [[UInt8]?] = [Array(0..<200), nil, [7]]
        let bytes = try #require(Self.three.join(parts))
        #expect(try Self.three.split(bytes) == parts)
        #expect(Self.three.join([nil, nil, nil]) == nil && Self.one.join([nil]) == nil)
        #expect(Self.one.join([[1, 2]]) == [1, 2])
        #expect(try Self.one.split([1, 2]) == [[1, 2]])
    }

    @Test("what others had the clients of is refused, and so is what is damaged, wherever it is")
    func refused() throws {
        let bytes = try #require(Self.three.join([[1, 2, 3], [4], nil]))
        func cause(_ shares: SavedShares, _ bytes: [UInt8]) -> String {
            do throws(SavedShares.Refusal) {
                _ = try shares.split(bytes)
                return ""
            } catch {
                return error.cause
            }
        }
        #expect(cause(Self.one, bytes).contains("by 3 workers"))
        #expect(cause(Self.three, [1, 2, 3]).contains("saved by one worker"))
        let others = SavedShares(division: .init(workers: 3, prefix4: 32, prefix6: 64))
        #expect(cause(others, bytes).contains("another"))
        for length in 8..<bytes.count { #expect(!cause(Self.three, Array(bytes[..<length])).isEmpty, "\(length)") }
        var lying = bytes
        lying[11 + 7] = 0xFF
        #expect(cause(Self.three, lying).contains("cut off"))
    }
}
