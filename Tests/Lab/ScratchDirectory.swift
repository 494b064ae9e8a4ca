internal import Glibc

/// A folder that is gone when the test is.
public final class ScratchDirectory: Sendable {
    /// Its path.
    public let path: String

    /// Makes one below `/tmp`.
    public init() throws {
        var template = Array("/tmp/rslab-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LabError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Writes a file in it.
    public func write(_ text: String, to file: String) throws { try LabFile.write(text, to: "\(path)/\(file)") }

    deinit { _ = try? Command.run(["rm", "-rf", path]) }
}
