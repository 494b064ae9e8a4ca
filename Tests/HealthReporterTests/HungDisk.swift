import Glibc
import Testing

@testable import HealthReporter

/// A disk that has begun to write something and does not end, until a test lets it.
final class HungDisk: Sendable {
    private let pipe: (read: CInt, write: CInt)
    private let task: Task<Void, any Error>

    /// Returns once `disk` hangs.
    init(_ disk: StateDisk) async throws {
        var ends: [CInt] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        let (end, begun) = (ends[0], Box(false))
        pipe = (ends[0], ends[1])
        task = Task {
            try await disk.perform("write nothing") { () throws(ReporterError) in
                begun.value = true
                var byte: UInt8 = 0
                _ = read(end, &byte, 1)
            }
        }
        try await eventually("the disk hangs") { begun.value }
    }

    /// The disk answers again.
    func end() async throws {
        _ = write(pipe.write, [0], 1)
        try await task.value
    }

    deinit {
        close(pipe.read)
        close(pipe.write)
    }
}
