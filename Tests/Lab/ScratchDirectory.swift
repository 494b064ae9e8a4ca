internal import Glibc

/// A folder that is gone when the test is: `/tmp/rslab-PID-…`, PID being this process, so that what a killed run left behind is
/// recognised.
public final class ScratchDirectory: Sendable {
    /// Its path.
    public let path: String

    private static let prefix = "/tmp/rslab-"

    /// Removes the folders of processes that are gone.
    static func clearLeftovers() throws {
        for path in try Command.run(["sh", "-c", "ls -d \(prefix)*"]).output.split(separator: "\n") {
            guard let owner = path.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(owner, 0) != 0
            else { continue }
            _ = try Command.run(["rm", "-rf", String(path)])
        }
    }

    /// Makes one below `/tmp`.
    public init() throws {
        var template = Array("\(Self.prefix)\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LabError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Writes a file in it.
    public func write(_ text: String, to file: String) throws { try LabFile.write(text, to: "\(path)/\(file)") }

    deinit { _ = try? Command.run(["rm", "-rf", path]) }
}
