internal import Glibc

/// The text of a configuration file.
enum FileText {
    /// Far more than any configuration; keeps a mistaken path, a disk image say, from filling the memory.
    static let largest = 1 << 20

    /// Reads all of `path` as UTF-8. `cure` says where to get a file from if there is none.
    ///
    /// Equivalent to: `cat path`.
    static func read(_ path: String, cure: String) throws(ConfigurationError) -> String {
        func refusal(line: Int? = nil, _ wrong: String, _ cure: String) -> ConfigurationError {
            ConfigurationError(problems: [.init(file: path, line: line, key: nil, wrong: wrong, cure: cure)])
        }
        let bytes: [UInt8]
        do {
            bytes = try readBytes(path)
        } catch {
            switch error.code {
            case ENOENT: throw refusal("there is no such file", cure)
            case EISDIR: throw refusal("is a directory", "name the file in it")
            case EACCES: throw refusal("may not be read by this user", "run as root, or make the file readable")
            case EFBIG: throw refusal("is larger than \(largest) bytes", "name a configuration file")
            default:
                let reason = String(cString: strerror(error.code))
                throw refusal("cannot be read: \(reason)", "check the path and the disk")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refusal(line: firstBadLine(bytes), "is not UTF-8", "save the file as UTF-8")
        }
        return text
    }

    private struct ReadError: Error {
        let code: Int32
    }

    private static func readBytes(_ path: String) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ReadError(code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw ReadError(code: errno)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= largest else { throw ReadError(code: EFBIG) }
        }
    }

    private static func firstBadLine(_ bytes: [UInt8]) -> Int? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
    }
}
