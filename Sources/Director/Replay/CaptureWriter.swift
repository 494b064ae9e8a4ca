internal import Glibc

/// A capture file in the making: under another name until it is whole, then under its own, in place of what was there.
final class CaptureWriter {
    private let path: String
    private let temporary: String
    private var descriptor: CInt
    private var pending: [UInt8]
    /// How many frames were written.
    private(set) var count = 0
    /// The longest the file may become, in bytes.
    private let limit: Int
    private var length = 0
    /// Whether something was left out because the file would have become longer.
    private(set) var isFull = false
    /// The first thing that went wrong; nothing more is written then.
    private var failure: CInt?

    private static let batch = 1 << 20

    /// Makes the file beside `path`.
    ///
    /// - Throws: `DirectorError` where it cannot be made, or something other than a file is at `path`.
    init(path: String, _ format: CaptureFormat, limit: Int = .max) throws(DirectorError) {
        self.path = path
        self.limit = limit
        temporary = "\(path).\(getpid()).new"
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw DirectorError(
                operation: "write \(path)", cause: "something other than a file is there", cure: "name another file")
        }
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw DirectorError(operation: "write \(temporary)", cause: DirectorError.words(errno))
        }
        pending = format.fileHeader
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
    }

    /// Adds a whole frame that was sent at this time.
    func append(_ frame: UnsafeRawBufferPointer, seconds: UInt32, fraction: UInt32) {
        guard failure == nil, !isFull else { return }
        length += CaptureFormat.frameHeaderLength + frame.count
        isFull = length > limit
        guard !isFull else { return }
        count += 1
        pending += CaptureFormat.bytes(
            .init(seconds: seconds, fraction: fraction, length: frame.count, originalLength: frame.count))
        pending += frame
        if pending.count >= Self.batch { flush() }
    }

    /// Puts the file in its place.
    func finish() throws(DirectorError) {
        flush()
        let isClosed = close(descriptor) == 0
        descriptor = -1
        if failure == nil, !isClosed || rename(temporary, path) != 0 { failure = errno }
        guard let failure else { return }
        unlink(temporary)
        throw DirectorError(operation: "write \(path)", cause: DirectorError.words(failure))
    }

    private func flush() {
        var written = 0
        while failure == nil, written < pending.count {
            let count = pending[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { failure = count < 0 ? errno : EIO } else { written += count }
        }
        pending.removeAll(keepingCapacity: true)
    }
}
