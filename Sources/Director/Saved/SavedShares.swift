/// What several workers leave behind, as bytes: each one's own part, which is of use to nobody but the worker that gets the same
/// clients next time.
struct SavedShares {
    /// Which clients are whose: by how many workers, and by how many leading bits of their addresses.
    struct Division: Hashable {
        var workers: Int
        var prefix4: Int
        var prefix6: Int
    }

    /// Why parts cannot be given out again, in words.
    struct Refusal: Error {
        let cause: String
    }

    let division: Division

    private static let magic = Array("rsshares".utf8)
    private static let headLength = magic.count + 3

    /// The parts as one; nil: there are none. That of a single worker stays as it is.
    func join(_ parts: [[UInt8]?]) -> [UInt8]? {
        guard parts.contains(where: { $0 != nil }) else { return nil }
        guard division.workers > 1 else { return parts[0] }
        var bytes = Self.magic + [UInt8(division.workers), UInt8(division.prefix4), UInt8(division.prefix6)]
        for part in parts {
            let length = UInt64(part?.count ?? 0)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            bytes += part ?? []
        }
        return bytes
    }

    /// Each worker's part.
    ///
    /// - Throws: where others had the clients than will have them now, or where parts are missing. What is in them is looked at by
    ///   whoever gets them.
    func split(_ bytes: [UInt8]) throws(Refusal) -> [[UInt8]?] {
        let isOfSeveral = bytes.starts(with: Self.magic)
        guard isOfSeveral || division.workers > 1 else { return [bytes] }
        guard isOfSeveral, bytes.count >= Self.headLength else {
            throw Refusal(cause: "they were saved by one worker, and there are \(division.workers) now")
        }
        let head = bytes[Self.magic.count..<Self.headLength].map { Int($0) }
        let saved = Division(workers: head[0], prefix4: head[1], prefix6: head[2])
        guard saved == division else {
            throw Refusal(
                cause:
                    "`workers` or a `persistence_netmask` was another when they were saved (by \(saved.workers) workers), "
                    + "so that clients had others")
        }
        var rest = bytes[Self.headLength...]
        var parts: [[UInt8]?] = []
        for _ in 0..<division.workers {
            guard rest.count >= 8 else { throw Refusal(cause: "the file is damaged: a worker's part is missing") }
            let length = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            guard length <= rest.count else { throw Refusal(cause: "the file is damaged: a worker's part is cut off") }
            parts.append(length == 0 ? nil : Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return parts
    }
}
