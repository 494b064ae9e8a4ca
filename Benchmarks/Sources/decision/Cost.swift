import CAllocations
import Glibc

/// What something took.
struct Cost {
    var nanoseconds: Int64
    var allocations: UInt64

    /// What this program has taken so far.
    static var soFar: Cost {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Cost(
            nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), allocations: allocations_count())
    }

    static func - (left: Cost, right: Cost) -> Cost {
        Cost(nanoseconds: left.nanoseconds - right.nanoseconds, allocations: left.allocations - right.allocations)
    }
}

/// What each of many rounds took.
struct Costs {
    private var rounds: [Cost] = []

    mutating func add(_ cost: Cost) { rounds.append(cost) }

    /// Nanoseconds for each packet, the median of the rounds.
    var medianPerPacket: Double {
        let sorted = rounds.map(\.nanoseconds).sorted()
        return sorted.isEmpty ? .nan : Double(sorted[sorted.count / 2]) / Double(FramePool.count)
    }

    /// Milliseconds, the median of the rounds.
    var medianMilliseconds: Double { medianPerPacket * Double(FramePool.count) / 1e6 }

    var allocations: UInt64 { rounds.reduce(0) { $0 + $1.allocations } }
}

extension Double {
    /// With one decimal.
    var text: String {
        let tenths = Int((self * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
