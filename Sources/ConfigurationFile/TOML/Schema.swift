/// The keys one kind of table may hold.
struct Schema {
    /// How the table is opened in the file; nil: it is the top of the file.
    let header: String?
    /// The keys this version reads.
    let keys: [String]
    /// Keys of the product that this version does not read yet, each with what to do instead.
    let later: [String: String]
    /// Keys that other tables have and this one cannot, each with the reason and what to do instead.
    let refused: [String: (wrong: String, cure: String)]

    init(
        _ header: String?, keys: [String], later: [String: String] = [:],
        refused: [String: (wrong: String, cure: String)] = [:]
    ) {
        self.header = header
        self.keys = keys
        self.later = later
        self.refused = refused
    }
}

extension Schema {
    /// The key of `keys` that `key` is most likely a slip of.
    func nearest(to key: String) -> String? {
        Self.nearest(to: key, in: keys)
    }

    /// The candidate that `word` is most likely a slip of: at most a third of its letters differ.
    static func nearest(to word: String, in candidates: [String]) -> String? {
        let scored = candidates.map { (candidate: $0, distance: distance(word.lowercased(), $0.lowercased())) }
        guard let best = scored.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, best.candidate.count / 3)
        else { return nil }
        return best.candidate
    }

    /// How many letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars.prefix(64))
        let right = Array(right.unicodeScalars.prefix(64))
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
